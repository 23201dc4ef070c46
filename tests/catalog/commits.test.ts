// Objects and files becoming part of the vault. Sources: src/catalog/commits.ts, src/catalog/objects.ts.
import t from 'tap';
import { commitChunks, commitFile, forgetReplaced, reviveObject } from '../../src/catalog/commits.js';
import { findFile } from '../../src/catalog/files.js';
import { beginFreeing, finishFreeing, removeFileRows } from '../../src/catalog/garbage.js';
import { chunkRow, enterFile, fileRow, plainIdOf, sampleCatalog, stateOf, storeIdOf } from './sample-rows.js';

const nobody = (): readonly number[] => [];

t.test('a batch of chunks is there when it is committed', async (t) => {
  const { catalog, objects } = sampleCatalog(t);
  const rows = commitChunks(catalog, 1, [chunkRow('a'), chunkRow('b')]);
  t.match(rows, [
    { storeId: storeIdOf('a'), plainId: plainIdOf('a'), storedBytes: 200, state: 'present' },
    { storeId: storeIdOf('b'), isTombstoned: false },
  ]);
  t.match(objects.findPlain(plainIdOf('a')), { storeId: storeIdOf('a') });
  t.equal(objects.findPlain(plainIdOf('c')), undefined);
  t.match(objects.totals(), { objects: 2, bytes: 400, tombstoned: 0, lost: 0 });
});

t.test('of two objects with the same plaintext the first stays', async (t) => {
  const { catalog, objects } = sampleCatalog(t);
  commitChunks(catalog, 1, [chunkRow('a')]);
  const [winner] = commitChunks(catalog, 2, [chunkRow('a', [], ' again')]);
  t.equal(winner?.storeId, storeIdOf('a'));
  t.equal(objects.find(storeIdOf('a again')), undefined, 'the second has no row');
  const [own] = commitChunks(catalog, 2, [chunkRow('b'), chunkRow('b', [], ' twice in a batch')]);
  t.equal(own?.storeId, storeIdOf('b'));
});

t.test('a tombstone comes off the object that wins', async (t) => {
  const sample = sampleCatalog(t);
  const file = enterFile(sample.catalog, 'file', ['a']);
  removeFileRows(sample.catalog, [file], 1);
  t.equal(stateOf(sample, storeIdOf('a of file')), 'tombstoned');
  const [winner] = commitChunks(sample.catalog, 2, [chunkRow('a', [], ' again')]);
  t.equal(winner?.storeId, storeIdOf('a of file'));
  t.equal(stateOf(sample, storeIdOf('a of file')), 'present');
});

t.test('a lost object does not win, and its parents take the new one as well', async (t) => {
  const sample = sampleCatalog(t);
  const { catalog, objects } = sample;
  const file = enterFile(catalog, 'file', ['a']);
  const lost = objects.find(storeIdOf('a of file'));
  objects.markLost([lost?.row ?? 0]);
  t.equal(findFile(catalog, file)?.isComplete, false);
  t.equal(objects.findPlain(plainIdOf('a')), undefined);
  const [twin] = commitChunks(catalog, 2, [chunkRow('a', [], ' anew')]);
  t.equal(twin?.storeId, storeIdOf('a anew'));
  t.match(objects.findTwin(plainIdOf('a'), storeIdOf('a of file')), { storeId: storeIdOf('a anew') });
  t.equal(findFile(catalog, file)?.isComplete, true, 'the file is whole again');
  t.ok(objects.descendants(file).some(({ storeId }) => storeId === storeIdOf('a anew')));
  removeFileRows(catalog, [], 1);
  t.equal(beginFreeing(catalog, Number.MAX_SAFE_INTEGER, nobody, 10).length, 0);
  t.equal(stateOf(sample, storeIdOf('a anew')), 'present', 'and keeps it');
});

t.test('a replaced object is forgotten, and what referred to it refers to the other', async (t) => {
  const sample = sampleCatalog(t);
  const { catalog, objects } = sample;
  const file = enterFile(catalog, 'file', ['a', 'b']);
  const lost = objects.find(storeIdOf('a of file'));
  objects.markLost([lost?.row ?? 0]);
  const [twin] = commitChunks(catalog, 2, [chunkRow('a', [], ' anew')]);
  forgetReplaced(catalog, lost?.row ?? 0, twin?.row ?? 0);
  t.equal(stateOf(sample, storeIdOf('a of file')), 'none');
  const ids = new Set(objects.descendants(file).map(({ storeId }) => storeId));
  t.same(ids, new Set([file, storeIdOf('b of file'), storeIdOf('a anew')]));
});

t.test('a file is refused when one of its objects is not there', async (t) => {
  const sample = sampleCatalog(t);
  const { catalog, objects } = sample;
  commitChunks(catalog, 1, [chunkRow('here'), chunkRow('lost'), chunkRow('freeing')]);
  objects.markLost([objects.find(storeIdOf('lost'))?.row ?? 0]);
  catalog.database
    .prepare('UPDATE objects SET state = 2 WHERE id = ?')
    .run(objects.find(storeIdOf('freeing'))?.row);
  for (const bad of ['none', 'lost', 'freeing']) {
    const file = fileRow(`with ${bad}`, [storeIdOf('here'), storeIdOf(bad)]);
    t.throws(() => commitFile(catalog, 1, file), { code: 'E_OBJECT_MISSING' }, bad);
    t.equal(stateOf(sample, file.object.storeId), 'none', 'and leaves no row');
    t.equal(findFile(catalog, file.object.storeId), undefined);
  }
});

t.test('a file takes the tombstones off all that it needs, however deep', async (t) => {
  const sample = sampleCatalog(t);
  const { catalog } = sample;
  commitChunks(catalog, 1, [chunkRow('leaf'), chunkRow('other leaf')]);
  commitChunks(catalog, 1, [chunkRow('list', [storeIdOf('leaf')])]);
  commitChunks(catalog, 1, [chunkRow('list of lists', [storeIdOf('list')])]);
  catalog.database.exec('UPDATE objects SET tombstoned_ms = 1, tombstoned_session = 1');
  commitFile(catalog, 1, fileRow('file', [storeIdOf('list of lists')]));
  for (const name of ['leaf', 'list', 'list of lists'])
    t.equal(stateOf(sample, storeIdOf(name)), 'present', name);
  t.equal(stateOf(sample, storeIdOf('other leaf')), 'tombstoned', 'and off nothing else');
});

t.test('reviving says when it is too late', async (t) => {
  const sample = sampleCatalog(t);
  const { catalog, objects } = sample;
  const file = enterFile(catalog, 'file', ['a']);
  removeFileRows(catalog, [file], 1);
  const row = objects.find(storeIdOf('a of file'))?.row ?? 0;
  t.equal(reviveObject(catalog, row), true);
  t.equal(stateOf(sample, storeIdOf('a of file')), 'present');
  removeFileRows(catalog, [], 1);
  catalog.database.exec('UPDATE objects SET tombstoned_ms = 1, tombstoned_session = 0');
  const freeing = beginFreeing(catalog, 2, nobody, 10);
  t.equal(reviveObject(catalog, row), false, 'gc is about to unlink it');
  finishFreeing(catalog, freeing);
  t.equal(reviveObject(catalog, row), false, 'gc has unlinked it');
});

t.test('a state is set on rows that are not being freed', async (t) => {
  const sample = sampleCatalog(t);
  const { catalog, objects } = sample;
  commitChunks(catalog, 1, [chunkRow('a')]);
  const row = objects.find(storeIdOf('a'))?.row ?? 0;
  objects.markLost([]);
  objects.markLost([row]);
  t.equal(stateOf(sample, storeIdOf('a')), 'lost');
  objects.markPresent([row]);
  t.equal(stateOf(sample, storeIdOf('a')), 'present');
  catalog.database.exec('UPDATE objects SET state = 2');
  objects.markPresent([row]);
  t.equal(stateOf(sample, storeIdOf('a')), 'freeing', 'gc has the last word');
});
