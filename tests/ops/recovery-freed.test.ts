// Files that were removed, chunks that gc frees and chunks that are damaged: what a rebuild lists restores.
// Sources: src/ops/upkeep/gc.ts, src/catalog/garbage.ts, src/ops/upkeep/verify.ts, src/ops/upkeep/rebuild.ts.
import fs from 'node:fs';
import type { Test } from 'tap';
import t from 'tap';
import type { StoreId } from '../../src/core/ids.js';
import { preparePasswordWork } from '../../src/core/password-work.js';
import { chunkStream } from '../../src/ops/chunk/chunk.js';
import { listFiles, removeFiles } from '../../src/ops/files/files.js';
import type { OpenVault } from '../../src/ops/home/vault.js';
import { collectGarbage } from '../../src/ops/upkeep/gc.js';
import { rebuildCatalog } from '../../src/ops/upkeep/rebuild.js';
import { verify } from '../../src/ops/upkeep/verify.js';
import { homePaths, objectPath } from '../../src/store/paths.js';
import { breaches, expectIntact, restored } from './expect-intact.js';
import { FaultFileSystem } from './fault-file-system.js';
import { promptFileSystem } from './prompt-file-system.js';
import { sampleBytes, sliced } from './sample-bytes.js';
import {
  HomeImage,
  makeScratchHome,
  openScratch,
  RECOVERY_CODE,
  scratchFolder,
  TINY_SIZES,
} from './scratch-home.js';

// Each rebuild and each password start a worker thread: on a busy machine that takes a while.
t.setTimeout(240_000);

const open = (home: string): Promise<OpenVault> => openScratch(home, { sizes: TINY_SIZES });

async function rebuild(home: string): Promise<void> {
  preparePasswordWork();
  await rebuildCatalog({ home, password: RECOVERY_CODE });
}

async function store(vault: OpenVault, name: string, bytes: Buffer): Promise<string> {
  const options = { name, workers: 0, chunker: 'fixed' } as const;
  return (await chunkStream(vault, sliced(bytes, [65_536]), options)).id;
}

const makeHome = (test: Test): Promise<string> => makeScratchHome(scratchFolder(test), { withSlot: true });

/** Store ids in the order in which they were stored. */
function chunksOf(vault: OpenVault): readonly StoreId[] {
  const query = 'SELECT lower(hex(store_id)) FROM objects WHERE kind = 1 ORDER BY id';
  return vault.home.catalog.database.prepare(query).pluck().all() as StoreId[];
}

/** Flips a bit: the object keeps its length. */
function damage(home: string, id: StoreId | undefined): void {
  const file = objectPath(homePaths(home).objects, 'chunk', id ?? ('' as StoreId));
  const bytes = fs.readFileSync(file);
  bytes[40] = (bytes[40] ?? 0) ^ 1;
  fs.writeFileSync(file, bytes);
}

/** A second `verify --repair` lets what was stored again take the place of the damaged one. */
async function mend(home: string, id: StoreId | undefined): Promise<void> {
  const vault = await open(home);
  const { repaired } = await verify(vault, { repair: true, workers: 0 });
  if (repaired.length !== 1 || repaired[0] !== id) throw new Error(`repaired: ${repaired.join(', ')}`);
  await vault.close();
}

const names = (vault: OpenVault): readonly string[] => [...listFiles(vault)].map(({ name }) => name);

/** More objects than gc frees in one batch: 300 chunks in one file, some of them in another as well. */
async function removedScene(test: Test) {
  const home = await makeHome(test);
  const vault = await open(home);
  const bytes = sampleBytes('removed', 300 * 256);
  const kept = Buffer.concat([bytes.subarray(0, 512), sampleBytes('kept', 700)]);
  const keptId = await store(vault, 'kept', kept);
  await removeFiles(vault, [await store(vault, 'removed', bytes)]);
  await vault.close();
  return { home, before: HomeImage.of(home), kept: new Map([[keptId, kept]]) };
}

t.test('gc stopped at an unlink: a rebuild brings back no file whose chunks are gone', async (t) => {
  const { home, before, kept } = await removedScene(t);
  const run = async (fileSystem: FaultFileSystem): Promise<void> => {
    before.restoreTo(home);
    const observer = fileSystem.observer;
    const vault = await openScratch(home, { sizes: TINY_SIZES, fileSystem, commitObserver: observer });
    await collectGarbage(vault, { graceSeconds: 0 }).catch(() => {});
    await vault.close().catch(() => {});
  };
  const counting = new FaultFileSystem(promptFileSystem);
  await run(counting);
  const unlinks = [...counting.calls.entries()].filter(([, { name }]) => name === 'unlink').map(([at]) => at);
  t.ok(unlinks.length >= 299, `${unlinks.length} unlinks`);
  // The first ones, the last one, both sides of a full batch, and some between. Each costs a rebuild.
  const chosen = unlinks.filter((_, index) => {
    const isEdge = index < 2 || index === unlinks.length - 1 || index === 255 || index === 256;
    return isEdge || index % 100 === 50;
  });
  const failures: string[] = [];
  for (const [turn, at] of chosen.entries()) {
    const fault = turn % 3 === 2 ? 'EIO' : 'kill';
    await run(new FaultFileSystem(promptFileSystem, { fault, at }));
    await rebuild(home);
    const vault = await open(home);
    for (const breach of await breaches(vault, kept)) failures.push(`${fault} at ${at}: ${breach}`);
    await vault.close();
  }
  t.same(failures, []);
  t.ok(chosen.length >= 7, `${chosen.length} points`);
});

t.test(
  'gc that is aborted between two batches: a rebuild brings back no file whose chunks are gone',
  async (t) => {
    const { home, kept } = await removedScene(t);
    const vault = await open(home);
    const stop = new AbortController();
    const stopped = collectGarbage(vault, {
      graceSeconds: 0,
      signal: stop.signal,
      onProgress: () => stop.abort(),
    });
    await t.rejects(stopped, { code: 'E_ABORTED' });
    await vault.close();
    await rebuild(home);
    const after = await open(home);
    await expectIntact(t, after, kept, 'after the rebuild');
    await after.close();
  },
);

t.test(
  'a removed file may come back by a rebuild before gc, and then it restores; after gc it is gone',
  async (t) => {
    const home = await makeHome(t);
    const bytes = sampleBytes('removed', 3000);
    const vault = await open(home);
    const id = await store(vault, 'removed', bytes);
    await removeFiles(vault, [id]);
    t.same(names(vault), []);
    await vault.close();

    await rebuild(home);
    const between = await open(home);
    t.same(names(between), ['removed']);
    await expectIntact(t, between, new Map([[id, bytes]]), 'before gc');
    await collectGarbage(between, { graceSeconds: 0 });
    await expectIntact(t, between, new Map([[id, bytes]]), 'gc does not take what is listed');
    await removeFiles(between, [id]);
    await collectGarbage(between, { graceSeconds: 0 });
    await between.close();

    await rebuild(home);
    const after = await open(home);
    t.same(names(after), []);
    t.equal(after.home.objects.totals().objects, 0);
    await after.close();
  },
);

for (const [isRepaired, isRebuilt] of [
  [false, false],
  [false, true],
  [true, false],
  [true, true],
]) {
  const when = `repaired once more: ${isRepaired}, rebuilt: ${isRebuilt}`;
  t.test(`a chunk that another file gave again keeps its first file after gc; ${when}`, async (t) => {
    const home = await makeHome(t);
    const bytes = sampleBytes('a', 256 * 6);
    const vault = await open(home);
    const a = await store(vault, 'a', bytes);
    const [, second] = chunksOf(vault);
    damage(home, second);
    t.match(await verify(vault, { repair: true, workers: 0 }), { corrupt: [second] });
    const b = await store(vault, 'b', bytes);
    for (const id of [a, b])
      t.ok((await restored(vault, id)).equals(bytes), 'the same bytes again mend both');
    await removeFiles(vault, [b]);
    await vault.close();
    if (isRepaired) await mend(home, second);

    const freeing = await open(home);
    t.match(
      await collectGarbage(freeing, { graceSeconds: 0 }),
      { freed: 1, waiting: 0 },
      'the manifest of b',
    );
    t.ok((await restored(freeing, a)).equals(bytes), 'after gc');
    await freeing.close();
    if (!isRebuilt) return;

    await rebuild(home);
    const after = await open(home);
    t.same(names(after), ['a']);
    t.ok((await restored(after, a)).equals(bytes), 'after the rebuild');
    await collectGarbage(after, { graceSeconds: 0 });
    t.ok((await restored(after, a)).equals(bytes), 'and after gc behind it');
    await after.close();
    await rebuild(home);
    const last = await open(home);
    t.ok((await restored(last, a)).equals(bytes), 'and after one more rebuild');
    await last.close();
  });
}

for (const readData of [false, true]) {
  for (const repair of [false, true]) {
    t.test(`damage that no file feels; verify with readData ${readData}, repair ${repair}`, async (t) => {
      const home = await makeHome(t);
      const bytes = sampleBytes('again', 256 * 4);
      const vault = await open(home);
      await removeFiles(vault, [await store(vault, 'first', bytes)]);
      for (const id of chunksOf(vault)) damage(home, id);
      const found: unknown[] = [];
      const result = await verify(vault, {
        readData,
        repair,
        workers: 0,
        onFinding: (finding) => found.push(finding),
      });
      t.match(result, { corrupt: [], missing: [], repaired: [] }, 'nothing that is needed is damaged');
      t.same(found, []);
      const { id, newChunks } = await chunkStream(vault, sliced(bytes, [65_536]), {
        name: 'second',
        workers: 0,
        chunker: 'fixed',
      });
      t.equal(newChunks, 4, 'no damaged chunk is taken for one that is here');
      await expectIntact(t, vault, new Map([[id, bytes]]), 'the second file');
      await vault.close();
      const after = await open(home);
      await collectGarbage(after, { graceSeconds: 0 });
      t.equal(after.home.objects.totals().objects, 5, 'gc frees what is damaged');
      await expectIntact(t, after, new Map([[id, bytes]]), 'after gc');
      await after.close();
    });
  }
}
