// Objects as files: what lies where, with which rights, and what is refused. Sources: src/store/file-store.ts.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import t from 'tap';
import type { StoreId } from '../../src/core/ids.js';
import { FREE_SPACE_RESERVE_BYTES } from '../../src/limits.js';
import { FileStore } from '../../src/store/file-store.js';
import type { FileSystem } from '../../src/store/file-system.js';
import { nodeFileSystem } from '../../src/store/file-system.js';
import type { HomePaths } from '../../src/store/paths.js';
import { homePaths, objectPath, SHARDS } from '../../src/store/paths.js';
import { FaultFileSystem } from '../ops/fault-file-system.js';
import { filesOf, scratchFolder } from '../ops/scratch-home.js';
import { sampleObject, testObjectStore } from './object-store-contract.js';

interface OpenStore {
  readonly store: FileStore;
  readonly paths: HomePaths;
}

async function openStore(test: Test, fileSystem: FileSystem = nodeFileSystem): Promise<OpenStore> {
  const paths = homePaths(scratchFolder(test));
  fs.mkdirSync(paths.temporary, { mode: 0o700 });
  await new FileStore(nodeFileSystem, paths, 'setup').makeFolders();
  return { store: new FileStore(fileSystem, paths, 'token'), paths };
}

testObjectStore('a file store', async (test) => (await openStore(test)).store);

const modeOf = (file: string): string => (fs.statSync(file).mode & 0o777).toString(8);

t.test('a file store keeps an object under its id, for its owner only', async (t) => {
  const { store, paths } = await openStore(t);
  const { id, bytes } = sampleObject('modes', 3000);
  await store.put('chunk', id, bytes);
  const file = path.join(paths.objects, 'chunks', id.slice(0, 2), id);
  t.ok(fs.readFileSync(file).equals(bytes));
  t.equal(modeOf(file), '600');
  for (const folder of [paths.objects, path.dirname(path.dirname(file)), path.dirname(file)]) {
    t.equal(modeOf(folder), '700', path.relative(paths.home, folder));
  }
  t.same(filesOf(paths.temporary), [], 'nothing is left in tmp/');
  t.match(execFileSync('sha256sum', [file], { encoding: 'utf8' }), new RegExp(`^${id} `));
});

t.test('a file store has its 512 folders from the start', async (t) => {
  const { store, paths } = await openStore(t);
  for (const kind of ['chunks', 'manifests']) {
    t.same(fs.readdirSync(path.join(paths.objects, kind)).sort(), SHARDS);
  }
  await t.resolves(store.makeFolders(), 'making them again changes nothing');
});

t.test('a file store sees only files that are named like objects', async (t) => {
  const { store, paths } = await openStore(t);
  const { id, bytes } = sampleObject('the only one');
  await store.put('chunk', id, bytes);
  const shard = path.join(paths.objects, 'chunks', id.slice(0, 2));
  const other = id.slice(0, 2) === 'aa' ? 'bb' : 'aa';
  fs.writeFileSync(path.join(shard, 'README'), 'not an object');
  fs.writeFileSync(path.join(shard, `${id}.part`), 'not an object');
  fs.writeFileSync(path.join(shard, id.toUpperCase().padEnd(64, '0').slice(0, 64)), 'not an object');
  fs.writeFileSync(path.join(paths.objects, 'chunks', other, id), 'an object in the wrong folder');
  fs.mkdirSync(path.join(shard, `${id.slice(0, 63)}${id.endsWith('0') ? '1' : '0'}`));
  t.same(await store.list('chunk'), [{ id, bytes: 100 }]);
  t.match(await store.usage(), { bytes: 100 });
});

t.test('a file store lists nothing where folders are gone', async (t) => {
  const { store, paths } = await openStore(t);
  fs.rmSync(paths.objects, { recursive: true });
  t.same(await store.list('chunk'), []);
  t.match(await store.usage(), { objects: 0, bytes: 0 });
  const { id, bytes } = sampleObject('no folder');
  await t.rejects(store.get('chunk', id), { code: 'E_OBJECT_MISSING' });
  await t.rejects(store.put('chunk', id, bytes), { code: 'E_IO' }, 'and does not make them unasked');
});

t.test('a file store puts a whole object over a truncated one', async (t) => {
  const { store, paths } = await openStore(t);
  const { id, bytes } = sampleObject('heals', 500);
  fs.writeFileSync(objectPath(paths.objects, 'chunk', id), bytes.subarray(0, 200));
  t.equal(await store.put('chunk', id, bytes), true);
  t.ok((await store.get('chunk', id)).equals(bytes));
});

t.test('a file store moves an object to quarantine, out of sight', async (t) => {
  const { store, paths } = await openStore(t);
  const { id, bytes } = sampleObject('bad');
  await store.put('chunk', id, bytes);
  await store.quarantine('chunk', id);
  await t.rejects(store.get('chunk', id), { code: 'E_OBJECT_MISSING' });
  t.ok(fs.readFileSync(path.join(paths.quarantine, id)).equals(bytes), 'it is kept there');
  await t.resolves(store.quarantine('chunk', id), 'one that is not there is no error');
});

t.test('a file store says which disk error it was', async (t) => {
  const faults = new FaultFileSystem(nodeFileSystem);
  const { store } = await openStore(t, faults);
  const { id, bytes } = sampleObject('errors');
  await store.put('chunk', id, bytes);
  const failNext = (fault: 'EIO' | 'ENOSPC', at = 0): void => faults.plan({ fault, at });
  failNext('EIO');
  await t.rejects(store.get('chunk', id), {
    code: 'E_IO',
    message: /reading object [0-9a-f]{64}: input\/output error$/,
  });
  failNext('EIO');
  await t.rejects(store.sizes('chunk', [id]), { code: 'E_IO' });
  failNext('EIO');
  await t.rejects(store.list('chunk'), { code: 'E_IO' });
  failNext('EIO');
  await t.rejects(store.delete('chunk', [id]), { code: 'E_IO' });
  failNext('EIO');
  await t.rejects(store.quarantine('chunk', id), { code: 'E_IO' });
  failNext('ENOSPC');
  await t.rejects(store.quarantine('chunk', id), { code: 'E_NO_SPACE' });
  t.ok((await store.get('chunk', id)).equals(bytes), 'and the object is still there');
});

t.test('a file store tells a deletion only when the folder is durable', async (t) => {
  const faults = new FaultFileSystem(nodeFileSystem);
  const { store } = await openStore(t, faults);
  const { id, bytes } = sampleObject('durable deletion');
  await store.put('chunk', id, bytes);
  const before = faults.calls.length;
  await store.delete('chunk', [id, sampleObject('none').id]);
  t.same(
    faults.calls.slice(before).map(({ name }) => name),
    ['unlink', 'unlink', 'syncFolder'],
  );
  await store.put('chunk', id, bytes);
  faults.plan({ fault: 'EIO', at: 1 });
  await t.rejects(store.delete('chunk', [id]), { code: 'E_IO' }, 'a failed fsync of the folder is an error');
});

/** A disk of which so much is free. */
const withFree = (freeBytes: number, totalBytes: number): FileSystem => ({
  ...nodeFileSystem,
  space: async () => ({ freeBytes, totalBytes }),
});

t.test('a file store refuses to touch the reserve, before it writes', async (t) => {
  const big = 1024 ** 4;
  const small = 10_000_000;
  const table = [
    [FREE_SPACE_RESERVE_BYTES + 1000, big, 1000, true],
    [FREE_SPACE_RESERVE_BYTES + 999, big, 1000, false],
    [FREE_SPACE_RESERVE_BYTES, big, 1, false],
    [0, big, 1, false],
    [small / 20 + 1000, small, 1000, true],
    [small / 20 + 999, small, 1000, false],
  ] as const;
  for (const [free, total, length, isTaken] of table) {
    const faults = new FaultFileSystem(withFree(free, total));
    const { store, paths } = await openStore(t, faults);
    const { id, bytes } = sampleObject('reserve', length);
    const what = `${length} bytes with ${free} of ${total} free`;
    if (isTaken) {
      await t.resolves(store.put('chunk', id, bytes), what);
      continue;
    }
    await t.rejects(store.put('chunk', id, bytes), { code: 'E_NO_SPACE', hint: /gc/ }, what);
    t.notOk(
      faults.calls.some(({ name }) => name === 'open' || name === 'write'),
      'nothing was written',
    );
    t.same(filesOf(paths.home), []);
  }
});

t.test('a file store counts what its batch has written against the reserve', async (t) => {
  const { store, paths } = await openStore(t, withFree(FREE_SPACE_RESERVE_BYTES + 2500, 1024 ** 4));
  const batch = store.batch();
  const [first, second, third] = [1, 2, 3].map((seed) => sampleObject(`fills ${seed}`, 1000));
  for (const object of [first, second])
    await batch.write('chunk', object?.id as StoreId, object?.bytes as Buffer);
  await t.rejects(batch.write('chunk', third?.id as StoreId, third?.bytes as Buffer), { code: 'E_NO_SPACE' });
  await batch.abort();
  t.same(filesOf(paths.home), [], 'and an abort takes back what was written');
});
