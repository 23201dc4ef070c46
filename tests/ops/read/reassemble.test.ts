// Restoring to a file: its attributes come back, nothing is overwritten unasked, and what fails leaves nothing.
// Sources: src/ops/read/reassemble.ts, src/ops/read/output-file.ts.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import t from 'tap';
import { chunkFile, chunkStream } from '../../../src/ops/chunk/chunk.js';
import type { OpenVault } from '../../../src/ops/home/vault.js';
import {
  reassembleFile,
  reassembleStream,
  reassembleToDescriptor,
} from '../../../src/ops/read/reassemble.js';
import { restored } from '../expect-intact.js';
import { sampleBytes, sampleText, sliced } from '../sample-bytes.js';
import { makeScratchHome, openScratch, scratchFolder } from '../scratch-home.js';

t.setTimeout(60_000);

const MIB = 1024 ** 2;

async function openNew(test: Test): Promise<OpenVault> {
  const vault = await openScratch(await makeScratchHome(scratchFolder(test)));
  test.teardown(() => vault.close());
  return vault;
}

async function stored(vault: OpenVault, bytes: Uint8Array, name = 'input'): Promise<string> {
  return (await chunkStream(vault, sliced(bytes, [100_000]), { workers: 0, name })).id;
}

t.test('mode and modification time come back, bytes too, with workers and without', async (t) => {
  const vault = await openNew(t);
  const folder = scratchFolder(t);
  const bytes = sampleText('text', 5 * MIB);
  const file = path.join(folder, 'script.sh');
  fs.writeFileSync(file, bytes);
  fs.chmodSync(file, 0o754);
  fs.utimesSync(file, 1_000_000_000.25, 1_234_567_890.5);
  const { id } = await chunkFile(vault, file, { workers: 0 });
  for (const workers of [0, 2]) {
    const out = scratchFolder(t);
    const result = await reassembleFile(vault, id, { folder: out, workers });
    t.equal(result.path, path.join(out, 'script.sh'));
    t.ok(fs.readFileSync(result.path ?? '').equals(bytes), `${workers} workers`);
    const stat = fs.statSync(result.path ?? '');
    t.equal(stat.mode & 0o7777, 0o754);
    t.equal(stat.mtimeMs, 1_234_567_890_500);
    t.same(fs.readdirSync(out), ['script.sh'], 'nothing beside it');
  }
});

t.test('a set-user-id bit does not come back', async (t) => {
  const vault = await openNew(t);
  const file = path.join(scratchFolder(t), 'suid');
  fs.writeFileSync(file, 'x');
  fs.chmodSync(file, 0o4755);
  const { id } = await chunkFile(vault, file, { workers: 0 });
  const out = path.join(scratchFolder(t), 'out');
  await reassembleFile(vault, id, { path: out, workers: 0 });
  t.equal(fs.statSync(out).mode & 0o7777, 0o755);
});

t.test('an empty file is made', async (t) => {
  const vault = await openNew(t);
  const out = path.join(scratchFolder(t), 'empty');
  await reassembleFile(vault, await stored(vault, Buffer.alloc(0)), { path: out, workers: 0 });
  t.equal(fs.readFileSync(out).byteLength, 0);
});

t.test('zero runs are holes, and read as zeros', async (t) => {
  const vault = await openNew(t);
  const bytes = Buffer.concat([
    Buffer.alloc(5 * MIB),
    sampleBytes('data', 10_000),
    Buffer.alloc(6 * MIB + 5),
  ]);
  const out = path.join(scratchFolder(t), 'sparse');
  await reassembleFile(vault, await stored(vault, bytes), { path: out, workers: 0 });
  const { size, blocks } = fs.statSync(out);
  t.equal(size, bytes.byteLength);
  t.ok(blocks * 512 < 64 * 1024, `${blocks * 512} bytes on disk`);
  t.ok(fs.readFileSync(out).equals(bytes));
});

t.test('does not replace a file unless forced', async (t) => {
  const vault = await openNew(t);
  const folder = scratchFolder(t);
  const out = path.join(folder, 'out');
  const id = await stored(vault, Buffer.from('new'));
  fs.writeFileSync(out, 'old');
  await t.rejects(reassembleFile(vault, id, { path: out, workers: 0 }), { code: 'E_OUTPUT_EXISTS' });
  t.equal(fs.readFileSync(out, 'utf8'), 'old');
  await reassembleFile(vault, id, { path: out, workers: 0, force: true });
  t.equal(fs.readFileSync(out, 'utf8'), 'new');
  t.same(fs.readdirSync(folder), ['out']);
});

t.test('does not replace a file that appears while it works', async (t) => {
  const vault = await openNew(t);
  const folder = scratchFolder(t);
  const out = path.join(folder, 'out');
  const id = await stored(vault, sampleBytes(1, MIB));
  const onProgress = (): void => fs.writeFileSync(out, 'somebody came first');
  await t.rejects(reassembleFile(vault, id, { path: out, workers: 0, onProgress }), {
    code: 'E_OUTPUT_EXISTS',
  });
  t.equal(fs.readFileSync(out, 'utf8'), 'somebody came first');
  t.same(fs.readdirSync(folder), ['out'], 'no temporary file left');
});

t.test('forced, it replaces what a link leads to and keeps the link', async (t) => {
  const vault = await openNew(t);
  const folder = scratchFolder(t);
  fs.writeFileSync(path.join(folder, 'real'), 'old');
  fs.symlinkSync('real', path.join(folder, 'link'));
  const id = await stored(vault, Buffer.from('new'));
  await reassembleFile(vault, id, { path: path.join(folder, 'link'), workers: 0, force: true });
  t.ok(fs.lstatSync(path.join(folder, 'link')).isSymbolicLink());
  t.equal(fs.readFileSync(path.join(folder, 'real'), 'utf8'), 'new');
});

t.test('refuses to replace a dangling link, and leaves nothing', async (t) => {
  const vault = await openNew(t);
  const folder = scratchFolder(t);
  fs.symlinkSync('nowhere', path.join(folder, 'link'));
  const id = await stored(vault, Buffer.from('new'));
  await t.rejects(reassembleFile(vault, id, { path: path.join(folder, 'link'), workers: 0 }), {
    code: 'E_OUTPUT_EXISTS',
  });
  t.same(fs.readdirSync(folder), ['link']);
});

t.test('refuses a folder as target, and a folder that is not there', async (t) => {
  const vault = await openNew(t);
  const folder = scratchFolder(t);
  const id = await stored(vault, Buffer.from('x'));
  await t.rejects(reassembleFile(vault, id, { path: folder, workers: 0, force: true }), { code: 'E_OUTPUT' });
  await t.rejects(reassembleFile(vault, id, { path: path.join(folder, 'a/b'), workers: 0 }), {
    code: 'E_OUTPUT',
  });
  fs.writeFileSync(path.join(folder, 'file'), '');
  const below = path.join(folder, 'file/below');
  await t.rejects(reassembleFile(vault, id, { path: below, workers: 0 }), { code: 'E_OUTPUT' });
  t.same(fs.readdirSync(folder), ['file']);
});

t.test('writes into a pipe that is there, and leaves it a pipe', async (t) => {
  const vault = await openNew(t);
  const pipe = path.join(scratchFolder(t), 'pipe');
  execFileSync('mkfifo', [pipe]);
  const bytes = sampleBytes('piped', MIB);
  const parts: Buffer[] = [];
  const reader = fs.createReadStream(pipe).on('data', (part) => parts.push(part as Buffer));
  const ended = new Promise<void>((resolve) => reader.on('end', () => resolve()));
  await reassembleFile(vault, await stored(vault, bytes), { path: pipe, workers: 0 });
  await ended;
  t.ok(Buffer.concat(parts).equals(bytes));
  t.ok(fs.statSync(pipe).isFIFO());
});

t.test('a bad or missing object in the middle leaves no output and an empty folder', async (t) => {
  const vault = await openNew(t);
  const bytes = sampleBytes('bad', 4 * MIB);
  const id = await stored(vault, bytes);
  const chunks = path.join(vault.path, 'objects/chunks');
  const middle = vault.home.objects.descendants(id as never).filter(({ kind }) => kind === 'chunk')[20];
  const file = path.join(chunks, middle?.storeId.slice(0, 2) ?? '', middle?.storeId ?? '');
  const good = fs.readFileSync(file);
  const flipped = Buffer.from(good);
  flipped[200] = (flipped[200] ?? 0) ^ 1;
  fs.writeFileSync(file, flipped);
  for (const workers of [0, 2]) {
    const folder = scratchFolder(t);
    const run = reassembleFile(vault, id, { path: path.join(folder, 'out'), workers });
    await t.rejects(run, { code: 'E_OBJECT_ID' }, `flipped bit, ${workers} workers`);
    t.same(fs.readdirSync(folder), []);
  }
  fs.unlinkSync(file);
  const folder = scratchFolder(t);
  fs.writeFileSync(path.join(folder, 'out'), 'old');
  const run = reassembleFile(vault, id, { path: path.join(folder, 'out'), workers: 0, force: true });
  await t.rejects(run, { code: 'E_OBJECT_MISSING' });
  t.same(fs.readdirSync(folder), ['out']);
  t.equal(fs.readFileSync(path.join(folder, 'out'), 'utf8'), 'old', 'force does not lose the old file');
  fs.writeFileSync(file, good);
  t.ok((await restored(vault, id)).equals(bytes), 'and with the object back it works');
});

t.test('an abort leaves nothing', async (t) => {
  const vault = await openNew(t);
  const id = await stored(vault, sampleBytes('abort', 4 * MIB));
  for (const after of [1, 10]) {
    const folder = scratchFolder(t);
    const abort = new AbortController();
    const onProgress = ({ chunks }: { chunks: number }): void => {
      if (chunks === after) abort.abort();
    };
    const run = reassembleFile(vault, id, { folder, workers: 0, signal: abort.signal, onProgress });
    await t.rejects(run, { code: 'E_ABORTED' });
    t.same(fs.readdirSync(folder), [], `after ${after} chunks`);
  }
});

t.test('a reader of the stream may stop early, and later ones are not held up', async (t) => {
  const vault = await openNew(t);
  const bytes = sampleBytes('early', 8 * MIB);
  const id = await stored(vault, bytes);
  for (const workers of [0, 2]) {
    for (let turn = 0; turn < 20; turn++) {
      for await (const part of reassembleStream(vault, id, { workers })) {
        t.ok(bytes.subarray(0, part.byteLength).equals(part));
        break;
      }
    }
    t.ok((await restored(vault, id)).equals(bytes), `${workers} workers`);
  }
});

t.test('to a descriptor it writes all bytes and leaves it open', async (t) => {
  const vault = await openNew(t);
  const file = path.join(scratchFolder(t), 'out');
  const descriptor = fs.openSync(file, 'w');
  t.teardown(() => fs.closeSync(descriptor));
  const bytes = sampleBytes('descriptor', MIB);
  const result = await reassembleToDescriptor(vault, await stored(vault, bytes), descriptor, { workers: 0 });
  t.equal(result.path, null);
  t.equal(fs.writeSync(descriptor, '!'), 1);
  t.ok(fs.readFileSync(file).equals(Buffer.concat([bytes, Buffer.from('!')])));
});

t.test('takes a beginning of an id; for an unknown one nothing is made', async (t) => {
  const vault = await openNew(t);
  const id = await stored(vault, Buffer.from('found'));
  t.equal((await restored(vault, id.slice(0, 16))).toString(), 'found');
  const folder = scratchFolder(t);
  for (const unknown of ['0'.repeat(64), id.slice(0, 7), `${id}0`, '', 'no such name']) {
    await t.rejects(reassembleFile(vault, unknown, { folder }), { code: 'E_NOT_FOUND' }, unknown);
  }
  t.same(fs.readdirSync(folder), []);
});
