// The power goes while files are stored. Sources: src/ops/chunk/object-sink.ts, src/ops/chunk/manifest-writer.ts,
// src/store/file-batch.ts, src/ops/home/crash-recovery.ts.
import t from 'tap';
import { replayPowerLoss } from './power-loss-replay.js';
import { sampleBytes } from './sample-bytes.js';

t.setTimeout(300_000);

const blocks = (...names: string[]): Buffer => Buffer.concat(names.map((name) => sampleBytes(name, 256)));

t.test('chunk: whatever the disk had not synced when the power went', async (t) => {
  await replayPowerLoss(
    t,
    async ({ chunk }) => {
      await chunk(blocks('a', 'b', 'c', 'd'));
      await chunk(blocks('c', 'e', 'a', 'f', 'f'));
      await chunk(Buffer.alloc(0));
      await chunk(sampleBytes('odd', 1000));
      await chunk(blocks('a', 'b', 'c', 'd'));
      await chunk(blocks('g', 'h', 'i', 'j', 'k', 'l', 'm', 'n'));
    },
    { states: 1050 },
  );
});
