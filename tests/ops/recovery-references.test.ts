// References that the catalog lacks: verify says so, gc frees nothing that may be needed, and rebuild mends it.
// Sources: src/ops/upkeep/rebuild.ts, src/ops/upkeep/verify.ts, src/ops/upkeep/reference-check.ts,
// src/ops/upkeep/gc.ts.
import fs from 'node:fs';
import type { Test } from 'tap';
import t from 'tap';
import type { StoreId } from '../../src/core/ids.js';
import type { ObjectKind } from '../../src/core/object.js';
import { preparePasswordWork } from '../../src/core/password-work.js';
import { chunkStream } from '../../src/ops/chunk/chunk.js';
import { listFiles, removeFiles } from '../../src/ops/files/files.js';
import type { OpenVault } from '../../src/ops/home/vault.js';
import type { GcResult } from '../../src/ops/upkeep/gc.js';
import { collectGarbage } from '../../src/ops/upkeep/gc.js';
import type { RebuildResult } from '../../src/ops/upkeep/rebuild.js';
import { rebuildCatalog } from '../../src/ops/upkeep/rebuild.js';
import { enterUnknownManifests } from '../../src/ops/upkeep/unknown-manifests.js';
import { verify } from '../../src/ops/upkeep/verify.js';
import { homePaths, objectPath } from '../../src/store/paths.js';
import { expectIntact } from './expect-intact.js';
import { sampleBytes, sliced } from './sample-bytes.js';
import {
  filesOf,
  makeScratchHome,
  openScratch,
  RECOVERY_CODE,
  scratchFolder,
  TINY_SIZES,
} from './scratch-home.js';

// Each rebuild and each password start a worker thread: on a busy machine that takes a while.
t.setTimeout(240_000);

/** So many 256-byte chunks that the list of them spills into list chunks; few of them differ. */
const LONG = Buffer.concat(Array.from({ length: 1000 }, (_, index) => sampleBytes(index % 7, 256)));
const SMALL = sampleBytes('small', 3000);
const SMALL_CHUNKS = Math.ceil(3000 / 256);

interface Scene {
  readonly home: string;
  readonly long: string;
  readonly small: string;
  /** The list chunks of `long`. */
  readonly lists: readonly StoreId[];
}

const open = (home: string): Promise<OpenVault> => openScratch(home, { sizes: TINY_SIZES });

const rebuild = (home: string): Promise<RebuildResult> => {
  preparePasswordWork();
  return rebuildCatalog({ home, password: RECOVERY_CODE });
};

const gcAtOnce = (vault: OpenVault): Promise<GcResult> => collectGarbage(vault, { graceSeconds: 0 });

async function scene(test: Test): Promise<Scene> {
  const home = await makeScratchHome(scratchFolder(test), { withSlot: true });
  const vault = await open(home);
  const store = async (name: string, bytes: Buffer): Promise<string> =>
    (await chunkStream(vault, sliced(bytes, [65_536]), { name, workers: 0, chunker: 'fixed' })).id;
  const long = await store('long', LONG);
  const small = await store('small', SMALL);
  const lists = vault.home.catalog.database
    .prepare(`SELECT lower(hex(store_id)) FROM objects
      WHERE kind = 1 AND id IN (SELECT parent FROM refs) ORDER BY id`)
    .pluck()
    .all() as StoreId[];
  await vault.close();
  return { home, long, small, lists };
}

/** Flips a bit in the middle. @returns what puts the good bytes back */
function damage(home: string, kind: ObjectKind, id: string): () => void {
  const file = objectPath(homePaths(home).objects, kind, id as StoreId);
  const good = fs.readFileSync(file);
  const bad = Buffer.from(good);
  const middle = bad.byteLength >> 1;
  bad[middle] = (bad[middle] ?? 0) ^ 1;
  fs.writeFileSync(file, bad);
  return () => fs.writeFileSync(file, good);
}

/** What must hold after a rebuild that met something it could not read and that can be read again. */
async function expectRefusal(t: Test, home: string): Promise<void> {
  const vault = await open(home);
  const before = filesOf(vault.home.paths.objects);
  for (const readData of [false, true]) {
    const refusal = { code: 'E_CATALOG_CORRUPT', hint: /disktro rebuild/ };
    await t.rejects(
      verify(vault, { readData, workers: 0 }),
      refusal,
      `verify, reading the data: ${readData}`,
    );
  }
  t.match(
    await collectGarbage(vault, { graceSeconds: 0, dryRun: true }),
    { incomplete: true },
    'gc that only counts',
  );
  t.match(await gcAtOnce(vault), { freed: 0, incomplete: true }, 'gc frees nothing');
  t.same(filesOf(vault.home.paths.objects), before, 'every object is there');
  await vault.close();
}

async function expectMended(t: Test, { home, long, small }: Scene): Promise<void> {
  t.match(await rebuild(home), { files: 2, damaged: [] }, 'the second rebuild reads all');
  const vault = await open(home);
  const all = new Map([
    [long, LONG],
    [small, SMALL],
  ]);
  await expectIntact(t, vault, all, 'after the second rebuild');
  t.match(await gcAtOnce(vault), { freed: 0, incomplete: false }, 'nothing is garbage');
  await expectIntact(t, vault, all, 'after gc');
  await vault.close();
}

t.test('a list chunk that a rebuild could not read and that came back', async (t) => {
  const place = await scene(t);
  t.ok(place.lists.length >= 1, 'the list has spilled');
  for (const list of place.lists) {
    const putBack = damage(place.home, 'chunk', list);
    t.same((await rebuild(place.home)).damaged, [place.long]);
    putBack();
    await expectRefusal(t, place.home);
  }
  await expectMended(t, place);
});

t.test('a manifest that a rebuild could not read and that came back', async (t) => {
  const place = await scene(t);
  const putBack = damage(place.home, 'manifest', place.long);
  t.match(await rebuild(place.home), { files: 1, damaged: [place.long] });
  putBack();
  await expectRefusal(t, place.home);
  await expectMended(t, place);
});

t.test(
  'while a rebuild is incomplete, gc frees the manifests of removed files and nothing else',
  async (t) => {
    const { home, long, small, lists } = await scene(t);
    const putBack = damage(home, 'chunk', lists[0] ?? '');
    await rebuild(home);
    const vault = await open(home);
    const before = filesOf(vault.home.paths.objects);
    const { tombstoned } = await removeFiles(vault, [small]);
    t.ok(tombstoned > 1, 'its chunks are garbage as well');
    t.match(await gcAtOnce(vault), { freed: 1, waiting: tombstoned - 1, incomplete: true });
    const gone = before.filter((file) => !filesOf(vault.home.paths.objects).includes(file));
    t.equal(gone.length, 1);
    t.match(gone[0], new RegExp(`manifests.*${small}$`));
    await vault.close();
    putBack();
    t.match(await rebuild(home), { files: 1, damaged: [] });
    const after = await open(home);
    t.match(await gcAtOnce(after), { freed: tombstoned - 1, incomplete: false }, 'then the rest goes');
    await expectIntact(t, after, new Map([[long, LONG]]), 'after gc');
    await after.close();
  },
);

/** Makes the catalog forget every file, with its references. */
function forgetManifests({ home }: OpenVault): void {
  home.catalog.database.exec('DELETE FROM files; DELETE FROM refs; DELETE FROM objects WHERE kind = 2');
}

t.test('a manifest that the catalog does not know keeps gc from its chunks', async (t) => {
  const { home, long, small } = await scene(t);
  const all = new Map([
    [long, LONG],
    [small, SMALL],
  ]);
  const vault = await open(home);
  forgetManifests(vault);
  const before = filesOf(vault.home.paths.objects);
  t.match(await collectGarbage(vault.home, { graceSeconds: 0 }), {
    freed: 0,
    incomplete: true,
    entered: 0,
    unknown: 2,
  });
  t.same(filesOf(vault.home.paths.objects), before, 'without keys nothing goes');
  t.match(await gcAtOnce(vault), { freed: 0, incomplete: false, entered: 2, unknown: 0 });
  await expectIntact(t, vault, all, 'with keys it is known again, lists and all');
  await verify(vault, { readData: true, workers: 0 });
  await removeFiles(vault, [small]);
  t.match(await gcAtOnce(vault), { freed: 1 + SMALL_CHUNKS, waiting: 0 }, 'and what is not needed is freed');
  await vault.close();
});

t.test('a manifest that the catalog does not know and that cannot be had whole stays so', async (t) => {
  const { home, long, small, lists } = await scene(t);
  const vault = await open(home);
  const { objects } = vault.home.paths;
  const chunk = vault.home.objects.descendants(small as StoreId).find(({ kind }) => kind === 'chunk');
  forgetManifests(vault);
  fs.rmSync(objectPath(objects, 'chunk', chunk?.storeId ?? (small as StoreId)));
  fs.rmSync(objectPath(objects, 'chunk', lists[0] ?? (long as StoreId)));
  const before = filesOf(objects);
  t.match(await gcAtOnce(vault), { freed: 0, incomplete: true, entered: 0, unknown: 2 });
  t.match(await gcAtOnce(vault), { freed: 0, incomplete: true, entered: 0, unknown: 2 }, 'once more');
  t.same(filesOf(objects), before);
  await vault.close();
});

t.test('a manifest that was removed meanwhile does not come back', async (t) => {
  const { home, small } = await scene(t);
  const vault = await open(home);
  forgetManifests(vault);
  let isSeen = false;
  const { store } = vault.home;
  const sizes = store.sizes.bind(store);
  store.sizes = async (kind, ids) => {
    if (!isSeen && kind === 'chunk') {
      isSeen = true;
      await using other = await open(home);
      await enterUnknownManifests(other, undefined);
      await removeFiles(other, [small]);
    }
    return sizes(kind, ids);
  };
  await gcAtOnce(vault);
  t.ok(isSeen);
  t.notOk([...listFiles(vault)].some(({ id }) => id === small));
  await vault.close();
});

t.test('verify that reads the data misses each kind of reference, and a rebuild mends it', async (t) => {
  const place = await scene(t);
  const filesChildren = 'SELECT child FROM refs WHERE parent IN (SELECT object FROM files)';
  const parents = 'SELECT parent FROM refs';
  for (const [which, children] of [
    ['from a list chunk', 'SELECT child FROM refs WHERE parent NOT IN (SELECT object FROM files)'],
    ['from a manifest to a list chunk', `${filesChildren} AND child IN (${parents})`],
    ['from a manifest to a chunk', `${filesChildren} AND child NOT IN (${parents})`],
  ] as const) {
    const vault = await open(place.home);
    const { corrupt, missing } = await verify(vault, { readData: true, workers: 0 });
    t.same([...corrupt, ...missing], [], 'all is well before');
    const remove = `DELETE FROM refs WHERE child = (SELECT max(child) FROM (${children}))`;
    t.equal(vault.home.catalog.database.prepare(remove).run().changes, 1);
    const refusal = { code: 'E_CATALOG_CORRUPT', hint: /disktro rebuild/ };
    await t.rejects(verify(vault, { readData: true, workers: 0 }), refusal, which);
    await vault.close();
    t.match(await rebuild(place.home), { files: 2, damaged: [] });
  }
  await expectMended(t, place);
});
