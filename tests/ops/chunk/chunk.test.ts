// Storing: every size comes back, equal bytes are stored once, and what fails lists nothing.
// Sources: src/ops/chunk/chunk.ts, src/ops/chunk/chunk-writer.ts.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import t from 'tap';
import type { ChunkOptions, ChunkResult } from '../../../src/ops/chunk/chunk.js';
import { chunkDescriptor, chunkFile, chunkStream } from '../../../src/ops/chunk/chunk.js';
import { listFiles } from '../../../src/ops/files/files.js';
import type { OpenVault } from '../../../src/ops/home/vault.js';
import { reassembleFile } from '../../../src/ops/read/reassemble.js';
import { verify } from '../../../src/ops/upkeep/verify.js';
import { leftInTemporary, restored } from '../expect-intact.js';
import { sampleBytes, sampleText, sliced } from '../sample-bytes.js';
import { filesOf, makeScratchHome, openScratch, scratchFolder, TINY_SIZES } from '../scratch-home.js';

t.setTimeout(60_000);

const MIB = 1024 ** 2;
const AVERAGE = 65_536;

async function openNew(test: Test, options: Parameters<typeof openScratch>[1] = {}): Promise<OpenVault> {
  const vault = await openScratch(await makeScratchHome(scratchFolder(test)), options);
  test.teardown(() => vault.close());
  return vault;
}

function store(vault: OpenVault, bytes: Uint8Array, options: ChunkOptions = {}): Promise<ChunkResult> {
  return chunkStream(vault, sliced(bytes, [70_001, 1, 4096]), { workers: 0, ...options });
}

const listed = (vault: OpenVault): string[] => [...listFiles(vault)].map(({ name }) => name);

t.test('every size around a boundary comes back', async (t) => {
  const vault = await openNew(t);
  const edges = [AVERAGE / 2, AVERAGE, 4 * AVERAGE].flatMap((edge) => [edge - 1, edge, edge + 1]);
  for (const size of [0, 1, 2, ...edges, 3 * MIB + 1]) {
    const bytes = sampleBytes(size, size);
    const result = await store(vault, bytes, { name: `${size}` });
    t.equal(result.bytes, size, `${size}: counted`);
    t.ok((await restored(vault, result.id)).equals(bytes), `${size}: restored`);
    t.equal(result.chunks === 0, size === 0, `${size}: only nothing has no chunk`);
    t.equal(result.changed, undefined, `${size}: not called changed`);
  }
  const { corrupt, missing, ok } = await verify(vault, { readData: true, workers: 0 });
  t.same([corrupt, missing], [[], []]);
  t.ok(ok > 12);
});

t.test(
  'file, stream and descriptor of the same bytes cut the same chunks, with workers and without',
  async (t) => {
    const folder = scratchFolder(t);
    const bytes = Buffer.concat([sampleBytes('a', 3 * MIB), sampleText('b', 2 * MIB), Buffer.alloc(MIB)]);
    const file = path.join(folder, 'input');
    fs.writeFileSync(file, bytes);
    for (const workers of [0, 2]) {
      const vault = await openNew(t);
      const first = await chunkFile(vault, file, { workers });
      t.ok((await restored(vault, first.id)).equals(bytes), `file, ${workers} workers`);
      const descriptor = fs.openSync(file, 'r');
      t.teardown(() => fs.closeSync(descriptor));
      const others = [
        await chunkStream(vault, sliced(bytes, [1, 3, 5, 7, 100_003, 2]), { workers }),
        await chunkStream(vault, sliced(bytes, [bytes.byteLength]), { workers }),
        await chunkDescriptor(vault, descriptor, { workers }),
      ];
      for (const other of others) {
        t.equal(other.newChunks, 0, 'no new chunk');
        t.equal(other.chunks, first.chunks);
        t.equal(other.dedupedBytes, bytes.byteLength);
        t.ok((await restored(vault, other.id)).equals(bytes));
      }
      t.doesNotThrow(() => fs.fstatSync(descriptor), 'the descriptor stays open');
    }
  },
);

t.test('the fixed chunker cuts at multiples of the average', async (t) => {
  const vault = await openNew(t);
  const result = await store(vault, sampleBytes(1, 4 * AVERAGE + 1), { chunker: 'fixed' });
  t.equal(result.chunks, 5);
  t.ok((await restored(vault, result.id)).equals(sampleBytes(1, 4 * AVERAGE + 1)));
});

t.test('a stream may reuse its buffer as soon as it is asked for the next', async (t) => {
  const vault = await openNew(t);
  const bytes = sampleBytes('reused', MIB);
  const buffer = Buffer.alloc(10_007);
  async function* reusing(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.byteLength; ) {
      const count = bytes.copy(buffer, 0, at, at + buffer.byteLength);
      yield buffer.subarray(0, count);
      buffer.fill(0xee);
      at += count;
    }
  }
  const { id } = await chunkStream(vault, reusing(), { workers: 2 });
  t.ok((await restored(vault, id)).equals(bytes));
});

t.test('empty slices in a stream are no end', async (t) => {
  const vault = await openNew(t);
  async function* withGaps(): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(0);
    yield Buffer.from('left');
    yield new Uint8Array(0);
    yield Buffer.from(' right');
  }
  const { id } = await chunkStream(vault, withGaps(), { workers: 0 });
  t.equal((await restored(vault, id)).toString(), 'left right');
});

t.test('equal chunks of one stream are stored once', async (t) => {
  const vault = await openNew(t);
  for (const workers of [0, 2]) {
    const zeros = Buffer.alloc(4 * MIB, workers);
    const result = await store(vault, zeros, { workers });
    t.equal(result.newChunks, 1, `${workers} workers`);
    t.equal(result.chunks, 16);
    t.ok(result.storedBytes < 10_000, `${result.storedBytes} bytes stored`);
    t.ok((await restored(vault, result.id)).equals(zeros));
  }
});

t.test('the same bytes again store next to nothing, and get an id of their own', async (t) => {
  const vault = await openNew(t);
  const bytes = sampleBytes(2, 2 * MIB);
  const first = await store(vault, bytes);
  const second = await store(vault, bytes);
  t.ok(first.storedBytes > bytes.byteLength);
  t.ok(second.storedBytes < 4 * 1024, `${second.storedBytes} bytes stored`);
  t.equal(second.dedupedBytes, bytes.byteLength);
  t.not(second.id, first.id);
});

t.test('an edit in the middle stores only what is around it', async (t) => {
  const vault = await openNew(t);
  const bytes = sampleBytes(3, 4 * MIB);
  await store(vault, bytes);
  const edited = Buffer.concat([bytes.subarray(0, 2 * MIB), Buffer.from('!'), bytes.subarray(2 * MIB)]);
  const { newChunks, id } = await store(vault, edited);
  t.ok(newChunks >= 1 && newChunks <= 3, `${newChunks} new chunks`);
  t.ok((await restored(vault, id)).equals(edited));
});

t.test('a new chunk before and after more known ones than any stage holds does not dead-lock', async (t) => {
  const vault = await openNew(t, { sizes: TINY_SIZES });
  const known = sampleBytes('known', 700 * 256);
  await store(vault, known, { chunker: 'fixed' });
  for (const workers of [0, 2]) {
    const added = sampleBytes(`new ${workers}`, 512);
    const bytes = Buffer.concat([added.subarray(0, 256), known, added.subarray(256)]);
    const result = await store(vault, bytes, { chunker: 'fixed', workers });
    t.equal(result.newChunks, 2, `${workers} workers`);
    t.ok((await restored(vault, result.id)).equals(bytes));
  }
});

t.test('no salt occurs twice in a home, not even for the same bytes stored in two ways', async (t) => {
  const vault = await openNew(t);
  const bytes = sampleBytes('salted', MIB);
  await store(vault, bytes, { workers: 0 });
  await store(vault, bytes, { workers: 2 });
  // The same plaintext sealed again: what holds it is gone.
  const chunks = path.join(vault.path, 'objects/chunks');
  const old = filesOf(chunks).map((file) => fs.readFileSync(path.join(chunks, file)));
  for (const file of filesOf(chunks)) fs.unlinkSync(path.join(chunks, file));
  await store(vault, bytes, { workers: 2 });
  const objects = filesOf(path.join(vault.path, 'objects')).map((file) =>
    fs.readFileSync(path.join(vault.path, 'objects', file)),
  );
  const salts = [...old, ...objects].map((object) => object.subarray(20, 52).toString('hex'));
  t.ok(salts.length > 20, `${salts.length} objects`);
  t.equal(new Set(salts).size, salts.length);
});

t.test('a file that grows while it is read is stored as read and called changed', async (t) => {
  const vault = await openNew(t);
  const file = path.join(scratchFolder(t), 'log');
  const bytes = sampleBytes('grows', 2 * MIB);
  fs.writeFileSync(file, bytes);
  const notices: string[] = [];
  let hasGrown = false;
  const result = await chunkFile(vault, file, {
    workers: 0,
    onProgress() {
      if (!hasGrown) fs.appendFileSync(file, 'one more line');
      hasGrown = true;
    },
    onNotice: (message) => notices.push(message),
  });
  t.equal(result.changed, true);
  t.match(notices, [/^log: changed while it was read/]);
  const now = fs.readFileSync(file);
  t.ok((await restored(vault, result.id)).equals(now.subarray(0, result.bytes)));
});

t.test('a file that shrinks while it is read is stored as read and called changed', async (t) => {
  const vault = await openNew(t);
  const file = path.join(scratchFolder(t), 'shrinks');
  const bytes = sampleBytes('shrinks', 24 * MIB);
  fs.writeFileSync(file, bytes);
  const result = await chunkFile(vault, file, { workers: 0, onProgress: () => fs.truncateSync(file, 1000) });
  t.equal(result.changed, true);
  t.ok((await restored(vault, result.id)).equals(bytes.subarray(0, result.bytes)));
});

t.test('refuses what is no readable file, without hanging', async (t) => {
  const vault = await openNew(t);
  const folder = scratchFolder(t);
  fs.writeFileSync(path.join(folder, 'plain'), '');
  fs.symlinkSync('loop', path.join(folder, 'loop'));
  execFileSync('mkfifo', [path.join(folder, 'fifo')]);
  const cases = [
    ['missing', /no such file/],
    ['plain/below', /no such file/],
    ['', /a folder/],
    ['fifo', /neither a file nor a folder/],
    ['loop', /too many symbolic links/],
    ['n'.repeat(300), /name is too long/],
  ] as const;
  for (const [name, message] of cases) {
    await t.rejects(
      chunkFile(vault, path.join(folder, name)),
      { code: 'E_INPUT', message },
      name.slice(0, 20),
    );
  }
  await t.rejects(chunkFile(vault, '/dev/null'), { code: 'E_INPUT' }, 'a device');
  t.same(listed(vault), []);
});

t.test(
  'names with a newline, a leading dash or bytes that are no UTF-8 come back under the same name',
  async (t) => {
    const vault = await openNew(t);
    const folder = scratchFolder(t);
    const out = scratchFolder(t);
    const names = ['two\nlines', '-rf', ' ', '…', '\\', 'a\u202eb'].map((name) => Buffer.from(name));
    names.push(Buffer.from([0x66, 0xff, 0xfe, 0x6f]));
    for (const name of names) {
      const file = Buffer.concat([Buffer.from(`${folder}/`), name]);
      fs.writeFileSync(file, name);
      const { id } = await chunkFile(vault, file, { workers: 0 });
      await reassembleFile(vault, id, { folder: out, workers: 0 });
      const restoredFile = Buffer.concat([Buffer.from(`${out}/`), name]);
      t.ok(fs.readFileSync(restoredFile).equals(name), JSON.stringify(name.toString()));
    }
    t.equal(fs.readdirSync(out).length, names.length);
  },
);

t.test('a source that fails in the middle lists nothing, and the next run works', async (t) => {
  const vault = await openNew(t);
  const bytes = sampleBytes('fails', 2 * MIB);
  for (const workers of [0, 2]) {
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield bytes;
      throw new Error('the source broke');
    }
    await t.rejects(chunkStream(vault, failing(), { workers }), { message: /the source broke/ });
    t.same(listed(vault), [], `${workers} workers`);
    t.same(leftInTemporary(vault), []);
  }
  const { id } = await store(vault, bytes, { name: 'next' });
  t.same(listed(vault), ['next']);
  t.ok((await restored(vault, id)).equals(bytes));
});

t.test('an abort at any chunk is E_ABORTED and lists nothing', async (t) => {
  const vault = await openNew(t);
  for (const [turn, after] of [1, 2, 5, 30].entries()) {
    const abort = new AbortController();
    const bytes = sampleBytes(`abort ${turn}`, 4 * MIB);
    const onProgress = ({ chunks }: { chunks: number }): void => {
      if (chunks === after) abort.abort();
    };
    const run = store(vault, bytes, { workers: turn % 2 === 0 ? 0 : 2, signal: abort.signal, onProgress });
    await t.rejects(run, { code: 'E_ABORTED' }, `after ${after} chunks`);
    t.same(listed(vault), []);
  }
  await t.rejects(store(vault, Buffer.from('x'), { signal: AbortSignal.abort() }), { code: 'E_ABORTED' });
  const { id } = await store(vault, sampleBytes('abort 0', 4 * MIB));
  t.ok((await restored(vault, id)).equals(sampleBytes('abort 0', 4 * MIB)));
});

t.test('an abort ends a wait for a stream that gives nothing', async (t) => {
  const vault = await openNew(t);
  const abort = new AbortController();
  async function* silent(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('a little');
    await new Promise(() => {});
  }
  const run = chunkStream(vault, silent(), { signal: abort.signal, workers: 0 });
  setTimeout(() => abort.abort(), 20);
  await t.rejects(run, { code: 'E_ABORTED' });
  t.same(listed(vault), []);
});

t.test('several chunkings at once in one vault all come back, and share what they can', async (t) => {
  const vault = await openNew(t);
  const common = sampleBytes('common', MIB);
  const inputs = [0, 1, 2, 3].map((turn) => Buffer.concat([common, sampleBytes(turn, 300_000)]));
  const results = await Promise.all(inputs.map((bytes) => store(vault, bytes)));
  for (const [turn, { id }] of results.entries()) {
    t.ok((await restored(vault, id)).equals(inputs[turn] ?? Buffer.alloc(0)));
  }
  const { database } = vault.home.catalog;
  const doubles = database
    .prepare(
      'SELECT count(*) FROM objects WHERE state = 0 AND plain_id IS NOT NULL GROUP BY plain_id HAVING count(*) > 1',
    )
    .pluck()
    .all();
  t.same(doubles, [], 'no plaintext is held by two present objects');
});

t.test('refuses names and tags that a manifest cannot hold, before reading anything', async (t) => {
  const vault = await openNew(t);
  let isRead = false;
  async function* watched(): AsyncGenerator<Uint8Array> {
    isRead = true;
    yield Buffer.from('x');
  }
  await t.rejects(chunkStream(vault, watched(), { name: 'n'.repeat(4097) }), { code: 'E_USAGE' });
  await t.rejects(chunkStream(vault, watched(), { tags: Array(65).fill('t') }), { code: 'E_USAGE' });
  t.notOk(isRead);
});
