// The power goes while files are removed, freed and stored again. Sources: src/ops/upkeep/gc.ts,
// src/catalog/garbage.ts, src/ops/chunk/chunk-writer.ts, src/ops/home/crash-recovery.ts.
import t from 'tap';
import { replayPowerLoss } from './power-loss-replay.js';
import { sampleBytes } from './sample-bytes.js';

t.setTimeout(300_000);

const blocks = (...names: string[]): Buffer => Buffer.concat(names.map((name) => sampleBytes(name, 256)));

t.test('rm, gc, chunk: whatever the disk had not synced when the power went', async (t) => {
  await replayPowerLoss(
    t,
    async ({ chunk, remove, gc }) => {
      const one = await chunk(blocks('a', 'b', 'c'));
      const two = await chunk(blocks('b', 'c', 'd', 'e'));
      await remove(one);
      await gc();
      await chunk(blocks('a', 'x', 'd'));
      await remove(two);
      await chunk(blocks('e', 'c', 'y'));
      await gc();
      await chunk(blocks('a', 'b', 'c'));
    },
    { states: 1050 },
  );
});
