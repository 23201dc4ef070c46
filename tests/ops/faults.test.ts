// Every step of a small chunk and of a small gc fails once, and the process dies at each: nothing acknowledged is
// lost, nothing is damaged, nothing is left in tmp/, and the next run works.
// Sources: src/ops/chunk/chunk.ts, src/ops/upkeep/gc.ts, src/ops/home/crash-recovery.ts, src/store/file-batch.ts.
import fs from 'node:fs';
import path from 'node:path';
import t from 'tap';
import type { StoreId } from '../../src/core/ids.js';
import { chunkStream } from '../../src/ops/chunk/chunk.js';
import { removeFiles } from '../../src/ops/files/files.js';
import type { OpenVault } from '../../src/ops/home/vault.js';
import { collectGarbage } from '../../src/ops/upkeep/gc.js';
import { objectPath } from '../../src/store/paths.js';
import { unmatched } from './expect-intact.js';
import { sweepFaults } from './fault-sweep.js';
import { sampleBytes, sliced } from './sample-bytes.js';
import { HomeImage, makeScratchHome, openScratch, scratchFolder, TINY_SIZES } from './scratch-home.js';

t.setTimeout(240_000);

/** Blocks of 256 bytes: the fixed chunker makes each a chunk, and equal ones are stored once. */
const block = (name: string): Buffer => sampleBytes(name, 256);
const blocks = (...names: string[]): Buffer => Buffer.concat(names.map(block));

async function store(vault: OpenVault, name: string, bytes: Buffer): Promise<string> {
  const options = { name, workers: 0, chunker: 'fixed' } as const;
  return (await chunkStream(vault, sliced(bytes, [1000]), options)).id;
}

/** Two files that stay, one that was removed, a chunk of a run that was killed, and a file without a row. */
async function livedInHome(home: string): Promise<Map<string, Buffer>> {
  const acknowledged = new Map<string, Buffer>();
  const vault = await openScratch(home, { sizes: TINY_SIZES });
  for (const [name, bytes] of [
    ['one', blocks('a', 'b', 'c')],
    ['two', blocks('b', 'c', 'd', 'd')],
    ['removed', blocks('c', 'x', 'y', 'z')],
    ['orphan', blocks('o', 'p')],
  ] as const) {
    const id = await store(vault, name, bytes);
    if (name === 'one' || name === 'two') acknowledged.set(id, bytes);
    if (name === 'removed') await removeFiles(vault, [id]);
    if (name === 'orphan') {
      const row = vault.home.objects.find(id as StoreId)?.row;
      vault.home.catalog.database.exec(`DELETE FROM files WHERE object = ${row}; DELETE FROM refs WHERE parent = ${row};
        DELETE FROM objects WHERE id = ${row}`);
      fs.rmSync(objectPath(vault.home.paths.objects, 'manifest', id as StoreId));
    }
  }
  await vault.close();
  const stray = 'f'.repeat(64);
  fs.writeFileSync(
    path.join(home, 'objects/chunks/ff', stray),
    'of a process that was killed before its commit',
  );
  return acknowledged;
}

t.test('chunk: whichever step fails', async (t) => {
  const home = await makeScratchHome(scratchFolder(t));
  const acknowledged = await livedInHome(home);
  const bytes = blocks('new 1', 'a', 'x', 'new 2', 'd', 'new 1', 'y', 'new 3', 'o');
  const points = await sweepFaults(t, {
    home,
    before: HomeImage.of(home),
    acknowledged,
    faults: ['EIO', 'ENOSPC', 'kill'],
    async run(vault, acknowledged) {
      acknowledged.set(await store(vault, 'first', bytes), bytes);
      acknowledged.set(await store(vault, 'second', blocks('new 3', 'z')), blocks('new 3', 'z'));
    },
  });
  t.ok(points >= 120, `${points} points`);
});

t.test('chunk with a list that spills into chunks of its own: whichever step fails', async (t) => {
  const home = await makeScratchHome(scratchFolder(t));
  const acknowledged = await livedInHome(home);
  const bytes = Buffer.concat(
    Array.from({ length: 950 }, (_, index) => block(index % 40 === 0 ? 'a' : `s ${index % 7}`)),
  );
  const points = await sweepFaults(t, {
    home,
    before: HomeImage.of(home),
    acknowledged,
    faults: ['kill'],
    onlyChanges: true,
    runAgain: false,
    async run(vault, acknowledged) {
      acknowledged.set(await store(vault, 'long', bytes), bytes);
      const lists = vault.home.catalog.database.prepare(`SELECT count(DISTINCT parent) FROM refs JOIN objects
        ON objects.id = refs.parent AND objects.kind = 1`);
      if (lists.pluck().get() === 0) throw new Error('the list did not spill');
    },
  });
  t.ok(points >= 20, `${points} points`);
});

t.test('gc: whichever step fails', async (t) => {
  const home = await makeScratchHome(scratchFolder(t));
  const acknowledged = await livedInHome(home);
  const points = await sweepFaults(t, {
    home,
    before: HomeImage.of(home),
    acknowledged,
    faults: ['EIO', 'ENOSPC', 'kill'],
    async run(vault) {
      await collectGarbage(vault, { graceSeconds: 0 });
      const left = unmatched(vault);
      if (left.length > 0) throw new Error(`gc left ${left.join(', ')}`);
    },
  });
  t.ok(points >= 80, `${points} points`);
});
