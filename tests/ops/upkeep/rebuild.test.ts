// The catalog again, from nothing but the store and the password, whatever happened to the old one.
// Sources: src/ops/upkeep/rebuild.ts, src/catalog/rebuilder.ts, src/ops/home/home.ts.
import fs from 'node:fs';
import path from 'node:path';
import Sqlite from 'better-sqlite3';
import type { Test } from 'tap';
import t from 'tap';
import { withdrawDeletions } from '../../../src/catalog/withdrawals.js';
import type { StoreId } from '../../../src/core/ids.js';
import { chunkStream } from '../../../src/ops/chunk/chunk.js';
import { listFiles, removeFiles } from '../../../src/ops/files/files.js';
import type { OpenVault } from '../../../src/ops/home/vault.js';
import { openVault } from '../../../src/ops/home/vault.js';
import { collectGarbage } from '../../../src/ops/upkeep/gc.js';
import type { RebuildResult } from '../../../src/ops/upkeep/rebuild.js';
import { rebuildCatalog } from '../../../src/ops/upkeep/rebuild.js';
import { verify } from '../../../src/ops/upkeep/verify.js';
import { objectPath } from '../../../src/store/paths.js';
import { watchDirectCalls } from '../direct-calls.js';
import { breaches, expectIntact, leftInTemporary, restored } from '../expect-intact.js';
import { startProgram } from '../program.js';
import { chance, sampleBytes, sliced } from '../sample-bytes.js';
import {
  filesOf,
  HomeImage,
  makeScratchHome,
  openScratch,
  RECOVERY_CODE,
  scratchFolder,
} from '../scratch-home.js';

interface Scene {
  readonly home: string;
  readonly acknowledged: ReadonlyMap<string, Buffer>;
  readonly listing: unknown;
  /** With the write-ahead log of a process that did not end well. */
  readonly live: HomeImage;
  readonly closed: HomeImage;
}

async function scene(test: Test): Promise<Scene> {
  const home = await makeScratchHome(scratchFolder(test), { withSlot: true });
  const vault = await openScratch(home);
  const acknowledged = new Map<string, Buffer>();
  for (let file = 0; file < 5; file++) {
    const bytes = Buffer.concat([sampleBytes('shared', 100_000), sampleBytes(file, 1000 * file)]);
    const options = { name: `name ${file}\n`, tags: file === 3 ? ['a', 'b'] : [], workers: 0 };
    acknowledged.set((await chunkStream(vault, sliced(bytes, [65_536]), options)).id, bytes);
  }
  const listing = [...listFiles(vault)];
  const live = HomeImage.of(home);
  await vault.close();
  return { home, acknowledged, listing, live, closed: HomeImage.of(home) };
}

const rebuild = (home: string): Promise<RebuildResult> => rebuildCatalog({ home, password: RECOVERY_CODE });

async function expectRebuilt(t: Test, { home, acknowledged, listing }: Scene, what: string): Promise<void> {
  t.match(await rebuild(home), { files: 5, damaged: [] }, what);
  const vault = await openScratch(home);
  t.same([...listFiles(vault)], listing, `${what}: the same ids, names, tags, sizes and times`);
  await expectIntact(t, vault, acknowledged, what);
  t.same(leftInTemporary(vault), []);
  await vault.close();
}

/** What is wrong with what a home lists. */
async function breachesOf(home: string): Promise<string[]> {
  const vault = await openScratch(home);
  try {
    return await breaches(vault, new Map());
  } finally {
    await vault.close();
  }
}

type Damage = (file: string) => void;

const write =
  (bytes: (whole: Buffer) => Uint8Array): Damage =>
  (file) =>
    fs.writeFileSync(file, bytes(fs.readFileSync(file)));

const DAMAGES: Readonly<Record<string, Damage>> = {
  missing: (file) => fs.rmSync(file),
  'of no bytes': write(() => Buffer.alloc(0)),
  garbage: write((whole) => sampleBytes('garbage', whole.byteLength)),
  'cut in half': write((whole) => whole.subarray(0, whole.byteLength >> 1)),
  'another program’s': (file) => {
    fs.rmSync(file);
    new Sqlite(file).exec('CREATE TABLE theirs (x)').close();
  },
};

t.test(
  'a catalog that is no good is E_CATALOG_CORRUPT, and a rebuild brings the same list back',
  async (t) => {
    const place = await scene(t);
    for (const [what, damage] of Object.entries(DAMAGES)) {
      place.closed.restoreTo(place.home);
      damage(path.join(place.home, 'catalog.db'));
      const opening = openVault({ home: place.home, password: RECOVERY_CODE });
      await t.rejects(opening, { code: 'E_CATALOG_CORRUPT', hint: /disktro rebuild/ }, what);
      await expectRebuilt(t, place, what);
    }
  },
);

t.test('so it is with the log of a killed process beside it, cut off anywhere', async (t) => {
  const place = await scene(t);
  const picks = chance(7);
  for (let round = 0; round < 6; round++) {
    place.live.restoreTo(place.home);
    const file = path.join(place.home, round % 2 === 0 ? 'catalog.db' : 'catalog.db-wal');
    const length = fs.statSync(file).size;
    t.ok(length > 0);
    fs.truncateSync(file, picks.whole(length));
    const outcome = await breachesOf(place.home).catch((error: { code: string }) => error.code);
    // A shorter log is an older catalog: SQLite cannot tell. What that lists is good all the same.
    t.same(outcome, outcome === 'E_CATALOG_CORRUPT' ? outcome : [], `round ${round}`);
    await expectRebuilt(t, place, `round ${round}`);
  }
});

t.test('a catalog of a newer version is not touched by opening, and can be rebuilt', async (t) => {
  const place = await scene(t);
  const file = path.join(place.home, 'catalog.db');
  new Sqlite(file).exec('PRAGMA user_version = 99').close();
  await t.rejects(openVault({ home: place.home, password: RECOVERY_CODE }), { code: 'E_FORMAT_TOO_NEW' });
  await expectRebuilt(t, place, 'newer');
});

t.test('a rebuild of a catalog in good order changes nothing of the list', async (t) => {
  await expectRebuilt(t, await scene(t), 'in good order');
});

t.test('with a wrong password nothing is rebuilt', async (t) => {
  const { home } = await scene(t);
  const before = HomeImage.of(home);
  await t.rejects(rebuildCatalog({ home, password: 'wrong' }), { message: /./ });
  t.same(filesOf(home), [...before.files.keys()]);
  t.ok(
    fs.readFileSync(path.join(home, 'catalog.db')).equals(before.files.get('catalog.db') ?? Buffer.alloc(0)),
  );
});

t.test('a rebuild waits for nobody: while the home is open for writing it is E_LOCKED', async (t) => {
  const { home, acknowledged } = await scene(t);
  const vault = await openScratch(home);
  await t.rejects(rebuild(home), { code: 'E_LOCKED', hint: /wait/ });
  const bytes = sampleBytes('stored beside', 500);
  const { id } = await chunkStream(vault, sliced(bytes, [500]), { workers: 0 });
  await vault.close();
  const after = await openScratch(home, { readOnly: true });
  await expectIntact(
    t,
    after,
    new Map([...acknowledged, [id, bytes]]),
    'what was stored meanwhile is listed',
  );
  t.match(await rebuild(home), { files: 6 }, 'readers are not in the way');
  await after.close();
});

t.test('while a home is being rebuilt nobody opens it', async (t) => {
  const { home } = await scene(t);
  const holder = startProgram(t, 'hold-lock', ['take', path.join(home, 'tmp/rebuild.lock')]);
  t.equal(await holder.line(''), 'taken');
  for (const readOnly of [true, false]) {
    await t.rejects(openScratch(home, { readOnly }), { code: 'E_LOCKED', message: /being rebuilt/ });
  }
  await t.rejects(rebuild(home), { code: 'E_LOCKED' });
  holder.child.kill('SIGKILL');
  await holder.ended;
  await (await openScratch(home)).close();
  t.same(filesOf(path.join(home, 'tmp')), [], 'a killed one is not waited for, and its lock goes');
});

t.test('the old write-ahead log is gone for good before the new catalog takes the name', async (t) => {
  const { home, live } = await scene(t);
  live.restoreTo(home);
  const watched = watchDirectCalls();
  await rebuild(home).finally(watched.restore);
  const calls = watched.calls.map((call) => call.replace(`${home}/`, ''));
  const removed = calls.lastIndexOf('rmSync catalog.db-wal');
  const named = calls.findLastIndex((call) => /^renameSync tmp.*-catalog\.db$/.test(call));
  t.ok(removed >= 0 && named > removed);
  t.ok(
    calls.slice(removed, named).includes(`openSync ${home}`),
    'the folder is synced in between: SQLite would take an old log that comes back for the new catalog’s',
  );
});

/** Marks a file's only chunk lost and stores its bytes again: another object holds them now. */
async function healedByTwin(
  home: string,
): Promise<{ bytes: Buffer; old: string; again: string; vault: OpenVault }> {
  const bytes = sampleBytes('twin', 3000);
  const vault = await openScratch(home);
  const old = (await chunkStream(vault, sliced(bytes, [3000]), { workers: 0 })).id;
  const chunk = vault.home.objects.descendants(old as StoreId).find(({ kind }) => kind === 'chunk');
  if (chunk === undefined) throw new Error('no chunk');
  fs.rmSync(objectPath(vault.home.paths.objects, 'chunk', chunk.storeId));
  await verify(vault, { workers: 0 });
  const again = (await chunkStream(vault, sliced(bytes, [3000]), { workers: 0 })).id;
  return { bytes, old, again, vault };
}

t.test('a file that lives by another file’s chunk keeps it after a rebuild, a removal and gc', async (t) => {
  const { home } = await scene(t);
  const { bytes, old, again, vault } = await healedByTwin(home);
  t.ok((await restored(vault, old)).equals(bytes), 'before');
  await vault.close();
  await rebuild(home);
  const rebuilt = await openScratch(home);
  await removeFiles(rebuilt, [again]);
  await collectGarbage(rebuilt, { graceSeconds: 0 });
  t.ok((await restored(rebuilt, old)).equals(bytes), 'after');
  await rebuilt.close();
});

t.test('a vault that was not open for writing says so instead of storing beside a rebuild', async (t) => {
  const { home } = await scene(t);
  const vault = await openScratch(home, { readOnly: true });
  await rebuild(home);
  await t.rejects(chunkStream(vault, sliced(sampleBytes('x', 10), [10])), { code: 'E_READ_ONLY' });
  await vault.close();
});

t.test('deletions that were taken back stay so', async (t) => {
  const { home } = await scene(t);
  const before = await openScratch(home);
  withdrawDeletions(before.home.catalog, before.id, ['ab'.repeat(32) as StoreId], {
    untilMs: 7,
    forgetMs: 0,
  });
  await before.close();
  await rebuild(home);
  const { catalog } = (await openScratch(home)).home;
  t.same(catalog.database.prepare('SELECT until_ms FROM withdrawals').pluck().all(), [7]);
});
