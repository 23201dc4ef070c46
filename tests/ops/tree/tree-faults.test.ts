// A tree whose storing is stopped or fails ends with the error, at once, and leaves a home that works.
// Sources: src/ops/tree/tree-reader.ts, tree-steps.ts, chunk-tree.ts, src/core/list.ts.
import fs from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { isDisktroError } from '../../../src/errors.js';
import { listFiles } from '../../../src/ops/files/files.js';
import { chunkTree } from '../../../src/ops/tree/chunk-tree.js';
import { verify } from '../../../src/ops/upkeep/verify.js';
import { nodeFileSystem } from '../../../src/store/file-system.js';
import { FaultFileSystem } from '../fault-file-system.js';
import { chance, runSeed, sampleBytes } from '../sample-bytes.js';
import { makeScratchHome, openScratch, scratchFolder } from '../scratch-home.js';

t.setTimeout(300_000);
const HANG_MS = 20_000;

/** Small and large files, so that runs are open when it happens. */
function makeTree(folder: string): string {
  const tree = path.join(folder, 'tree');
  fs.mkdirSync(tree);
  for (let index = 0; index < 120; index++) {
    const size = index % 9 === 0 ? 200_000 : 1500 * (index % 20);
    fs.writeFileSync(path.join(tree, `f${index}`), sampleBytes(index, size));
  }
  return tree;
}

function unlessHanging<T>(what: string, promise: Promise<T>): Promise<T> {
  let alarm: NodeJS.Timeout | undefined;
  const hanging = new Promise<never>((_, reject) => {
    alarm = setTimeout(() => reject(new Error(`${what}: hangs`)), HANG_MS);
  });
  return Promise.race([promise, hanging]).finally(() => clearTimeout(alarm));
}

const seed = runSeed();
t.test(`stopped at any moment it ends with E_ABORTED and lists nothing (seed ${seed})`, async (t) => {
  const folder = scratchFolder(t);
  const tree = makeTree(folder);
  const luck = chance(seed);
  const vault = await openScratch(await makeScratchHome(folder));
  t.teardown(() => vault.close());
  let aborted = 0;
  for (let round = 0; round < 25; round++) {
    const controller = new AbortController();
    let left = luck.whole(40);
    const stop = (): void => {
      if (left-- === 0) controller.abort();
    };
    const work = chunkTree(vault, tree, {
      workers: round % 2 === 0 ? 0 : 2,
      force: true,
      signal: controller.signal,
      onProgress: stop,
    });
    const outcome = await unlessHanging(
      `round ${round}`,
      work.catch((error: unknown) => error),
    );
    if (isDisktroError(outcome)) {
      t.equal(outcome.code, 'E_ABORTED');
      aborted++;
    } else t.match(outcome, { kind: 'tree' });
  }
  t.ok(aborted > 5, `${aborted} were stopped`);
  t.equal([...listFiles(vault)].length, 25 - aborted);
  const { corrupt, missing } = await verify(vault, { readData: true, workers: 0 });
  t.same([corrupt, missing], [[], []]);
});

t.test('whichever write fails, the error comes out and the next run is whole', async (t) => {
  const folder = scratchFolder(t);
  const tree = makeTree(folder);
  const counting = new FaultFileSystem(nodeFileSystem);
  const first = await openScratch(await makeScratchHome(folder), { fileSystem: counting });
  const before = counting.calls.length;
  await chunkTree(first, tree, { workers: 0 });
  const operations = counting.calls.length - before;
  await first.close();
  fs.rmSync(path.join(folder, 'home'), { recursive: true });
  const luck = chance(seed);
  for (let round = 0; round < 20; round++) {
    const fault = new FaultFileSystem(nodeFileSystem);
    const vault = await openScratch(await makeScratchHome(folder), { fileSystem: fault });
    fault.plan({ fault: round % 2 === 0 ? 'EIO' : 'ENOSPC', at: luck.whole(operations) });
    const work = chunkTree(vault, tree, { workers: 0 });
    const outcome = await unlessHanging(
      `round ${round}`,
      work.catch((error: unknown) => error),
    );
    t.ok(isDisktroError(outcome) || (outcome as { kind?: string }).kind === 'tree', `${outcome}`);
    if (isDisktroError(outcome)) t.ok(['E_IO', 'E_NO_SPACE'].includes(outcome.code), outcome.code);
    t.match(await chunkTree(vault, tree, { workers: 0 }), { files: 120, failed: [] });
    const { corrupt, missing } = await verify(vault, { readData: true, workers: 0 });
    t.same([corrupt, missing], [[], []]);
    await vault.close();
    fs.rmSync(path.join(folder, 'home'), { recursive: true });
  }
});

t.test(
  'patterns that cannot be read, and a root that is none, are refused before anything is stored',
  async (t) => {
    const folder = scratchFolder(t);
    const vault = await openScratch(await makeScratchHome(folder));
    t.teardown(() => vault.close());
    await t.rejects(chunkTree(vault, path.join(folder, 'none'), { workers: 0 }), { code: 'E_INPUT' });
    await t.rejects(chunkTree(vault, folder, { workers: 0, name: '' }), { code: 'E_USAGE' });
    fs.writeFileSync(path.join(folder, 'file'), 'x');
    await t.rejects(chunkTree(vault, path.join(folder, 'file'), { workers: 0 }), { code: 'E_INPUT' });
    t.equal([...listFiles(vault)].length, 0);
  },
);
