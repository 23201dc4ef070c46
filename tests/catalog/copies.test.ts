// Which nodes hold what. Sources: src/catalog/copies.ts.
import t from 'tap';
import {
  countDegraded,
  countUnderCopied,
  fewestCopies,
  forgetCopies,
  forgetFreed,
  freedObjects,
  nodesOf,
  noteCopies,
  underCopied,
} from '../../src/catalog/copies.js';
import { beginFreeing, finishFreeing, removeFileRows } from '../../src/catalog/garbage.js';
import type { NodeId } from '../../src/core/ids.js';
import { enterFile, sampleCatalog, storeIdOf } from './sample-rows.js';

const A = 'a'.repeat(52) as NodeId;
const B = 'b'.repeat(52) as NodeId;
const GONE = 'c'.repeat(52) as NodeId;

t.test('a file has as many copies as the object that has the fewest', async (t) => {
  const { catalog } = sampleCatalog(t);
  const file = enterFile(catalog, 'one', ['x', 'y']);
  const [x, y] = [storeIdOf('x of one'), storeIdOf('y of one')];
  t.equal(fewestCopies(catalog, file, [A, B]), 1);
  noteCopies(catalog, A, [file, x, y]);
  noteCopies(catalog, B, [file, x]);
  t.equal(fewestCopies(catalog, file, [A, B]), 2, 'y is on A only');
  noteCopies(catalog, B, [y, y, storeIdOf('unknown')]);
  t.equal(fewestCopies(catalog, file, [A, B]), 3);
  t.equal(fewestCopies(catalog, file, [A]), 2, 'a node that does not count does not count');
  t.same(new Set(nodesOf(catalog, x)), new Set([A, B]));
  t.same(nodesOf(catalog, storeIdOf('unknown')), []);
});

t.test('what is lost here counts only elsewhere', async (t) => {
  const { catalog, objects } = sampleCatalog(t);
  const file = enterFile(catalog, 'one', ['x']);
  const x = storeIdOf('x of one');
  noteCopies(catalog, A, [file, x]);
  objects.markLost([objects.find(x)?.row ?? 0]);
  t.equal(fewestCopies(catalog, file, [A]), 1);
  t.equal(fewestCopies(catalog, file, []), 0, 'lost for good');
});

t.test('degraded and under-copied objects are counted and listed, page by page', async (t) => {
  const { catalog } = sampleCatalog(t);
  const file = enterFile(catalog, 'one', ['x', 'y']);
  t.equal(countDegraded(catalog, 2, [A]), 3);
  noteCopies(catalog, A, [file]);
  noteCopies(catalog, GONE, [storeIdOf('x of one')]);
  t.equal(countDegraded(catalog, 2, [A]), 2, 'a copy on a node that is gone does not help');
  const all = underCopied(catalog, 2, [A], undefined, 10).map(({ id }) => id);
  t.same(all, [storeIdOf('x of one'), storeIdOf('y of one')].sort());
  t.same(
    underCopied(catalog, 2, [A], all[0], 10).map(({ id }) => id),
    all.slice(1),
  );
  t.equal(countUnderCopied(catalog, 2, [A]), 2);
  t.equal(countUnderCopied(catalog, 1, []), 0);
});

t.test('copies are forgotten one by one or for a whole node', async (t) => {
  const { catalog } = sampleCatalog(t);
  const file = enterFile(catalog, 'one', ['x']);
  noteCopies(catalog, A, [file, storeIdOf('x of one')]);
  forgetCopies(catalog, A, [file]);
  t.same(nodesOf(catalog, file), []);
  t.same(nodesOf(catalog, storeIdOf('x of one')), [A]);
  forgetCopies(catalog, A);
  t.same(nodesOf(catalog, storeIdOf('x of one')), []);
});

t.test('what was freed here and has copies elsewhere is remembered until peers were told', async (t) => {
  const { catalog } = sampleCatalog(t);
  const file = enterFile(catalog, 'one', ['x', 'y']);
  noteCopies(catalog, A, [file, storeIdOf('x of one')]);
  removeFileRows(catalog, [file], 1000);
  finishFreeing(
    catalog,
    beginFreeing(catalog, 1000, () => [], 10),
  );
  t.same(new Set(freedObjects(catalog, 10)), new Set([file, storeIdOf('x of one')]), 'y was nowhere else');
  forgetFreed(catalog, [file]);
  t.same(freedObjects(catalog, 10), [storeIdOf('x of one')]);
  t.equal(
    catalog.database.prepare('SELECT count(*) FROM copies').pluck().get(),
    0,
    'no copies of what is gone',
  );
});
