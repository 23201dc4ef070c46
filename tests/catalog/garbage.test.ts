// What nothing refers to, and when it may go. Sources: src/catalog/garbage.ts.
import fc from 'fast-check';
import t from 'tap';
import { commitChunks, commitFile } from '../../src/catalog/commits.js';
import {
  beginFreeing,
  countFreeable,
  countTombstones,
  entombOrphans,
  finishFreeing,
  removeFileRows,
  restartFutureTombstones,
} from '../../src/catalog/garbage.js';
import type { StoreId } from '../../src/core/ids.js';
import { runSeed } from '../ops/sample-bytes.js';
import {
  chunkRow,
  enterFile,
  fileRow,
  nextSession,
  sampleCatalog,
  stateOf,
  storeIdOf,
} from './sample-rows.js';

const nobody = (): readonly number[] => [];
const EVER = Number.MAX_SAFE_INTEGER;

t.test('removing a file puts tombstones on what only it needed', async (t) => {
  const sample = sampleCatalog(t);
  const { catalog } = sample;
  const one = enterFile(catalog, 'one', ['shared', 'own']);
  const two = enterFile(catalog, 'two', ['shared', 'other']);
  const dead = removeFileRows(catalog, [one], 500).map(({ storeId }) => storeId);
  t.same(new Set(dead), new Set([one, storeIdOf('own of one')]));
  t.equal(stateOf(sample, storeIdOf('shared of one')), 'present');
  t.same(countTombstones(catalog), { objects: 2, bytes: 260 });
  removeFileRows(catalog, [two], 600);
  t.equal(stateOf(sample, storeIdOf('shared of one')), 'tombstoned', 'nobody needs it now');
  t.same(removeFileRows(catalog, [two, storeIdOf('none')], 700), [], 'what is not there is not removed');
});

t.test('lists of lists die from the top down', async (t) => {
  const sample = sampleCatalog(t);
  const { catalog } = sample;
  commitChunks(catalog, 1, [chunkRow('leaf'), chunkRow('kept leaf')]);
  commitChunks(catalog, 1, [chunkRow('list', [storeIdOf('leaf'), storeIdOf('kept leaf')])]);
  commitChunks(catalog, 1, [chunkRow('top', [storeIdOf('list')])]);
  commitFile(catalog, 1, fileRow('deep', [storeIdOf('top')]));
  commitFile(catalog, 1, fileRow('flat', [storeIdOf('kept leaf')]));
  const dead = removeFileRows(catalog, [storeIdOf('deep')], 1).map(({ storeId }) => storeId);
  t.same(new Set(dead), new Set(['deep', 'top', 'list', 'leaf'].map(storeIdOf)));
  t.equal(stateOf(sample, storeIdOf('kept leaf')), 'present');
});

t.test('a tombstone frees its object when its grace is over, not before', async (t) => {
  const sample = sampleCatalog(t);
  const { catalog } = sample;
  removeFileRows(catalog, [enterFile(catalog, 'file', ['a'])], 1000);
  t.same(beginFreeing(catalog, 999, nobody, 10), []);
  t.same(countFreeable(catalog, 999), { objects: 0, bytes: 0 });
  t.same(countFreeable(catalog, 1000), { objects: 2, bytes: 260 });
  const rows = beginFreeing(catalog, 1000, nobody, 10);
  t.equal(rows.length, 2);
  t.equal(stateOf(sample, storeIdOf('a of file')), 'freeing');
  t.same(
    beginFreeing(catalog, 1000, nobody, 10).map(({ row }) => row),
    rows.map(({ row }) => row),
    'a run that was stopped here is taken up by the next',
  );
  finishFreeing(catalog, rows);
  t.equal(stateOf(sample, storeIdOf('a of file')), 'none');
  t.equal(catalog.database.prepare('SELECT count(*) FROM refs').pluck().get(), 0, 'no reference is left');
});

t.test('freeing goes on in portions', async (t) => {
  const { catalog } = sampleCatalog(t);
  const names = Array.from({ length: 9 }, (_, index) => `chunk ${index}`);
  removeFileRows(catalog, [enterFile(catalog, 'file', names)], 1);
  const portions: number[] = [];
  for (;;) {
    const rows = beginFreeing(catalog, EVER, nobody, 4);
    if (rows.length === 0) break;
    portions.push(rows.length);
    finishFreeing(catalog, rows);
  }
  t.same(portions, [4, 4, 2]);
});

t.test(
  'a session that began before a tombstone keeps the object, one that began later does not',
  async (t) => {
    const { catalog } = sampleCatalog(t);
    const early = nextSession(catalog);
    removeFileRows(catalog, [enterFile(catalog, 'file', ['a'], early)], 1);
    const late = nextSession(catalog);
    t.same(
      beginFreeing(catalog, EVER, () => [early, late], 10),
      [],
      'it may rely on what it saw without a tombstone',
    );
    t.equal(beginFreeing(catalog, EVER, () => [late], 10).length, 2, 'it has seen the tombstone');
  },
);

t.test('what is referred to again is let off, before it would be freed', async (t) => {
  const sample = sampleCatalog(t);
  const { catalog, objects } = sample;
  removeFileRows(catalog, [enterFile(catalog, 'old', ['a'])], 1);
  commitChunks(catalog, 2, [chunkRow('list', [storeIdOf('a of old')])]);
  catalog.database.exec('UPDATE objects SET tombstoned_ms = 1, tombstoned_session = 1 WHERE kind = 1');
  catalog.database
    .prepare('UPDATE objects SET tombstoned_ms = NULL WHERE id = ?')
    .run(objects.find(storeIdOf('list'))?.row);
  const freed = beginFreeing(catalog, EVER, nobody, 10).map(({ storeId }) => storeId);
  t.same(freed, [storeIdOf('old')]);
  t.equal(stateOf(sample, storeIdOf('a of old')), 'present');
});

t.test('orphans of sessions that are over get tombstones, those of live ones do not', async (t) => {
  const sample = sampleCatalog(t);
  const { catalog } = sample;
  const [dead, live] = [nextSession(catalog), nextSession(catalog)];
  commitChunks(catalog, dead, [chunkRow('of the dead'), chunkRow('leaf of the dead')]);
  commitChunks(catalog, dead, [chunkRow('list of the dead', [storeIdOf('leaf of the dead')])]);
  commitChunks(catalog, live, [chunkRow('of the living')]);
  enterFile(catalog, 'file', ['needed'], dead);
  const found = entombOrphans(catalog, () => [live], 5).map(({ storeId }) => storeId);
  t.same(new Set(found), new Set(['of the dead', 'list of the dead', 'leaf of the dead'].map(storeIdOf)));
  t.equal(stateOf(sample, storeIdOf('of the living')), 'present');
  t.equal(stateOf(sample, storeIdOf('needed of file')), 'present');
  t.same(
    entombOrphans(catalog, () => [live], 6),
    [],
    'once',
  );
});

t.test('a manifest that could not be read is no orphan', async (t) => {
  const sample = sampleCatalog(t);
  const { database } = sample.catalog;
  const insert = database.prepare(
    'INSERT INTO objects (store_id, kind, stored_bytes, session, state) VALUES (?, 2, 10, 0, 1)',
  );
  insert.run(Buffer.from(storeIdOf('unreadable'), 'hex'));
  t.same(entombOrphans(sample.catalog, nobody, 5), []);
  t.equal(
    stateOf(sample, storeIdOf('unreadable')),
    'lost',
    'a disk error today must not cost a file tomorrow',
  );
});

t.test('tombstones from the future start again', async (t) => {
  const sample = sampleCatalog(t);
  const { catalog } = sample;
  removeFileRows(catalog, [enterFile(catalog, 'now', ['a'])], 1000);
  removeFileRows(catalog, [enterFile(catalog, 'later', ['b'])], 9_000_000);
  restartFutureTombstones(catalog, 2000);
  const times = catalog.database.prepare('SELECT tombstoned_ms FROM objects ORDER BY id').pluck().all();
  t.same(times, [1000, 1000, 2000, 2000]);
});

interface Model {
  readonly files: Map<string, readonly string[]>;
}

const seed = runSeed();

/** Files over six plaintexts come and go; the catalog must keep exactly what the model's files reach. */
t.test(`whatever is entered, removed and freed, exactly the unreachable goes (seed ${seed})`, async (t) => {
  const step = fc.oneof(
    fc.record({
      do: fc.constant('enter' as const),
      plaintexts: fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), { minLength: 1 }),
    }),
    fc.record({ do: fc.constant('remove' as const), which: fc.nat() }),
    fc.record({ do: fc.constant('free' as const) }),
    fc.record({ do: fc.constant('orphan' as const), plaintext: fc.constantFrom('a', 'b', 'x', 'y') }),
  );
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 25 }), (steps) => {
      const { catalog, objects } = sampleCatalog(t);
      const model: Model = { files: new Map() };
      let made = 0;
      for (const each of steps) {
        if (each.do === 'enter') {
          const name = `file ${made++}`;
          enterFile(catalog, name, each.plaintexts);
          model.files.set(name, each.plaintexts);
        } else if (each.do === 'remove') {
          const name = [...model.files.keys()][each.which % Math.max(1, model.files.size)];
          if (name !== undefined) removeFileRows(catalog, [storeIdOf(name)], 1);
          model.files.delete(name ?? '');
        } else if (each.do === 'orphan') {
          commitChunks(catalog, 1, [chunkRow(each.plaintext, [], ` orphan ${made++}`)]);
        } else {
          entombOrphans(catalog, nobody, 1);
          finishFreeing(catalog, beginFreeing(catalog, EVER, nobody, 1000));
          expectExactly(catalogPlaintexts(objects.page(0, 1000)), model);
        }
        for (const name of model.files.keys()) expectWhole(objects.descendants(storeIdOf(name)), name, model);
      }
    }),
    { seed, numRuns: 60 },
  );
});

type Rows = readonly { kind: string; storeId: StoreId; plainId: string | undefined; state: string }[];

const catalogPlaintexts = (rows: Rows): number => rows.filter(({ kind }) => kind === 'chunk').length;

function expectExactly(chunks: number, { files }: Model): void {
  const reachable = new Set([...files.values()].flat());
  if (chunks !== reachable.size) throw new Error(`expected ${reachable.size} chunks to stay, got ${chunks}`);
}

function expectWhole(rows: Rows, name: string, { files }: Model): void {
  const chunks = rows.filter(({ kind, state }) => kind === 'chunk' && state === 'present');
  const expected = files.get(name)?.length;
  if (chunks.length !== expected)
    throw new Error(`${name}: expected ${expected} chunks, got ${chunks.length}`);
}
