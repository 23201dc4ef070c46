// A tree that was stored before: what is unchanged is not read, what may have changed is, and nothing relies on
// chunks that are gone. Sources: src/ops/tree/previous-tree.ts, carried-chunks.ts, tree-reader.ts.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import t from 'tap';
import type { ChunkResult } from '../../../src/ops/chunk/chunk.js';
import { removeFiles } from '../../../src/ops/files/files.js';
import type { OpenVault } from '../../../src/ops/home/vault.js';
import { chunkTree, type TreeOptions } from '../../../src/ops/tree/chunk-tree.js';
import { roundedMs } from '../../../src/ops/tree/previous-tree.js';
import { collectGarbage } from '../../../src/ops/upkeep/gc.js';
import { verify } from '../../../src/ops/upkeep/verify.js';
import { type Chance, chance, runSeed, sampleBytes } from '../sample-bytes.js';
import { makeScratchHome, openScratch, scratchFolder } from '../scratch-home.js';
import { storedTree } from '../stored-tree.js';

t.setTimeout(300_000);
const LONG_AGO = new Date('2001-02-03T04:05:06Z');

class Tree {
  readonly vault: OpenVault;
  readonly root: string;

  constructor(vault: OpenVault, root: string) {
    this.vault = vault;
    this.root = root;
  }

  at(name: string): string {
    return path.join(this.root, name);
  }

  write(name: string, bytes: Uint8Array | string): void {
    fs.mkdirSync(path.dirname(this.at(name)), { recursive: true });
    fs.writeFileSync(this.at(name), bytes);
  }

  /** As if the run were an hour later, so that nothing is too fresh to be trusted. */
  store(options: TreeOptions = {}): Promise<ChunkResult> {
    return chunkTree(this.vault, this.root, { workers: 0, startedMs: Date.now() + 3_600_000, ...options });
  }

  /** Paths, with what is in them, as the disk has them. */
  files(): Map<string, Buffer> {
    const names = fs.readdirSync(this.root, { recursive: true, encoding: 'utf8' });
    const files = names.filter((name) => fs.lstatSync(this.at(name)).isFile());
    return new Map(files.map((name) => [name, fs.readFileSync(this.at(name))]));
  }

  /** What of the manifest differs from the disk, in words. */
  async differences(id: string): Promise<string[]> {
    const stored = await storedTree(this.vault, id);
    const files = this.files();
    const found: string[] = [];
    for (const [name, bytes] of files) {
      if (stored.byPath.get(name)?.type !== 'file') found.push(`${name} is not there`);
      else if (!(await stored.content(name)).equals(bytes)) found.push(`${name} has other bytes`);
    }
    const listed = stored.entries.filter(({ type }) => type === 'file').length;
    if (listed !== files.size) found.push(`${listed} files for ${files.size}`);
    return found;
  }
}

async function newTree(test: Test): Promise<Tree> {
  const folder = scratchFolder(test);
  const vault = await openScratch(await makeScratchHome(folder));
  test.teardown(() => vault.close());
  const tree = new Tree(vault, path.join(folder, 'tree'));
  for (let index = 0; index < 60; index++)
    tree.write(`d${index % 7}/f${index}`, sampleBytes(index, 100 * index));
  tree.write('large', sampleBytes('large', 700_000));
  tree.write('z/larger', sampleBytes('larger', 1_500_000));
  tree.write('empty', '');
  return tree;
}

t.test('nothing is read of a tree that has not changed, and next to nothing stored', async (t) => {
  const tree = await newTree(t);
  const first = await tree.store();
  const second = await tree.store();
  t.match(second, { files: 63, unchanged: 63, newChunks: 0, bytes: first.bytes, chunks: first.chunks });
  t.equal(second.dedupedBytes, first.bytes);
  t.ok(second.storedBytes < first.storedBytes / 20, `${second.storedBytes} bytes`);
  t.same(await tree.differences(second.id), []);
  const [a, b] = [await storedTree(tree.vault, first.id), await storedTree(tree.vault, second.id)];
  t.same(b.refs, a.refs, 'the same chunks in the same order');
  t.same(b.entries, a.entries, 'the same entries');
});

t.test('--force reads everything and stores nothing twice', async (t) => {
  const tree = await newTree(t);
  const first = await tree.store();
  t.match(await tree.store({ force: true }), { unchanged: 0, newChunks: 0, chunks: first.chunks });
});

const changes: Readonly<Record<string, (tree: Tree) => void>> = {
  'other bytes of the same length': (tree) => {
    const { atime, mtime } = fs.statSync(tree.at('d1/f8'));
    fs.writeFileSync(tree.at('d1/f8'), sampleBytes('new', 800));
    fs.utimesSync(tree.at('d1/f8'), atime, mtime);
  },
  'another length': (tree) => fs.appendFileSync(tree.at('d1/f8'), 'x'),
  'another file in its place': (tree) => {
    tree.write('elsewhere', sampleBytes('new', 800));
    fs.renameSync(tree.at('elsewhere'), tree.at('d1/f8'));
  },
  'an older time': (tree) => fs.utimesSync(tree.at('d1/f8'), LONG_AGO, LONG_AGO),
  'another mode': (tree) => fs.chmodSync(tree.at('d1/f8'), 0o600),
  'a large file': (tree) => {
    const file = fs.openSync(tree.at('large'), 'r+');
    fs.writeSync(file, 'changed', 300_000);
    fs.closeSync(file);
  },
};
for (const [what, change] of Object.entries(changes)) {
  t.test(`${what} is noticed, and only that file is read`, async (t) => {
    const tree = await newTree(t);
    await tree.store();
    await new Promise((resolve) => setTimeout(resolve, 20));
    change(tree);
    const result = await tree.store();
    t.equal(result.unchanged, 62);
    t.same(await tree.differences(result.id), []);
    t.match(await tree.store(), { unchanged: 63, newChunks: 0 }, 'and the time after it is unchanged');
  });
}

t.test('what changed within two seconds of the run is read again by the next', async (t) => {
  const tree = await newTree(t);
  for (const startedMs of [Date.now() + 1000, Date.now() - 1000]) {
    const { id } = await tree.store({ startedMs, force: true });
    const entry = (await storedTree(tree.vault, id)).byPath.get('d1/f8');
    t.same([entry?.inode, entry?.ctimeNs], [undefined, undefined]);
    t.match(await tree.store(), { unchanged: 0 });
  }
});

t.test('a fresh change is seen by its ctime, whatever mtime was set to', async (t) => {
  const tree = await newTree(t);
  fs.utimesSync(tree.at('d1/f8'), LONG_AGO, LONG_AGO);
  const { id } = await tree.store({ startedMs: Date.now() });
  t.equal((await storedTree(tree.vault, id)).byPath.get('d1/f8')?.inode, undefined);
});

t.test('a time in the future, as of a wrong clock, does not make a file be read for ever', async (t) => {
  const tree = await newTree(t);
  const later = new Date(Date.now() + 10 * 365 * 86_400_000);
  fs.utimesSync(tree.at('large'), later, later);
  await tree.store();
  t.match(await tree.store(), { unchanged: 63 });
});

t.test('files that come and go leave the chunks of the others where they are', async (t) => {
  const tree = await newTree(t);
  await tree.store();
  fs.rmSync(tree.at('d1'), { recursive: true });
  tree.write('a/new', sampleBytes('new', 3000));
  tree.write('zz/new large', sampleBytes('new large', 500_000));
  const result = await tree.store();
  t.equal(result.files, 63 - 9 + 2);
  t.equal(result.unchanged, 63 - 9);
  t.same(await tree.differences(result.id), []);
});

t.test('chunks whose objects are gone are stored anew', async (t) => {
  const tree = await newTree(t);
  const first = await storedTree(tree.vault, (await tree.store()).id);
  const lost = [0, first.refs.length - 1].map((index) => first.refs[index]?.storeId);
  await tree.vault.home.store.delete(
    'chunk',
    lost.filter((id) => id !== undefined),
  );
  const result = await tree.store();
  t.equal(result.newChunks, 2);
  t.ok(result.unchanged !== undefined && result.unchanged < 63);
  t.same(await tree.differences(result.id), []);
  t.same((await verify(tree.vault, { readData: true, workers: 0 })).missing, []);
});

t.test('a manifest whose lists cannot be read makes files be read, not the run fail', async (t) => {
  const tree = await newTree(t);
  for (let index = 0; index < 1200; index++) tree.write(`many/of/them/${index}`, `${index}`);
  const first = await storedTree(tree.vault, (await tree.store()).id);
  t.ok(first.manifest.entries.depth > 0);
  const { decodeRef } = await import('../../../src/core/list.js');
  const ids = first.manifest.entries.items.map((item) => decodeRef(item).storeId);
  await tree.vault.home.store.delete('chunk', ids.slice(1, 2));
  const result = await tree.store();
  t.ok((result.unchanged ?? 0) < 1263);
  t.same(await tree.differences(result.id), []);
});

t.test('what only a removed tree needed is taken over before gc has got it', async (t) => {
  const tree = await newTree(t);
  const first = await tree.store();
  // Another manifest keeps the chunks known by path; the first one's are tombstoned in between.
  await removeFiles(tree.vault, [first.id]);
  const second = await tree.store();
  await collectGarbage(tree.vault, { graceSeconds: 0 });
  t.same(await tree.differences(second.id), []);
  await removeFiles(tree.vault, [second.id]);
  await collectGarbage(tree.vault, { graceSeconds: 0 });
});

t.test('a path that was a file is a folder now, and the other way round', async (t) => {
  const tree = await newTree(t);
  await tree.store();
  fs.rmSync(tree.at('large'));
  tree.write('large/inside', 'x');
  fs.rmSync(tree.at('d1'), { recursive: true });
  tree.write('d1', 'a file');
  const { id } = await tree.store();
  t.same(await tree.differences(id), []);
});

const seed = runSeed();
t.test(`twenty rounds of random edits come back byte for byte (seed ${seed})`, async (t) => {
  const tree = await newTree(t);
  const luck = chance(seed);
  for (let round = 0; round < 20; round++) {
    edit(tree, luck, round);
    const result = await tree.store({ force: luck.hit(0.1), workers: luck.hit(0.2) ? 2 : 0 });
    t.same(await tree.differences(result.id), [], `round ${round}`);
  }
  const { corrupt, missing } = await verify(tree.vault, { readData: true, workers: 0 });
  t.same([corrupt, missing], [[], []]);
});

function edit(tree: Tree, luck: Chance, round: number): void {
  for (let turn = luck.whole(12); turn > 0; turn--) {
    const names = [...tree.files().keys()];
    const name = luck.pick(names);
    const size = luck.pick([0, 10, 3000, 32_767, 32_768, 70_000, 300_000]) + luck.whole(5);
    const bytes = sampleBytes(luck.whole(40), size);
    const moves = {
      remove: () => fs.rmSync(tree.at(name)),
      rename: () => fs.renameSync(tree.at(name), tree.at(`moved ${round} ${turn}`)),
      add: () => tree.write(`n${luck.whole(9)}/${luck.whole(1000)}`, bytes),
      append: () => fs.appendFileSync(tree.at(name), bytes),
      replace: () => tree.write(name, bytes),
    };
    luck.pick([moves.remove, moves.rename, moves.add, moves.add, moves.append, moves.replace])();
  }
}

t.test('times are compared by the very numbers that the system gives', async (t) => {
  const tree = await newTree(t);
  const file = tree.at('d1/f8');
  const luck = chance(seed);
  for (let round = 0; round < 300; round++) {
    const seconds = luck.pick([0, 1, -1, -1_000_000_000, 981_173_106, 1_795_384_422, 4_000_000_000]);
    const fraction = String(luck.whole(1_000_000_000)).padStart(9, '0');
    execFileSync('touch', ['-d', `@${seconds}.${luck.pick(['0', '5', '999999999', fraction])}`, file]);
    const exact = fs.lstatSync(file, { bigint: true });
    t.equal(roundedMs(exact.mtimeNs), fs.lstatSync(file).mtimeMs, `${exact.mtimeNs}`);
  }
});
