// The public library, used as its README shows: nothing but what src/index.ts exports.
// Sources: src/index.ts.
import fs from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import type { Test } from 'tap';
import t from 'tap';
import type { Vault } from '../src/index.js';
import {
  chunkFile,
  chunkStream,
  collectGarbage,
  fileInfo,
  homeStatus,
  isDisktroError,
  listFiles,
  listSlots,
  openHome,
  openVault,
  reassembleFile,
  reassembleStream,
  rebuildCatalog,
  removeFiles,
  verify,
} from '../src/index.js';
import { sampleBytes } from './ops/sample-bytes.js';
import { makeScratchHome, RECOVERY_CODE, scratchFolder } from './ops/scratch-home.js';

t.setTimeout(60_000);

const MIB = 1024 ** 2;

async function openNew(test: Test): Promise<{ vault: Vault; folder: string; home: string }> {
  const folder = scratchFolder(test);
  const home = await makeScratchHome(folder, { withSlot: true });
  const vault = await openVault({ home, password: RECOVERY_CODE });
  test.teardown(() => vault.close());
  return { vault, folder, home };
}

const isRising = (values: readonly number[]): boolean =>
  values.every((value, at) => at === 0 || value >= (values[at - 1] ?? 0));

t.test('a file goes in, is listed, comes back and goes again', async (t) => {
  const { vault, folder } = await openNew(t);
  const file = path.join(folder, 'report.pdf');
  fs.writeFileSync(file, sampleBytes('report', MIB));
  const stored = await chunkFile(vault, file, { tags: ['work'], replicas: 1 });
  t.match(stored, { name: 'report.pdf', bytes: MIB, kind: 'file', degraded: false, dedupedBytes: 0 });
  t.match([...listFiles(vault)], [{ id: stored.id, name: 'report.pdf', bytes: MIB, tags: ['work'] }]);
  t.match(await fileInfo(vault, stored.id), { entryCount: 1, entries: [{ path: 'report.pdf', size: MIB }] });
  const { path: out } = await reassembleFile(vault, 'report.pdf', { path: path.join(folder, 'back.pdf') });
  t.ok(fs.readFileSync(out ?? '').equals(sampleBytes('report', MIB)));
  t.match(await verify(vault, { readData: true }), { corrupt: [], missing: [] });
  t.match(await homeStatus(vault, { replicas: 1 }), { files: 1, degradedObjects: 0, tombstoned: 0 });
  t.match(await removeFiles(vault, [stored.id]), { removed: [stored.id] });
  t.same([...listFiles(vault)], []);
  await t.rejects(reassembleFile(vault, stored.id), { code: 'E_NOT_FOUND' });
});

t.test('a node stream goes in, and a node stream comes out', async (t) => {
  const { vault } = await openNew(t);
  const bytes = sampleBytes('stream', 3 * MIB);
  const { id } = await chunkStream(vault, Readable.from([bytes.subarray(0, 10), bytes.subarray(10)]), {
    name: 'dump',
  });
  const parts = await Readable.from(reassembleStream(vault, id)).toArray();
  t.ok(Buffer.concat(parts).equals(bytes));
});

t.test('progress never falls and ends at the total', async (t) => {
  const { vault, folder } = await openNew(t);
  const file = path.join(folder, 'big');
  fs.writeFileSync(file, sampleBytes('big', 6 * MIB));
  for (const workers of [0, 2]) {
    const taken: number[] = [];
    const totals = new Set<number | undefined>();
    const { id, chunks } = await chunkFile(vault, file, {
      workers,
      onProgress({ bytes, totalBytes }) {
        taken.push(bytes);
        totals.add(totalBytes);
      },
    });
    t.ok(isRising(taken), 'chunking');
    t.equal(taken.length, chunks);
    t.equal(taken.at(-1), 6 * MIB);
    t.same([...totals], [6 * MIB]);
    const given: number[] = [];
    await reassembleFile(vault, id, {
      workers,
      path: path.join(folder, `out ${workers}`),
      onProgress({ bytes, totalBytes }) {
        given.push(bytes);
        t.equal(totalBytes, 6 * MIB);
      },
    });
    t.ok(isRising(given), 'reassembling');
    t.equal(given.at(-1), 6 * MIB);
  }
  const totals = new Set<number | undefined>();
  const onProgress = ({ totalBytes }: { totalBytes: number | undefined }): void =>
    void totals.add(totalBytes);
  await chunkStream(vault, Readable.from([Buffer.from('of unknown length')]), { onProgress });
  t.same([...totals], [undefined]);
});

t.test('an AbortSignal stops each of them with E_ABORTED, and the vault works on', async (t) => {
  const { vault, folder } = await openNew(t);
  const bytes = sampleBytes('abort', 4 * MIB);
  const { id } = await chunkStream(vault, Readable.from([bytes]));
  const signal = AbortSignal.abort();
  const calls: [string, () => Promise<unknown>][] = [
    ['chunkStream', () => chunkStream(vault, Readable.from([bytes]), { signal })],
    ['reassembleFile', () => reassembleFile(vault, id, { signal, path: path.join(folder, 'out') })],
    ['reassembleStream', () => reassembleStream(vault, id, { signal }).next()],
    ['verify', () => verify(vault, { signal })],
    ['collectGarbage', () => collectGarbage(vault, { signal })],
    ['openVault', () => openVault({ home: vault.path, password: RECOVERY_CODE, signal })],
  ];
  for (const [name, call] of calls) await t.rejects(call(), { code: 'E_ABORTED' }, name);
  t.notOk(fs.existsSync(path.join(folder, 'out')));
  t.equal([...listFiles(vault)].length, 1);
  const parts = await Readable.from(reassembleStream(vault, id)).toArray();
  t.ok(Buffer.concat(parts).equals(bytes));
});

t.test('errors carry a code that isDisktroError can ask for', async (t) => {
  const { vault } = await openNew(t);
  const error = await chunkFile(vault, '/no/such/file').catch((thrown: unknown) => thrown);
  t.ok(isDisktroError(error, 'E_INPUT'));
  t.ok(isDisktroError(error));
  t.notOk(isDisktroError(error, 'E_NO_SPACE'));
  t.notOk(isDisktroError(new Error('other')));
});

t.test('a lost catalog is rebuilt from the store', async (t) => {
  const { vault, home } = await openNew(t);
  const bytes = sampleBytes('rebuilt', MIB);
  const { id } = await chunkStream(vault, Readable.from([bytes]), { name: 'kept', tags: ['a'] });
  await vault.close();
  for (const end of ['', '-wal', '-shm']) fs.rmSync(path.join(home, `catalog.db${end}`), { force: true });
  await rebuildCatalog({ home, password: RECOVERY_CODE });
  await using again = await openVault({ home, password: RECOVERY_CODE });
  t.match([...listFiles(again)], [{ id, name: 'kept', bytes: MIB, tags: ['a'] }]);
  const parts = await Readable.from(reassembleStream(again, id)).toArray();
  t.ok(Buffer.concat(parts).equals(bytes));
});

t.test('without a password a home tells of its slots and state, and of no names', async (t) => {
  const { vault, home } = await openNew(t);
  await chunkStream(vault, Readable.from([Buffer.from('x')]), { name: 'secret name' });
  await using locked = await openHome({ home });
  t.match(await listSlots(locked), [{ kind: 'recovery', damaged: false, opened: false }]);
  t.match(await homeStatus(locked, { replicas: 3 }), { files: 1, objects: 2, degradedObjects: 2 });
  t.throws(() => [...listFiles(locked as Vault)], /expected a vault/);
});
