// Finding files. Sources: src/catalog/files.ts.
import t from 'tap';
import { commitChunks, commitFile } from '../../src/catalog/commits.js';
import {
  countFiles,
  eachFile,
  filesByPrefix,
  findFile,
  newestByName,
  newestFile,
} from '../../src/catalog/files.js';
import { removeFileRows } from '../../src/catalog/garbage.js';
import type { StoreId } from '../../src/core/ids.js';
import { chunkRow, fileRow, sampleCatalog, storeIdOf } from './sample-rows.js';

t.test('files are listed oldest first, however many there are', async (t) => {
  const { catalog } = sampleCatalog(t);
  const names = Array.from({ length: 1203 }, (_, index) => `file ${index}`);
  catalog.database.exec('PRAGMA synchronous = OFF');
  for (const [index, name] of names.entries()) commitFile(catalog, 1, fileRow(name, [], (index * 7) % 100));
  const listed = [...eachFile(catalog)];
  t.equal(listed.length, 1203);
  t.equal(new Set(listed.map(({ id }) => id)).size, 1203, 'each once');
  const times = listed.map(({ createdMs }) => createdMs);
  t.same(
    times,
    times.toSorted((a, b) => a - b),
  );
  t.equal(countFiles(catalog), 1203);
});

t.test('a list that is being read does not hold up a writer', async (t) => {
  const { catalog } = sampleCatalog(t);
  for (const name of ['a', 'b', 'c']) commitFile(catalog, 1, fileRow(name, []));
  const seen: StoreId[] = [];
  for (const { id } of eachFile(catalog)) {
    seen.push(id);
    removeFileRows(catalog, [id], 1);
  }
  t.equal(seen.length, 3);
  t.equal(countFiles(catalog), 0);
});

t.test('a file is found by id, by prefix, by name and as the newest', async (t) => {
  const { catalog } = sampleCatalog(t);
  t.equal(newestFile(catalog), undefined);
  for (const [name, ms] of [
    ['first', 10],
    ['second', 30],
    ['third', 20],
  ] as const) {
    commitFile(catalog, 1, fileRow(name, [], ms));
  }
  commitFile(catalog, 1, { ...fileRow('first again', [], 15), nameTag: fileRow('first', []).nameTag });
  const id = storeIdOf('second');
  t.match(findFile(catalog, id), {
    id,
    kind: 'file',
    createdMs: 30,
    isComplete: true,
  });
  t.equal(findFile(catalog, storeIdOf('none')), undefined);
  for (const digits of [1, 8, 63, 64])
    t.ok(filesByPrefix(catalog, id.slice(0, digits), 10).includes(id as never));
  t.same(filesByPrefix(catalog, '', 10).length, 4);
  t.same(filesByPrefix(catalog, '', 2).length, 2, 'no more than asked for');
  t.equal(newestFile(catalog), id);
  t.equal(
    newestByName(catalog, fileRow('first', []).nameTag),
    storeIdOf('first again'),
    'the newest of the name',
  );
  t.equal(newestByName(catalog, Buffer.alloc(16)), undefined);
});

t.test('an object that is no file is not found by prefix', async (t) => {
  const { catalog } = sampleCatalog(t);
  commitChunks(catalog, 1, [chunkRow('chunk')]);
  t.same(filesByPrefix(catalog, storeIdOf('chunk').slice(0, 8), 10), []);
  t.equal(findFile(catalog, storeIdOf('chunk')), undefined);
});

t.test('a file says whether every object of it is here, lists of lists included', async (t) => {
  const { catalog, objects } = sampleCatalog(t);
  commitChunks(catalog, 1, [chunkRow('leaf'), chunkRow('of another')]);
  commitChunks(catalog, 1, [chunkRow('list', [storeIdOf('leaf')])]);
  commitFile(catalog, 1, fileRow('file', [storeIdOf('list')]));
  commitFile(catalog, 1, fileRow('another', [storeIdOf('of another')]));
  const isComplete = (name: string): boolean | undefined => findFile(catalog, storeIdOf(name))?.isComplete;
  for (const name of ['leaf', 'list', 'file']) {
    const row = objects.find(storeIdOf(name))?.row ?? 0;
    objects.markLost([row]);
    t.equal(isComplete('file'), false, `${name} is lost`);
    t.equal(isComplete('another'), true);
    objects.markPresent([row]);
    t.equal(isComplete('file'), true, `${name} is back`);
  }
});
