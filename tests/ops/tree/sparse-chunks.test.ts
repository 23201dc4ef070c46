// Small files share chunks; what is left in a chunk that is mostly dead is stored anew, so that the space comes back.
// Source: src/ops/tree/sparse-chunks.ts.
import fs from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import type { FileId } from '../../../src/core/ids.js';
import { NO_FILTER } from '../../../src/ops/files/file-filter.js';
import type { OpenVault } from '../../../src/ops/home/vault.js';
import { chunkTree } from '../../../src/ops/tree/chunk-tree.js';
import { drill } from '../../../src/ops/upkeep/drill.js';
import { forgetFiles, planForget } from '../../../src/ops/upkeep/forget.js';
import { collectGarbage } from '../../../src/ops/upkeep/gc.js';
import { verify } from '../../../src/ops/upkeep/verify.js';
import { sampleBytes } from '../sample-bytes.js';
import { makeScratchHome, openScratch, scratchFolder } from '../scratch-home.js';

const FILES = 40;
const FILE_BYTES = 1_000;

interface Tree {
  readonly vault: OpenVault;
  readonly folder: string;
  /** Stores the folder. */
  store(day: number): Promise<{ id: FileId; newChunks: number; unchanged: number }>;
  /** Changes the first so many files, long enough ago to be trusted. */
  change(files: number, round: string): Promise<void>;
}

async function treeOf(test: Test): Promise<Tree> {
  const folder = path.join(scratchFolder(test), 'tree');
  fs.mkdirSync(folder);
  const vault = await openScratch(await makeScratchHome(path.dirname(folder)), {});
  test.teardown(() => vault.close());
  const change = async (files: number, round: string): Promise<void> => {
    for (let file = 0; file < files; file++) {
      fs.writeFileSync(path.join(folder, `f${file}`), sampleBytes(`${round} ${file}`, FILE_BYTES));
    }
    // What was changed just before it was stored is read again the next time whatever happens.
    await new Promise((resolve) => setTimeout(resolve, 2_100));
  };
  await change(FILES, 'first');
  return {
    vault,
    folder,
    change,
    async store(day) {
      const result = await chunkTree(vault, folder, { workers: 0, createdMs: Date.UTC(2024, 2, day) });
      return { id: result.id, newChunks: result.newChunks, unchanged: result.unchanged ?? 0 };
    },
  };
}

function storedChunks({ home }: OpenVault): string[] {
  return home.objects
    .page(0, 1_000)
    .filter(({ kind }) => kind === 'chunk')
    .map(({ storeId }) => storeId);
}

t.test(
  'of a chunk that the last tree hardly used the rest is stored anew, once, and gc frees it',
  async (t) => {
    const { vault, store, change } = await treeOf(t);
    await store(1);
    const [old = '', ...others] = storedChunks(vault);
    t.same(others, [], 'all share one chunk');
    await change(FILES - 5, 'second');
    t.match(
      await store(2),
      { newChunks: 1, unchanged: 5 },
      'the tree before used all of it: five are carried over',
    );
    t.match(await store(3), { newChunks: 1, unchanged: FILES - 5 }, 'now five are read again');
    t.match(await store(4), { newChunks: 0, unchanged: FILES }, 'and are at peace from then on');
    const rules = { counts: { last: 1 }, within: {}, tags: [] };
    const groups = planForget(vault, { rules, filter: NO_FILTER, groupBy: ['path'], mayRemoveAll: false });
    const gone = groups.flatMap(({ files }) =>
      files.filter(({ reasons }) => reasons.length === 0).map(({ id }) => id),
    );
    t.equal(gone.length, 3);
    forgetFiles(vault, gone);
    vault.home.endSession();
    await collectGarbage(vault, { graceSeconds: 0 });
    t.notOk(storedChunks(vault).includes(old), 'the old chunk is gone, and its 35 dead files with it');
    const stored = vault.home.objects.totals().bytes;
    t.ok(stored < 1.2 * FILES * FILE_BYTES, `${stored} bytes for ${FILES * FILE_BYTES}`);
    t.match(await verify(vault, { readData: true, workers: 0 }), { corrupt: [], missing: [] });
    const tried = await drill(vault, { sample: { share: 1 }, workers: 0 });
    t.match(tried, { files: FILES, bytes: FILES * FILE_BYTES, failed: [] });
  },
);

t.test('a chunk that is used by a third stays as it is', async (t) => {
  const { vault, store, change } = await treeOf(t);
  await store(1);
  await change(FILES - 14, 'second');
  t.match(await store(2), { unchanged: 14 });
  t.match(await store(3), { newChunks: 0, unchanged: FILES }, '14 of 40');
  t.equal(storedChunks(vault).length, 2);
});

t.test('a drill takes single files of a tree, the same with the same seed', async (t) => {
  const { vault, store } = await treeOf(t);
  const { id } = await store(1);
  const some = await drill(vault, { sample: { bytes: 5_500 }, seed: 5, workers: 0 });
  t.match(some, { files: 6, bytes: 6_000, manifests: 1, failed: [] });
  const [chunk = ''] = storedChunks(vault);
  fs.unlinkSync(path.join(vault.home.path, 'objects/chunks', chunk.slice(0, 2), chunk));
  const names = async (seed: number): Promise<unknown[]> => {
    const { failed } = await drill(vault, { sample: { bytes: 5_500 }, seed, workers: 0 });
    t.ok(failed.every((failure) => failure.id === id && failure.code === 'E_OBJECT_MISSING'));
    return failed.map((failure) => failure.path).sort();
  };
  const first = await names(5);
  t.equal(first.length, 6, 'each file of it that was tried is named');
  t.same(await names(5), first);
  t.notSame(await names(6), first);
});
