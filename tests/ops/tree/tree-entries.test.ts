// Every kind of thing that a folder can hold, as it stands in the manifest. Sources: src/ops/tree/chunk-tree.ts,
// tree-*.ts.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import type { Test } from 'tap';
import t from 'tap';
import { chunkTree } from '../../../src/ops/tree/chunk-tree.js';
import { verify } from '../../../src/ops/upkeep/verify.js';
import { loadExtendedAttributes } from '../../../src/store/extended-attributes.js';
import { offLinux } from '../../skip.js';
import { sampleBytes } from '../sample-bytes.js';
import { makeScratchHome, openScratch, scratchFolder } from '../scratch-home.js';
import { storedTree } from '../stored-tree.js';

t.setTimeout(120_000);
const isRoot = process.getuid?.() === 0;

async function place(test: Test) {
  const folder = scratchFolder(test);
  const vault = await openScratch(await makeScratchHome(folder));
  test.teardown(() => vault.close());
  const tree = path.join(folder, 'tree');
  fs.mkdirSync(tree);
  return { vault, tree, at: (...parts: string[]) => path.join(tree, ...parts) };
}

t.test('files of every size come back, and the root is the first entry', async (t) => {
  const { vault, tree, at } = await place(t);
  const sizes = [0, 1, 100, 32_767, 32_768, 32_769, 65_536, 131_071, 262_144, 1_000_000];
  for (const size of sizes) fs.writeFileSync(at(`f${size}`), sampleBytes(size, size));
  const result = await chunkTree(vault, tree, { workers: 0 });
  t.match(result, { kind: 'tree', name: 'tree', files: sizes.length, unchanged: 0, failed: [] });
  t.equal(
    result.bytes,
    sizes.reduce((sum, size) => sum + size, 0),
  );
  const stored = await storedTree(vault, result.id);
  t.match(stored.entries[0], { path: '.', type: 'directory' });
  t.equal(stored.manifest.path, tree);
  for (const size of sizes) {
    t.ok((await stored.content(`f${size}`)).equals(sampleBytes(size, size)), `${size} bytes`);
  }
  const { corrupt, missing } = await verify(vault, { readData: true, workers: 0 });
  t.same([corrupt, missing], [[], []]);
});

t.test('entries stand in bytewise order in which / comes first', async (t) => {
  const { vault, tree, at } = await place(t);
  for (const name of ['a', 'a/b', 'B', 'é']) fs.mkdirSync(at(name));
  for (const name of ['a/b/x', 'a/~', 'a b', 'a.txt', 'a0', 'b', 'é/x', 'é!', '\u{1f600}', '\uffff']) {
    fs.writeFileSync(at(name), name);
  }
  const { id } = await chunkTree(vault, tree, { workers: 0 });
  const paths = (await storedTree(vault, id)).entries.slice(1).map((entry) => Buffer.from(entry.path));
  const key = (bytes: Buffer): Buffer => Buffer.from(bytes.map((byte) => (byte === 0x2f ? 0 : byte)));
  t.same(
    paths,
    paths.toSorted((a, b) => Buffer.compare(key(a), key(b))),
  );
  t.equal(paths.length, 14);
});

t.test('metadata are those of the system, to the nanosecond', { skip: offLinux }, async (t) => {
  const { vault, tree, at } = await place(t);
  fs.writeFileSync(at('file'), 'x');
  fs.chmodSync(at('file'), 0o6751);
  execFileSync('touch', ['-d', '2001-02-03T04:05:06.123456789Z', at('file')]);
  fs.writeFileSync(at('before'), 'x');
  execFileSync('touch', ['-d', '1935-01-01T00:00:00.5Z', at('before')]);
  fs.mkdirSync(at('folder'), { mode: 0o1777 });
  fs.chmodSync(at('folder'), 0o1777);
  if (isRoot) fs.chownSync(at('folder'), 65_534, 54_321);
  const { byPath } = await storedTree(vault, (await chunkTree(vault, tree, { workers: 0 })).id);
  const stat = fs.lstatSync(at('file'), { bigint: true });
  t.match(byPath.get('file'), {
    mode: 0o6751,
    mtimeNs: 981_173_106_123_456_789n,
    uid: Number(stat.uid),
    ...(stat.birthtimeNs > 0n ? { btimeNs: stat.birthtimeNs } : {}),
  });
  t.equal(byPath.get('before')?.mtimeNs, BigInt(Date.parse('1935-01-01T00:00:00.5Z')) * 1_000_000n);
  t.equal(byPath.get('folder')?.mode, 0o1777);
  if (!isRoot) return;
  t.equal(byPath.get('file')?.user, 'root');
  t.match(byPath.get('folder'), { uid: 65_534, user: 'nobody', gid: 54_321, group: undefined });
});

t.test('links are kept as what they say, whether that is there or not', async (t) => {
  const { vault, tree, at } = await place(t);
  fs.writeFileSync(at('file'), 'x');
  fs.symlinkSync('file', at('good'));
  fs.symlinkSync('/nowhere/at all', at('dangling'));
  fs.symlinkSync('..', at('up'));
  fs.symlinkSync(Buffer.from('caf\xe9', 'latin1'), at('odd'));
  const { id, files } = await chunkTree(vault, tree, { workers: 0 });
  const { byPath } = await storedTree(vault, id);
  t.equal(files, 1);
  for (const [name, target] of [
    ['good', 'file'],
    ['dangling', '/nowhere/at all'],
    ['up', '..'],
  ] as const) {
    t.match(byPath.get(name), { type: 'symlink', target, sizeBytes: 0 });
  }
  t.same(Buffer.from(byPath.get('odd')?.target ?? ''), Buffer.from('caf\xe9', 'latin1'));
});

t.test('a second name of a file is a hardlink to the first', async (t) => {
  const { vault, tree, at } = await place(t);
  fs.mkdirSync(at('b'));
  fs.writeFileSync(at('b', 'one'), sampleBytes('one', 50_000));
  fs.linkSync(at('b', 'one'), at('b', 'two'));
  fs.linkSync(at('b', 'one'), at('a'));
  fs.writeFileSync(at('large'), sampleBytes('large', 400_000));
  fs.linkSync(at('large'), at('large too'));
  fs.symlinkSync('x', at('s'));
  fs.linkSync(at('s'), at('s too'));
  for (const force of [false, true]) {
    const result = await chunkTree(vault, tree, { workers: 0, force });
    const { byPath, content } = await storedTree(vault, result.id);
    t.equal(result.files, 2);
    t.equal(result.bytes, 450_000);
    t.equal(byPath.get('a')?.type, 'file');
    for (const [name, target] of [
      ['b/one', 'a'],
      ['b/two', 'a'],
      ['large too', 'large'],
    ] as const) {
      t.match(byPath.get(name), { type: 'hardlink', target, extents: [] });
    }
    t.ok((await content('a')).equals(sampleBytes('one', 50_000)));
    t.equal(byPath.get('s too')?.type, 'symlink', 'of links each is one by itself');
  }
});

t.test('fifos and devices are kept, sockets are not', { skip: offLinux }, async (t) => {
  const { vault, tree, at } = await place(t);
  execFileSync('mkfifo', [at('fifo')]);
  const server = net.createServer().listen(at('socket'));
  t.teardown(() => server.close());
  if (isRoot) {
    execFileSync('mknod', [at('null'), 'c', '1', '3']);
    execFileSync('mknod', [at('block'), 'b', '259', '70000']);
  }
  const result = await chunkTree(vault, tree, { workers: 0 });
  const { byPath } = await storedTree(vault, result.id);
  t.same(result.failed, []);
  t.equal(byPath.get('fifo')?.type, 'fifo');
  t.equal(byPath.has('socket'), false);
  if (!isRoot) return;
  t.match(byPath.get('null'), { type: 'character', device: [1, 3] });
  t.match(byPath.get('block'), { type: 'block', device: [259, 70_000] });
});

t.test('names that are not UTF-8 are kept as bytes, folders and files', { skip: offLinux }, async (t) => {
  const { vault, tree } = await place(t);
  const folder = Buffer.concat([Buffer.from(`${tree}/`), Buffer.from([0xff, 0x61])]);
  fs.mkdirSync(folder);
  fs.writeFileSync(Buffer.concat([folder, Buffer.from('/süß')]), 'inside');
  fs.writeFileSync(Buffer.concat([folder, Buffer.from([0x2f, 0xc3])]), 'half');
  fs.writeFileSync(path.join(tree, 'süß'), 'text');
  const { id, failed } = await chunkTree(vault, tree, { workers: 0 });
  const { byPath, content } = await storedTree(vault, id);
  t.same(failed, []);
  t.ok(byPath.has('süß'), 'what is UTF-8 is text');
  const inside = Buffer.concat([Buffer.from([0xff, 0x61, 0x2f]), Buffer.from('süß')]).toString('latin1');
  t.equal((await content(inside)).toString(), 'inside');
  t.equal((await content('\xff\x61/\xc3')).toString(), 'half');
  t.ok(byPath.get(inside)?.path instanceof Uint8Array);
});

t.test('extended attributes and ACLs are kept', { skip: offLinux }, async (t) => {
  const { vault, tree, at } = await place(t);
  const attributes = await loadExtendedAttributes();
  if (attributes === undefined) {
    t.pass('fs-xattr is not installed');
    return;
  }
  fs.writeFileSync(at('file'), 'x');
  fs.symlinkSync('file', at('link'));
  const acl = Buffer.from(
    '0200000001000600ffffffff02000400cdab000004000400ffffffff10000600ffffffff20000400ffffffff',
    'hex',
  );
  const wanted: [string, Buffer][] = [
    ['user.note', Buffer.from([0, 255, 10])],
    ['user.empty', Buffer.alloc(0)],
  ];
  if (isRoot) wanted.push(['system.posix_acl_access', acl], ['trusted.x', Buffer.from('t')]);
  for (const [name, value] of wanted) {
    attributes.write(at('file'), name, value);
  }
  const { byPath } = await storedTree(vault, (await chunkTree(vault, tree, { workers: 0 })).id);
  t.same(new Map([...(byPath.get('file')?.xattrs ?? [])].sort()), new Map([...wanted].sort()));
  t.equal(byPath.get('link')?.xattrs, undefined, 'those of what a link points to are not its own');
});

t.test('equal small contents are stored once', async (t) => {
  const { vault, tree, at } = await place(t);
  for (let index = 0; index < 40; index++) fs.writeFileSync(at(`copy${index}`), sampleBytes('same', 20_000));
  fs.writeFileSync(at('other'), sampleBytes('other', 20_000));
  const result = await chunkTree(vault, tree, { workers: 0 });
  t.ok(result.storedBytes < 60_000, `${result.storedBytes} bytes stored`);
  t.equal(result.dedupedBytes, 39 * 20_000);
  const { content } = await storedTree(vault, result.id);
  t.ok((await content('copy39')).equals(sampleBytes('same', 20_000)));
  t.ok((await content('other')).equals(sampleBytes('other', 20_000)));
});

t.test('a file that is stored alone and in a tree shares its chunks', async (t) => {
  const { vault, tree, at } = await place(t);
  const { chunkFile } = await import('../../../src/ops/chunk/chunk.js');
  fs.writeFileSync(at('a small one'), 'x');
  fs.writeFileSync(at('large'), sampleBytes('large', 1_000_000));
  await chunkFile(vault, at('large'), { workers: 0 });
  t.equal((await chunkTree(vault, tree, { workers: 0 })).newChunks, 1);
});

t.test('an added small file changes the chunk around it and hardly another', async (t) => {
  const { vault, tree, at } = await place(t);
  for (let index = 0; index < 400; index++) {
    fs.writeFileSync(at(`f${index}`), sampleBytes(index, 1000 + 17 * index));
  }
  const first = await chunkTree(vault, tree, { workers: 0 });
  t.ok(first.newChunks > 15, `${first.newChunks} chunks`);
  fs.writeFileSync(at('f1 added'), sampleBytes('added', 5000));
  const second = await chunkTree(vault, tree, { workers: 0, force: true });
  t.ok(second.newChunks <= 4, `${second.newChunks} new chunks`);
});
