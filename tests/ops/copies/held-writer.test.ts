// Objects taken in for the cluster: looked at, durable, bounded. Sources: src/ops/copies/held-writer.ts,
// src/ops/copies/deletions.ts.
import fs from 'node:fs';
import type { Test } from 'tap';
import t from 'tap';
import {
  findHolding,
  heldTotals,
  keepUnfreed,
  missingHoldings,
  scheduleDeletions,
} from '../../../src/catalog/holdings.js';
import { withdrawDeletions } from '../../../src/catalog/withdrawals.js';
import { sha256Hex } from '../../../src/core/hashes.js';
import type { StoreId, VaultId } from '../../../src/core/ids.js';
import { freeDueDeletions } from '../../../src/ops/copies/deletions.js';
import { HeldWriter } from '../../../src/ops/copies/held-writer.js';
import type { OpenHome } from '../../../src/ops/home/home.js';
import { openNodeHome } from '../../../src/ops/home/home.js';
import { verify } from '../../../src/ops/upkeep/verify.js';
import { nodeFileSystem } from '../../../src/store/file-system.js';
import { objectPath } from '../../../src/store/paths.js';
import { FaultFileSystem } from '../fault-file-system.js';
import { sampleBytes } from '../sample-bytes.js';
import { scratchFolder } from '../scratch-home.js';

const VAULT = '11'.repeat(16) as VaultId;
const NO_LIMITS = { quotaBytes: 0, reserveBytes: 0 };

/** An envelope that nobody can open: that is all a node without a key sees. */
function objectOf(name: string, length = 500): { id: StoreId; bytes: Buffer } {
  const bytes = sampleBytes(name, length);
  bytes.write('DSK1', 'latin1');
  Buffer.from(VAULT, 'hex').copy(bytes, 4);
  return { id: sha256Hex(bytes) as StoreId, bytes };
}

async function nodeHome(test: Test): Promise<OpenHome> {
  const home = await openNodeHome({ home: `${scratchFolder(test)}/node` });
  test.teardown(() => home.close());
  return home;
}

/** A node that holds one object, whose deletion is due at `freeMs`. */
async function deletedObject(test: Test, freeMs: number) {
  const home = await nodeHome(test);
  const writer = new HeldWriter(home, NO_LIMITS);
  const { id, bytes } = objectOf('one');
  await writer.put('chunk', id, bytes);
  scheduleDeletions(home.catalog, VAULT, [id], { freeMs, issuedMs: 1 });
  return { home, writer, id, bytes };
}

const fileOf = ({ paths }: OpenHome, id: StoreId): string => objectPath(paths.objects, 'chunk', id);

t.test('a home without a vault is made, takes objects, and is verified without a password', async (t) => {
  const home = await nodeHome(t);
  const writer = new HeldWriter(home, NO_LIMITS);
  const [one, two] = [objectOf('one'), objectOf('two')];
  t.equal(await writer.put('chunk', one.id, one.bytes), 'new');
  t.equal(await writer.put('chunk', one.id, one.bytes), 'had');
  t.equal(await writer.put('manifest', two.id, two.bytes), 'new');
  t.ok(fs.readFileSync(fileOf(home, one.id)).equals(one.bytes));
  t.same(heldTotals(home.catalog), { objects: 2, bytes: 1000 });
  t.match(await verify(home), { objects: 2, ok: 2, corrupt: [], missing: [] });
});

t.test('many at once are each acknowledged once they are there', async (t) => {
  const home = await nodeHome(t);
  const writer = new HeldWriter(home, NO_LIMITS);
  const objects = Array.from({ length: 300 }, (_, index) => objectOf(`object ${index}`, 200));
  const twice = [...objects, ...objects.slice(0, 50)];
  const outcomes = await Promise.all(
    twice.map(async ({ id, bytes }) => {
      const outcome = await writer.put('chunk', id, bytes);
      t.ok(fs.existsSync(fileOf(home, id)), 'acknowledged means there');
      return outcome;
    }),
  );
  t.ok(outcomes.every((outcome) => outcome === 'new' || outcome === 'had'));
  t.equal(heldTotals(home.catalog).objects, 300);
  t.match(await verify(home), { ok: 300, corrupt: [], missing: [] });
});

t.test('what is not that object is refused and leaves nothing', async (t) => {
  const home = await nodeHome(t);
  const writer = new HeldWriter(home, NO_LIMITS);
  const { id, bytes } = objectOf('one');
  const flipped = Buffer.from(bytes);
  flipped[100] = (flipped[100] ?? 0) ^ 1;
  const noMagic = Buffer.from(bytes);
  noMagic[0] = 0;
  for (const [what, given, code] of [
    ['a flipped bit', flipped, 'E_OBJECT_ID'],
    ['no magic', noMagic, 'E_OBJECT_MAGIC'],
    ['empty', Buffer.alloc(0), 'E_OBJECT_LENGTH'],
    ['too short', bytes.subarray(0, 50), 'E_OBJECT_LENGTH'],
    ['another one', objectOf('two').bytes, 'E_OBJECT_ID'],
  ] as const) {
    await t.rejects(writer.put('chunk', id, given), { code }, what);
  }
  t.notOk(fs.existsSync(fileOf(home, id)));
  t.same(
    fs.readdirSync(home.paths.temporary).filter((name) => !name.endsWith('.lock')),
    [],
  );
  t.equal(heldTotals(home.catalog).objects, 0);
});

t.test('the quota and the reserve of the disk are kept', async (t) => {
  const home = await nodeHome(t);
  const small = new HeldWriter(home, { quotaBytes: 1100, reserveBytes: 0 });
  const [one, two, three] = [objectOf('one'), objectOf('two'), objectOf('three')];
  await small.put('chunk', one.id, one.bytes);
  await small.put('chunk', two.id, two.bytes);
  await t.rejects(small.put('chunk', three.id, three.bytes), { code: 'E_NO_SPACE', message: /quota/ });
  t.equal(await small.put('chunk', one.id, one.bytes), 'had', 'what is here is no trouble');
  const full = new HeldWriter(home, { quotaBytes: 0, reserveBytes: Number.MAX_SAFE_INTEGER });
  await t.rejects(full.put('chunk', three.id, three.bytes), { code: 'E_NO_SPACE', message: /full/ });
});

t.test('the quota is kept by many that come at once', async (t) => {
  const home = await nodeHome(t);
  const writer = new HeldWriter(home, { quotaBytes: 1100, reserveBytes: 0 });
  const objects = Array.from({ length: 20 }, (_, index) => objectOf(`object ${index}`));
  const outcomes = await Promise.allSettled(objects.map(({ id, bytes }) => writer.put('chunk', id, bytes)));
  t.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 2);
  t.same(heldTotals(home.catalog), { objects: 2, bytes: 1000 });
  const { id, bytes } = objectOf('a small one', 100);
  t.equal(await writer.put('chunk', id, bytes), 'new', 'what was refused takes no room');
});

t.test('what files here need comes back, however much is held for others', async (t) => {
  const home = await nodeHome(t);
  const [own, other] = [objectOf('own'), objectOf('other')];
  await new HeldWriter(home, NO_LIMITS).put('chunk', own.id, own.bytes);
  home.catalog.write(() => home.catalog.database.exec('UPDATE objects SET held = 0, state = 1'));
  const full = new HeldWriter(home, { quotaBytes: 100, reserveBytes: 0 });
  t.equal(await full.put('chunk', own.id, own.bytes), 'new');
  await t.rejects(full.put('chunk', other.id, other.bytes), { code: 'E_NO_SPACE' });
});

t.test('a failing disk acknowledges nothing, and the next one is taken again', async (t) => {
  const home = await openNodeHome({ home: `${scratchFolder(t)}/node` });
  await home.close();
  const fileSystem = new FaultFileSystem(nodeFileSystem);
  const broken = await openNodeHome({ home: home.path, fileSystem });
  t.teardown(() => broken.close());
  const writer = new HeldWriter(broken, NO_LIMITS);
  const { id, bytes } = objectOf('one');
  let failures = 0;
  for (let at = 0; ; at++) {
    fileSystem.plan({ fault: 'EIO', at });
    const outcome = await writer.put('chunk', id, bytes).catch((error: { code?: string }) => error.code);
    if (outcome === 'new') break;
    failures++;
    t.equal(outcome, 'E_IO');
    t.equal(heldTotals(broken.catalog).objects, 0);
  }
  t.ok(failures >= 5, `${failures} operations failed in turn`);
  fileSystem.plan({ fault: 'EIO', at: 1_000_000 });
  t.match(await verify(broken), { ok: 1, corrupt: [], missing: [] });
});

t.test('a deleted object is freed when its grace is over, and not taken in again', async (t) => {
  const { home, writer, id, bytes } = await deletedObject(t, 5000);
  t.equal(await freeDueDeletions(home, 4999), 0);
  t.ok(fs.existsSync(fileOf(home, id)), 'its grace is not over');
  t.equal(await freeDueDeletions(home, 5000), 1);
  t.notOk(fs.existsSync(fileOf(home, id)));
  await t.rejects(writer.put('chunk', id, bytes), { code: 'E_PEER_REFUSED' });
});

t.test(
  'a deletion that is taken back while its file is being unlinked: nobody is told that it is here',
  async (t) => {
    const { home, writer, id, bytes } = await deletedObject(t, 0);
    const remove = home.store.delete.bind(home.store);
    home.store.delete = async (kind, ids) => {
      const freed = await remove(kind, ids);
      withdrawDeletions(home.catalog, VAULT, [id], { untilMs: 2, forgetMs: 0 });
      t.same(missingHoldings(home.catalog, [id]), [id]);
      await t.rejects(writer.put('chunk', id, bytes), { code: 'E_LOCKED' });
      return freed;
    };
    t.equal(await freeDueDeletions(home, Date.now()), 1);
    t.equal(await writer.put('chunk', id, bytes), 'new', 'afterwards it is taken again');
  },
);

t.test('what a killed process was about to free, and is wanted again, is not stuck', async (t) => {
  const { home, writer, id, bytes } = await deletedObject(t, 0);
  home.store.delete = () => Promise.reject(new Error('killed'));
  await t.rejects(freeDueDeletions(home, Date.now()), /killed/);
  withdrawDeletions(home.catalog, VAULT, [id], { untilMs: 2, forgetMs: 0 });
  keepUnfreed(home.catalog);
  t.equal(await writer.put('chunk', id, bytes), 'had');
});

t.test('what was freed gives its quota back', async (t) => {
  const home = await nodeHome(t);
  const writer = new HeldWriter(home, { quotaBytes: 1000, reserveBytes: 0 });
  const [one, two] = [objectOf('one', 900), objectOf('two', 900)];
  await writer.put('chunk', one.id, one.bytes);
  await t.rejects(writer.put('chunk', two.id, two.bytes), { code: 'E_NO_SPACE' });
  scheduleDeletions(home.catalog, VAULT, [one.id], { freeMs: 0, issuedMs: 1 });
  await freeDueDeletions(home, Date.now());
  t.equal(await writer.put('chunk', two.id, two.bytes), 'new');
});

t.test('a lost manifest does not come back as a chunk', async (t) => {
  const home = await nodeHome(t);
  const writer = new HeldWriter(home, NO_LIMITS);
  const { id, bytes } = objectOf('one');
  await writer.put('manifest', id, bytes);
  fs.unlinkSync(objectPath(home.paths.objects, 'manifest', id));
  home.objects.markLost([home.objects.find(id)?.row ?? 0]);
  await t.rejects(writer.put('chunk', id, bytes));
  t.equal(findHolding(home.catalog, id), undefined);
  t.equal(await writer.put('manifest', id, bytes), 'new');
});

t.test('a node’s catalog that is gone is made again from its store', async (t) => {
  const folder = scratchFolder(t);
  const first = await openNodeHome({ home: `${folder}/node` });
  const { id, bytes } = objectOf('one');
  await new HeldWriter(first, NO_LIMITS).put('chunk', id, bytes);
  await first.close();
  for (const suffix of ['', '-wal', '-shm']) fs.rmSync(`${first.paths.catalog}${suffix}`, { force: true });
  const again = await openNodeHome({ home: `${folder}/node` });
  t.teardown(() => again.close());
  t.same(heldTotals(again.catalog), { objects: 1, bytes: 500 });
  t.match(await verify(again), { ok: 1 });
});
