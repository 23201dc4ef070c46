// What a node holds for others, and what vaults have asked to be deleted. Sources: src/catalog/holdings.ts.
import t from 'tap';
import { entombOrphans, removeFileRows } from '../../src/catalog/garbage.js';
import {
  addedInSessions,
  beginDueDeletions,
  countHoldings,
  eachHolding,
  enterHoldings,
  findHolding,
  forgetHoldings,
  heldTotals,
  holdingsVersion,
  isDeletionNoted,
  lostOwnObjects,
  type NewHolding,
  scheduleDeletions,
  vaultManifests,
} from '../../src/catalog/holdings.js';
import type { StoreId, VaultId } from '../../src/core/ids.js';
import { enterFile, sampleCatalog, stateOf, storeIdOf } from './sample-rows.js';

const VAULT = 'aa'.repeat(16) as VaultId;
const OTHER = 'bb'.repeat(16) as VaultId;
const held = (name: string, kind: 'chunk' | 'manifest' = 'chunk', vault = VAULT): NewHolding => ({
  id: storeIdOf(name),
  kind,
  bytes: 100,
  vault,
});
const ids = (names: readonly string[]): StoreId[] => names.map(storeIdOf).sort();

t.test('what is held for others is counted, listed in order, and never garbage', async (t) => {
  const sample = sampleCatalog(t);
  const { catalog } = sample;
  const file = enterFile(catalog, 'own', ['a']);
  t.same(enterHoldings(catalog, [held('x'), held('y', 'manifest')]), []);
  t.same(heldTotals(catalog), { objects: 2, bytes: 200 });
  t.same(countHoldings(catalog), { manifests: 2, chunks: 2, bytes: 460 });
  t.same(
    [...eachHolding(catalog)].map(({ id }) => id),
    [...ids(['x', 'y', 'a of own']), file].sort(),
  );
  t.same(
    entombOrphans(catalog, () => [], 1000),
    [],
    'nothing refers to them, and they stay',
  );
  removeFileRows(catalog, [file], 1000);
  t.same(
    [...eachHolding(catalog)].map(({ id }) => id),
    ids(['x', 'y']),
    'a removed file is not offered to others',
  );
});

t.test('a range holds the ids behind its start, its end included', async (t) => {
  const { catalog } = sampleCatalog(t);
  const names = ['1', '2', '3', '4', '5'];
  enterHoldings(
    catalog,
    names.map((name) => held(name)),
  );
  const [first, second, third] = ids(names) as [StoreId, StoreId, StoreId];
  const found = [...eachHolding(catalog, { after: first, through: third })].map(({ id }) => id);
  t.same(found, [second, third]);
});

t.test('an object that was lost is there again when it comes', async (t) => {
  const sample = sampleCatalog(t);
  const { catalog, objects } = sample;
  enterFile(catalog, 'own', ['a']);
  const id = storeIdOf('a of own');
  objects.markLost([objects.find(id)?.row ?? 0]);
  t.equal(findHolding(catalog, id), undefined, 'a lost one is not held');
  t.same(
    lostOwnObjects(catalog).map((object) => object.id),
    [id],
  );
  enterHoldings(catalog, [{ ...held('-'), id, bytes: 200 }]);
  t.equal(stateOf(sample, id), 'present');
  t.same(lostOwnObjects(catalog), []);
  t.same(heldTotals(catalog).objects, 0, 'it is still the file’s own');
});

t.test('an object that gc is about to unlink is not entered', async (t) => {
  const sample = sampleCatalog(t);
  const { catalog } = sample;
  enterHoldings(catalog, [held('x')]);
  catalog.database.exec('UPDATE objects SET state = 2');
  t.same(enterHoldings(catalog, [held('x'), held('y')]), [storeIdOf('x')]);
  t.equal(stateOf(sample, storeIdOf('x')), 'freeing');
});

t.test('manifests are listed by vault, its own files’ only for the own one', async (t) => {
  const { catalog } = sampleCatalog(t);
  const file = enterFile(catalog, 'own', ['a']);
  enterHoldings(catalog, [held('m', 'manifest'), held('n', 'manifest', OTHER), held('c')]);
  const list = (vault: VaultId, isOwn: boolean, after?: StoreId) =>
    vaultManifests(catalog, vault, isOwn, after, 10).map(({ id }) => id);
  t.same(list(VAULT, false), [storeIdOf('m')]);
  t.same(list(VAULT, true), [storeIdOf('m'), file].sort());
  t.same(list(OTHER, false), [storeIdOf('n')]);
  t.same(list(VAULT, true, [storeIdOf('m'), file].sort()[0]), [[storeIdOf('m'), file].sort()[1]]);
});

t.test('a deletion is for its own vault’s held objects, and final', async (t) => {
  const { catalog } = sampleCatalog(t);
  const file = enterFile(catalog, 'own', ['a']);
  enterHoldings(catalog, [held('x'), held('foreign', 'chunk', OTHER)]);
  const asked = [storeIdOf('x'), storeIdOf('foreign'), file, storeIdOf('a of own'), storeIdOf('unknown')];
  t.equal(
    scheduleDeletions(catalog, VAULT, asked, { freeMs: 5000, issuedMs: 1 }),
    1,
    'only x: what is not here is not noted',
  );
  t.equal(isDeletionNoted(catalog, storeIdOf('x')), true);
  t.equal(isDeletionNoted(catalog, storeIdOf('foreign')), false, 'another vault cannot delete it');
  t.equal(isDeletionNoted(catalog, file), false, 'a file here needs it');
  t.notOk(
    [...eachHolding(catalog)].some(({ id }) => id === storeIdOf('x')),
    'it is not offered any more',
  );
  t.same(beginDueDeletions(catalog, 4999, 10), [], 'not before its time');
  t.same(
    beginDueDeletions(catalog, 5000, 10).map(({ id }) => id),
    [storeIdOf('x')],
  );
  forgetHoldings(catalog, [storeIdOf('x'), file]);
  t.equal(findHolding(catalog, storeIdOf('x')), undefined);
  t.ok(findHolding(catalog, file), 'what is not held for others is not forgotten');
  t.equal(isDeletionNoted(catalog, storeIdOf('x')), true, 'it is remembered');
  t.equal(
    scheduleDeletions(catalog, VAULT, [storeIdOf('x')], { freeMs: 1, issuedMs: 1 }),
    0,
    'a second time changes nothing',
  );
});

t.test(
  'the version of what is held changes with every change that a listing shows, and only then',
  async (t) => {
    const { catalog, objects } = sampleCatalog(t);
    const seen = new Set([holdingsVersion(catalog)]);
    const changes = (what: string, change: () => void): void => {
      change();
      const version = holdingsVersion(catalog);
      t.notOk(seen.has(version), what);
      t.equal(holdingsVersion(catalog), version, 'and stays');
      seen.add(version);
    };
    changes('one more', () => enterHoldings(catalog, [held('x'), held('y')]));
    const [x, y] = [objects.find(storeIdOf('x')), objects.find(storeIdOf('y'))];
    changes('one lost', () => objects.markLost([x?.row ?? 0]));
    changes('the other one lost in its place', () => {
      enterHoldings(catalog, [held('x')]);
      objects.markLost([y?.row ?? 0]);
    });
    changes('a deletion', () =>
      scheduleDeletions(catalog, VAULT, [storeIdOf('x')], { freeMs: 5_000, issuedMs: 1 }),
    );
    changes('gone', () => forgetHoldings(catalog, [storeIdOf('x')]));
  },
);

t.test(
  'what a session has added is told from what others have, and from what is held for others',
  async (t) => {
    const { catalog } = sampleCatalog(t);
    enterFile(catalog, 'own', ['a']);
    enterHoldings(catalog, [held('x')]);
    const all = [storeIdOf('a of own'), storeIdOf('x'), storeIdOf('nowhere')];
    t.same([...addedInSessions(catalog, [1], all)], [storeIdOf('a of own')]);
    t.same([...addedInSessions(catalog, [0, 2], all)], [], 'held ones belong to no session');
  },
);
