// Folders as tar archives: what GNU tar and Python make of them is what was stored, whatever the names, sizes and times
// are; a part of a tree, a file inside, a damaged chunk. Sources: src/core/tar.ts, src/ops/read/tree-archive.ts,
// stored-file.ts.
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import t from 'tap';
import { tarHeader, tarPadding } from '../../../src/core/tar.js';
import type { OpenVault } from '../../../src/ops/home/vault.js';
import type { StoredFile, StoredFolder } from '../../../src/ops/read/stored-file.js';
import { openStoredPart } from '../../../src/ops/read/stored-file.js';
import { listFolder } from '../../../src/ops/read/tree-listing.js';
import { chunkTree } from '../../../src/ops/tree/chunk-tree.js';
import { sampleBytes } from '../sample-bytes.js';
import { makeScratchHome, openScratch, scratchFolder } from '../scratch-home.js';
import { entryOf, MTIME_NS, ROOT, snapshot, storeTree } from '../tree-builder.js';

t.setTimeout(120_000);

const isRoot = process.geteuid?.() === 0;
const isLinux = process.platform === 'linux';

async function openNew(test: Test): Promise<OpenVault> {
  const vault = await openScratch(await makeScratchHome(scratchFolder(test)));
  test.teardown(() => vault.close());
  return vault;
}

async function read(stored: StoredFile | StoredFolder): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const bytes of stored.kind === 'tree' ? stored.read() : stored.read(0, stored.bytes))
    parts.push(bytes);
  stored.close();
  return Buffer.concat(parts);
}

/** The archive of a part, as long as was said. */
async function archive(test: Test, vault: OpenVault, id: string, inner = ''): Promise<Buffer> {
  const stored = await openStoredPart(vault, { id: id as never, inner });
  const bytes = await read(stored);
  test.equal(stored.kind, 'tree');
  test.equal(bytes.length, stored.bytes, 'as long as was said before');
  return bytes;
}

/** @returns the folder that GNU tar writes it to */
function untar(test: Test, bytes: Buffer): string {
  const folder = scratchFolder(test);
  const { status, stderr } = spawnSync('tar', ['xpf', '-', '-C', folder], { input: bytes });
  test.equal(status, 0, String(stderr));
  return folder;
}

/** Names, as bytes in hex, types and sizes as Python reads them: another reader, with other habits. */
function listedByPython(bytes: Buffer): string[] {
  const script = `
import sys, tarfile, io
for m in tarfile.open(fileobj=io.BytesIO(sys.stdin.buffer.read())):
    print(m.name.encode('utf-8', 'surrogateescape').hex(), m.type.decode(), m.size, m.uid, sep=' ')`;
  return String(execFileSync('python3', ['-c', script], { input: bytes }))
    .trim()
    .split('\n');
}

const LONG = 'n'.repeat(120);

function makeTree(at: string): void {
  fs.mkdirSync(path.join(at, 'sub', LONG, LONG, LONG), { recursive: true });
  fs.mkdirSync(path.join(at, 'empty folder'));
  fs.writeFileSync(path.join(at, 'large'), sampleBytes('large', 700_001));
  fs.writeFileSync(path.join(at, 'nothing'), '');
  fs.writeFileSync(path.join(at, 'exact'), sampleBytes('exact', 1024));
  fs.writeFileSync(path.join(at, 'Ünïcode – ☃'), 'snow');
  fs.writeFileSync(path.join(at, 'sub', LONG, LONG, LONG, 'deep'), 'deep');
  fs.linkSync(path.join(at, 'large'), path.join(at, 'sub', 'twin'));
  fs.symlinkSync('large', path.join(at, 'link'));
  fs.symlinkSync(`${LONG}/${LONG}/é`, path.join(at, 'long link'));
  fs.truncateSync(path.join(at, 'nothing'), 0);
  fs.writeFileSync(path.join(at, 'sparse'), '');
  fs.truncateSync(path.join(at, 'sparse'), 3_000_000);
  fs.chmodSync(path.join(at, 'exact'), 0o4750);
  fs.utimesSync(path.join(at, 'exact'), 1_000_000_000, -1.5);
  if (isLinux) {
    const raw = (name: string): Buffer => Buffer.concat([Buffer.from(`${at}/`), Buffer.from(name, 'latin1')]);
    fs.writeFileSync(raw('caf\xe9'), 'latin');
    fs.writeFileSync(raw(`${'\xff'.repeat(150)}`), 'long latin');
    fs.symlinkSync(Buffer.from(`${'\xfe'.repeat(120)}`, 'latin1'), raw('to latin'));
    execFileSync('mkfifo', [path.join(at, 'pipe')]);
    if (isRoot) execFileSync('mknod', [path.join(at, 'null'), 'c', '1', '3']);
  }
  fs.utimesSync(path.join(at, 'sub'), 5, 1_234_567_890.123);
}

t.test('GNU tar makes of the archive what was stored: bytes, names, links, modes, times', async (t) => {
  const vault = await openNew(t);
  const folder = path.join(scratchFolder(t), 'tree');
  fs.mkdirSync(folder);
  makeTree(folder);
  const { id } = await chunkTree(vault, folder, { workers: 0 });
  const bytes = await archive(t, vault, id);
  const out = untar(t, bytes);
  t.same(fs.readdirSync(out), ['tree'], 'below one folder');
  t.same(snapshot(path.join(out, 'tree')), snapshot(folder));
  const listed = listedByPython(bytes);
  const names = Object.keys(snapshot(folder)).map((name) =>
    Buffer.from(path.posix.join('tree', name), 'latin1').toString('hex'),
  );
  t.same(listed.map((line) => line.split(' ')[0]).sort(), names.sort(), 'Python reads the same names');
  const part = await archive(t, vault, id, 'sub');
  const outPart = untar(t, part);
  t.same(fs.readdirSync(outPart), ['sub']);
  t.ok(
    fs.readFileSync(path.join(outPart, 'sub/twin')).equals(sampleBytes('large', 700_001)),
    'in the place of its file',
  );
});

t.test('a file inside is read from any byte to any other', async (t) => {
  const vault = await openNew(t);
  const [a, b] = [sampleBytes('a', 70_000), sampleBytes('b', 50_000)];
  const id = await storeTree(vault, {
    entries: [
      ROOT,
      { path: 'dir', type: 'directory' },
      {
        path: 'dir/f',
        extents: [
          { chunk: 0, offset: 60_000, length: 40_000 },
          { chunk: 0, offset: 5, length: 5 },
        ],
      },
      { path: 'dir/link', type: 'symlink', target: 'f' },
      { path: 'dir/twin', type: 'hardlink', target: 'dir/f' },
    ],
    chunks: [a, b],
  });
  const whole = Buffer.concat([a.subarray(60_000), b.subarray(0, 30_000), a.subarray(5, 10)]);
  for (const inner of ['dir/f', 'dir/twin']) {
    const stored = await openStoredPart(vault, { id, inner });
    if (stored.kind === 'tree') throw new Error('no file');
    t.match([stored.name, stored.bytes], [path.basename(inner), 40_005]);
    for (const [start, end] of [
      [0, 40_005],
      [9_999, 10_001],
      [40_000, 40_003],
      [40_004, 40_005],
      [7, 7],
    ] as const) {
      const parts: Buffer[] = [];
      for await (const bytes of stored.read(start, end)) parts.push(bytes);
      t.ok(Buffer.concat(parts).equals(whole.subarray(start, end)), `${inner} ${start}-${end}`);
    }
    stored.close();
  }
  await t.rejects(openStoredPart(vault, { id, inner: 'dir/link' }), { code: 'E_USAGE' });
  await t.rejects(openStoredPart(vault, { id, inner: 'dir/none' }), { code: 'E_NOT_FOUND' });
});

t.test('a chunk that is damaged ends the archive with its code', async (t) => {
  const vault = await openNew(t);
  const chunks = [sampleBytes('one', 90_000), sampleBytes('two', 90_000)];
  const file = (name: string, chunk: number) => ({
    path: name,
    extents: [{ chunk, offset: 0, length: 90_000 }],
  });
  const id = await storeTree(vault, { entries: [ROOT, file('a', 0), file('b', 1)], chunks });
  const [, lost] = [...vault.home.objects.descendants(id)].filter(({ kind }) => kind === 'chunk');
  const objects = path.join(vault.home.paths.home, 'objects');
  const file2 = fs
    .readdirSync(objects, { recursive: true, encoding: 'utf8' })
    .find((name) => name.endsWith(lost?.storeId.slice(4) ?? '?') || name.endsWith(lost?.storeId ?? '?'));
  fs.rmSync(path.join(objects, file2 ?? ''));
  const stored = await openStoredPart(vault, { id, inner: '' });
  await t.rejects(read(stored), { code: 'E_OBJECT_MISSING' });
  stored.close();
});

t.test('headers tell what the old fields have no room for', async (t) => {
  const name = Buffer.from('f');
  const entry = entryOf({
    path: 'f',
    sizeBytes: 2 ** 33,
    uid: 4_000_000_000,
    gid: 3_000_000,
    user: 'ä'.repeat(20),
    group: 'staff',
    mtimeNs: -1n,
    xattrs: new Map([['user.a=b', Buffer.of(0, 255)]]),
  });
  const header = tarHeader(name, entry).toString('latin1');
  for (const record of ['uid=4000000000\n', 'gid=3000000\n', 'size=8589934592\n', 'mtime=-0.000000001\n'])
    t.ok(header.includes(record), record.trim());
  t.ok(header.includes(`uname=${Buffer.from('ä'.repeat(20)).toString('latin1')}\n`));
  t.ok(header.includes('SCHILY.xattr.user.a%3Db=\0\xff\n'));
  t.notOk(header.includes('hdrcharset'), 'values of attributes are bytes anyway');
  const { status, stdout, stderr } = spawnSync('tar', ['tvf', '-', '--numeric-owner'], {
    input: Buffer.concat([tarHeader(name, { ...entry, sizeBytes: 0 }), Buffer.alloc(1024)]),
  });
  t.match([status, String(stdout)], [0, /4000000000\/3000000/], String(stderr));
  t.equal(
    tarHeader(name, entryOf({ path: 'f', mtimeNs: 5n * 10n ** 9n })).length,
    512,
    'no pax header without need',
  );
  t.same(
    [0, 1, 511, 512, 513].map((size) => tarPadding(size).length),
    [0, 511, 1, 0, 511],
  );
});

t.test('a folder is listed a page at a time', async (t) => {
  const vault = await openNew(t);
  const names = Array.from({ length: 25 }, (_, index) => `dir/f${String(index).padStart(2, '0')}`);
  const id = await storeTree(vault, {
    entries: [
      ROOT,
      { path: 'dir', type: 'directory' },
      ...names.map((name) => ({ path: name })),
      { path: 'dirt' },
      { path: 'last', type: 'directory' },
      { path: 'last/one' },
    ],
  });
  const list = async (inner: string, from: number, limit: number, isDeep = false) => {
    const { entries, next } = await listFolder(vault, { id, inner }, { from, limit, isDeep });
    return [entries.map((entry) => entry.path), next] as const;
  };
  t.same(await list('', 0, 100), [['dir', 'dirt', 'last'], null]);
  t.same(await list('dir', 0, 10), [names.slice(0, 10), 10]);
  t.same(await list('dir', 10, 15), [names.slice(10), null], 'the last page is full, and the last');
  t.same(await list('dir', 25, 10), [[], null]);
  t.same(await list('dirt', 0, 10), [['dirt'], null], 'of a file, itself');
  t.same(await list('last', 0, 10, true), [['last/one'], null]);
  t.same((await list('', 0, 100, true))[0]?.length, 29);
  t.match((await listFolder(vault, { id, inner: '' }, { from: 0, limit: 1, isDeep: false })).entries, [
    { type: 'directory', mode: '0755', mtime: /\.123456000Z$/ },
  ]);
  t.equal(MTIME_NS % 10n ** 9n, 123_456_000n);
  await t.rejects(list('none', 0, 10), { code: 'E_NOT_FOUND' });
});
