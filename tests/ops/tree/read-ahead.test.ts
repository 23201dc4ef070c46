// Small files read by threads, ahead of the walk. Source: src/ops/tree/read-ahead.ts, small-reader.ts, small-read.ts.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { restoreTree } from '../../../src/ops/restore/restore-tree.js';
import { chunkTree } from '../../../src/ops/tree/chunk-tree.js';
import { type Ahead, ReadAhead } from '../../../src/ops/tree/read-ahead.js';
import type { Found } from '../../../src/ops/tree/tree-walk.js';
import { walkTree } from '../../../src/ops/tree/tree-walk.js';
import { sampleBytes } from '../sample-bytes.js';
import { makeScratchHome, openScratch, scratchFolder } from '../scratch-home.js';

/** More than are read without threads, of all sizes that are small. */
const FILES = 900;
const name = (index: number): string => `${index % 7}/f${String(index).padStart(4, '0')}`;

function makeFiles(t: Test): string {
  const root = path.join(scratchFolder(t), 'tree');
  for (let index = 0; index < FILES; index++) {
    const file = path.join(root, name(index));
    fs.mkdirSync(path.dirname(file), { recursive: true });
    // Every tenth is like another one, and some are as long as a batch has room for.
    const seed = index % 10 === 0 ? 'twin' : String(index);
    const length = index % 300 === 299 ? 1_000_000 + index : (index * 37) % 9_000;
    fs.writeFileSync(file, sampleBytes(seed, length));
  }
  return root;
}

const onFailure = (at: string | Uint8Array, error: unknown): never => {
  throw new Error(`${String(at)}: ${String(error)}`);
};
const isFile = ({ seen }: Found): boolean => seen.isFile();

async function all(ahead: ReadAhead, look: (item: Ahead) => void): Promise<number> {
  let count = 0;
  for await (const batch of ahead.batches()) {
    for (const item of batch) look(item);
    count += batch.length;
  }
  return count;
}

t.test('everything comes once, in the order of the walk, with its bytes, hash and facts', async (t) => {
  const root = makeFiles(t);
  const expected = [...walkTree(root, { onFailure })].map(({ key }) => key);
  const seen: string[] = [];
  let read = 0;
  const count = await all(new ReadAhead(walkTree(root, { onFailure }), isFile), ({ found, content }) => {
    seen.push(found.key);
    const known = content();
    if (known === undefined) return;
    read++;
    const bytes = fs.readFileSync(found.file);
    const { mode, ino, mtimeNs, ctimeNs, uid } = known.after;
    const { stat } = found;
    const isRight =
      Buffer.from(known.bytes).equals(bytes) &&
      Buffer.from(new Uint8Array(known.hash.slice().buffer)).equals(
        createHash('sha256').update(bytes).digest(),
      ) &&
      [mode, ino, mtimeNs, ctimeNs, uid].join() ===
        [stat.mode, stat.ino, stat.mtimeNs, stat.ctimeNs, stat.uid].join();
    if (!isRight) t.fail(found.key);
  });
  t.same(seen, expected);
  t.equal(count, FILES + 8);
  t.ok(read >= FILES - 256 - 3, `${read} files were read ahead`);
});

t.test('what vanished, or cannot be read, fails when it is its turn, and nothing else does', async (t) => {
  const root = makeFiles(t);
  const behindTheFirst = (file: string): boolean => file >= '2';
  const gone = new Set(Array.from({ length: 20 }, (_, index) => name(800 + index)).filter(behindTheFirst));
  function* walk(): Generator<Found> {
    for (const found of walkTree(root, { onFailure })) {
      if (gone.has(String(found.path))) fs.unlinkSync(found.file);
      yield found;
    }
  }
  const failed: string[] = [];
  await all(new ReadAhead(walk(), isFile), ({ found, content }) => {
    try {
      content();
    } catch (error) {
      t.match(error, { code: 'ENOENT' });
      failed.push(String(found.path));
    }
  });
  t.same(failed.sort(), [...gone].sort());
});

t.test('a file that has grown since the walk saw it gives one byte more than was seen', async (t) => {
  const root = makeFiles(t);
  function* walk(): Generator<Found> {
    for (const found of walkTree(root, { onFailure })) {
      if (found.path === '6/f0853') fs.appendFileSync(found.file, 'more');
      yield found;
    }
  }
  let grown: number | undefined;
  await all(new ReadAhead(walk(), isFile), ({ found, content }) => {
    if (found.path === '6/f0853') grown = (content()?.bytes.byteLength ?? 0) - found.seen.size;
  });
  t.equal(grown, 1);
});

t.test('who stops early leaves no thread behind, and the walk is ended', async (t) => {
  let isEnded = false;
  const root = makeFiles(t);
  function* walk(): Generator<Found> {
    try {
      yield* walkTree(root, { onFailure });
    } finally {
      isEnded = true;
    }
  }
  let batches = 0;
  for await (const _ of new ReadAhead(walk(), isFile).batches()) if (++batches === 8) break;
  t.equal(isEnded, true);
});

t.test('a folder read ahead comes back as it was', async (t) => {
  const root = makeFiles(t);
  const vault = await openScratch(await makeScratchHome(scratchFolder(t)));
  t.teardown(() => vault.close());
  const first = await chunkTree(vault, root, {});
  t.match(first, { files: FILES, failed: [] });
  const again = await chunkTree(vault, root, { force: true });
  t.equal(again.newChunks, 0, 'the same places each time');
  const target = path.join(scratchFolder(t), 'back');
  await restoreTree(vault, first.id, { path: target });
  for (let index = 0; index < FILES; index++) {
    const [here, there] = [root, target].map((folder) => fs.readFileSync(path.join(folder, name(index))));
    if (here === undefined || there === undefined || !here.equals(there)) t.fail(name(index));
  }
});
