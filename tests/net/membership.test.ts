// Who is in the cluster, as one node knows it. Source: src/net/membership.ts, src/net/liveness.ts.
import fc from 'fast-check';
import t from 'tap';
import {
  type MemberRecord,
  type SignedRecord,
  type SignedRemoval,
  signRemoval,
  verifyRecord,
  verifyRemoval,
} from '../../src/net/member-record.js';
import { Membership } from '../../src/net/membership.js';
import { holds } from '../core/properties.js';
import { cluster, keyOf, signedRecordOf } from './members.js';

const ca = keyOf('ca');
const idOf = (name: string) => keyOf(name).id;
const removalOf = (name: string): SignedRemoval =>
  signRemoval({ v: 1, id: idOf(name), removed_ms: 5 }, ca.privateKey);

class Clock {
  ms = 1_000_000;
}

function optionsOf(
  name: string,
  clock = new Clock(),
  random = () => 0.5,
  fields: Partial<MemberRecord> = {},
) {
  return {
    self: signedRecordOf(name, fields),
    now: () => clock.ms,
    random,
    verifyRecord: (json: unknown) => verifyRecord(json, cluster),
    verifyRemoval: (json: unknown) => verifyRemoval(json, ca.publicKey),
  };
}

/** A node that knows the named others. */
function nodeOf(
  name: string,
  others: readonly string[] = [],
  clock = new Clock(),
  random = () => 0.5,
): Membership {
  const membership = new Membership(optionsOf(name, clock, random));
  membership.merge({ records: others.map((other) => signedRecordOf(other)), removals: [] });
  return membership;
}

const merge = (node: Membership, ...records: unknown[]) => node.merge({ records, removals: [] });
const remove = (node: Membership, ...removals: unknown[]) => node.merge({ records: [], removals });
const stateOf = (node: Membership): string =>
  JSON.stringify([
    node
      .members()
      .map(({ id, seq, name }) => `${id} ${seq} ${name}`)
      .sort(),
    node
      .snapshot()
      .removals.map(({ id }) => id)
      .sort(),
  ]);

t.test('a higher seq wins, a lower one is ignored without complaint', async (t) => {
  const node = nodeOf('self', ['a']);
  t.same(merge(node, signedRecordOf('a', { seq: 3 })).changed, [idOf('a')]);
  const nothing = { changed: [], conflicts: [], refusals: [] };
  t.same(merge(node, signedRecordOf('a', { seq: 2, name: 'older' })), nothing);
  t.same(merge(node, signedRecordOf('a', { seq: 3 })), nothing, 'the same again');
  t.equal(node.record(idOf('a'))?.seq, 3);
});

t.test('a record that fails its check changes nothing and is told', async (t) => {
  const node = nodeOf('self', ['a']);
  const before = stateOf(node);
  const forged = { ...signedRecordOf('a', { seq: 2 }), name: 'forged' };
  const result = merge(
    node,
    forged,
    null,
    'text',
    [],
    { id: '__proto__', seq: 9 },
    { id: idOf('a'), seq: 1 },
  );
  t.equal(result.refusals.length, 6);
  t.same(result.changed, []);
  t.equal(stateOf(node), before);
});

t.test('two records with one seq are a conflict, and all nodes keep the same one', async (t) => {
  const [one, two] = [signedRecordOf('a', { name: 'one' }), signedRecordOf('a', { name: 'two' })];
  const [here, there] = [nodeOf('self'), nodeOf('other')];
  merge(here, one);
  merge(there, two);
  t.same(merge(here, two).conflicts, [idOf('a')]);
  t.same(merge(there, one).conflicts, [idOf('a')]);
  t.equal(here.record(idOf('a'))?.name, there.record(idOf('a'))?.name);
  t.same(merge(here, one, two).changed, [], 'neither comes back');
});

t.test('a record with the own id that this node has not made is a conflict, and is not taken', async (t) => {
  const node = new Membership(optionsOf('self', new Clock(), () => 0, { seq: 5 }));
  t.same(merge(node, signedRecordOf('self', { seq: 5, name: 'clone' })).conflicts, [idOf('self')]);
  t.same(
    merge(node, signedRecordOf('self', { seq: 4, name: 'clone' })).conflicts,
    [],
    'an old one of its own',
  );
  t.equal(node.ownSeqHeard, 5);
  t.same(merge(node, signedRecordOf('self', { seq: 9, name: 'clone' })).conflicts, [idOf('self')]);
  t.equal(node.record(idOf('self'))?.name, 'laptop');
  t.equal(node.ownSeqHeard, 9);
});

t.test('clones that never meet are found by a node that hears of both', async (t) => {
  const here = nodeOf('witness', ['a']);
  const clone = new Membership(optionsOf('a', new Clock(), () => 0, { addresses: ['10.9.9.9:1'] }));
  t.same(here.answer(nodeOf('a').exchangeRequest()).merged.conflicts, []);
  t.same(here.answer(clone.exchangeRequest()).merged.conflicts, [idOf('a')]);
});

t.test(
  'a node whose record was not kept hears of the one that was, and so can sign a higher one',
  async (t) => {
    for (const [first, second] of [
      [['10.9.9.9:1'], []],
      [[], ['10.9.9.9:1']],
    ] as const) {
      const here = nodeOf('witness');
      const [early, late] = [first, second].map(
        (addresses) => new Membership(optionsOf('a', new Clock(), () => 0, { addresses })),
      ) as [Membership, Membership];
      for (const node of [early, late, early]) {
        const request = node.exchangeRequest();
        const { response } = here.answer(request);
        const isKept = here.record(idOf('a'))?.addresses.join() === node.record(idOf('a'))?.addresses.join();
        t.same(node.absorb(response, request).merged.conflicts, isKept ? [] : [idOf('a')]);
      }
    }
  },
);

t.test('publish replaces the own record and refuses any other', async (t) => {
  const node = nodeOf('self', ['a']);
  t.throws(() => node.publish(signedRecordOf('self', { seq: 1, name: 'same seq' })), RangeError);
  t.throws(() => node.publish(signedRecordOf('a', { seq: 9 })), RangeError);
  node.publish(signedRecordOf('self', { seq: 2, name: 'new' }));
  t.equal(node.record(idOf('self'))?.name, 'new');
  t.equal(node.exchangeRequest().seqs[idOf('self')], 2);
  t.equal(node.ownSeqHeard, 2);
});

t.test('a removal is final', async (t) => {
  const node = nodeOf('self', ['a', 'b']);
  t.same(remove(node, removalOf('a')).changed, [idOf('a')]);
  t.same(remove(node, removalOf('a')).changed, [], 'again');
  t.same(
    merge(node, signedRecordOf('a', { seq: 1000 })).changed,
    [],
    'a newer record does not bring it back',
  );
  t.ok(node.isRemoved(idOf('a')));
  t.equal(node.status(idOf('a')), undefined);
  t.notOk(node.members().some(({ id }) => id === idOf('a')));
  t.notOk(idOf('a') in node.exchangeRequest().seqs);
  const both = { records: [signedRecordOf('c')], removals: [removalOf('c')] };
  t.same(node.merge(both).changed, [idOf('c')]);
  t.ok(node.isRemoved(idOf('c')), 'also when both come at once');
});

t.test('a removal that is not the CA\u2019s is refused', async (t) => {
  const node = nodeOf('self', ['a']);
  const forged = signRemoval({ v: 1, id: idOf('a'), removed_ms: 5 }, keyOf('a').privateKey);
  t.equal(remove(node, forged, null, {}).refusals.length, 3);
  t.equal(node.status(idOf('a')), 'online');
});

t.test('a node that was removed itself is no member any more, and does not fail', async (t) => {
  const node = nodeOf('self', ['a']);
  remove(node, removalOf('self'));
  t.ok(node.isRemoved(idOf('self')));
  t.same(
    node.members().map(({ id }) => id),
    [idOf('a')],
  );
  t.same(node.exchangeRequest().records, []);
  node.publish(signedRecordOf('self', { seq: 2 }));
  t.equal(node.record(idOf('self')), undefined);
});

t.test('one failed ping is unreachable, three are offline, an answer is online', async (t) => {
  const clock = new Clock();
  const node = nodeOf('self', ['a'], clock);
  const id = idOf('a');
  const steps = ['unreachable', 'unreachable', 'offline', 'offline'];
  t.equal(node.status(id), 'online');
  for (const expected of steps) {
    node.notePingFailed(id);
    t.equal(node.status(id), expected);
  }
  node.noteSeen(id);
  t.equal(node.status(id), 'online');
  node.notePingFailed(id);
  t.equal(node.status(id), 'unreachable', 'the count begins anew');
});

t.test('a failed ping does not refresh when a node was last seen, nor does a record', async (t) => {
  const clock = new Clock();
  const node = nodeOf('self', ['a'], clock);
  t.equal(node.lastSeenMs(idOf('a')), undefined);
  node.noteSeen(idOf('a'));
  const seenMs = clock.ms;
  clock.ms += 5000;
  node.notePingFailed(idOf('a'));
  merge(node, signedRecordOf('a', { seq: 2 }));
  t.equal(node.lastSeenMs(idOf('a')), seenMs);
});

t.test('this node is always online, and strangers are nobody', async (t) => {
  const clock = new Clock();
  const node = nodeOf('self', [], clock);
  for (let ping = 0; ping < 5; ping++) node.notePingFailed(idOf('self'));
  t.equal(node.status(idOf('self')), 'online');
  t.equal(node.lastSeenMs(idOf('self')), clock.ms);
  node.noteSeen(idOf('stranger'));
  node.notePingFailed(idOf('stranger'));
  t.equal(node.status(idOf('stranger')), undefined);
  t.equal(node.members().length, 1);
});

const GRACE_MS = 900_000;
const isHolder = (node: Membership, name: string): boolean =>
  node.holders(GRACE_MS).some(({ id }) => id === idOf(name));

t.test('a node is a holder until it has been offline for longer than the grace', async (t) => {
  const clock = new Clock();
  const node = nodeOf('self', ['a'], clock);
  clock.ms += 10 * GRACE_MS;
  t.ok(isHolder(node, 'a'), 'never having been tried is no absence');
  node.notePingFailed(idOf('a'));
  clock.ms += GRACE_MS * 2;
  node.notePingFailed(idOf('a'));
  t.ok(isHolder(node, 'a'), 'unreachable for long');
  node.notePingFailed(idOf('a'));
  t.notOk(isHolder(node, 'a'), 'offline, and absent since the first failure');
  node.noteSeen(idOf('a'));
  t.ok(isHolder(node, 'a'), 'back');
  for (let ping = 0; ping < 3; ping++) node.notePingFailed(idOf('a'));
  clock.ms += GRACE_MS;
  t.ok(isHolder(node, 'a'), 'exactly the grace');
  clock.ms += 1;
  t.notOk(isHolder(node, 'a'), 'a millisecond more');
});

t.test('newer news of an offline node, told by others, keeps it a holder', async (t) => {
  const clock = new Clock();
  const node = nodeOf('self', ['a'], clock);
  for (let ping = 0; ping < 3; ping++) node.notePingFailed(idOf('a'));
  clock.ms += GRACE_MS + 1;
  t.notOk(isHolder(node, 'a'));
  merge(node, signedRecordOf('a', { seq: 2 }));
  t.ok(isHolder(node, 'a'));
  t.equal(node.status(idOf('a')), 'offline', 'it still does not answer here');
});

t.test('draining, left and removed nodes are no holders; this one is', async (t) => {
  const node = nodeOf('self', ['gone']);
  merge(node, signedRecordOf('d', { status: 'draining' }), signedRecordOf('l', { status: 'left' }));
  remove(node, removalOf('gone'));
  t.same(node.holders(0), [{ id: idOf('self'), capacityBytes: 1000, zone: '' }]);
});

t.test('each online peer has its turn once before anyone twice', async (t) => {
  const names = ['a', 'b', 'c', 'd'];
  for (const random of [() => 0, () => 0.5, () => 0.999_999_9]) {
    const node = nodeOf('self', names, new Clock(), random);
    for (let round = 0; round < 3; round++) {
      const turn = names.map(() => node.randomPeer());
      t.same(turn.sort(), names.map(idOf).sort());
    }
  }
});

t.test('chooses no peer that is absent, has left or was removed, and never itself', async (t) => {
  const node = nodeOf('self', ['a', 'b', 'c']);
  node.randomPeer();
  merge(node, signedRecordOf('c', { seq: 2, status: 'left' }));
  node.notePingFailed(idOf('a'));
  remove(node, removalOf('b'));
  t.equal(node.randomPeer(), undefined, 'nobody is left, also not from turns given before');
  t.equal(node.randomAbsentPeer(), idOf('a'));
  node.noteSeen(idOf('a'));
  t.equal(node.randomPeer(), idOf('a'));
  t.equal(node.randomAbsentPeer(), undefined);
  t.equal(nodeOf('alone').randomPeer(), undefined);
});

t.test('a snapshot brings back members, removals and times, but no pings', async (t) => {
  const clock = new Clock();
  const node = nodeOf('self', ['a', 'b', 'c'], clock);
  node.noteSeen(idOf('a'));
  for (let ping = 0; ping < 3; ping++) node.notePingFailed(idOf('b'));
  remove(node, removalOf('c'));
  const json = JSON.parse(JSON.stringify(node.snapshot()));
  const restored = Membership.restore(optionsOf('self', clock), json);
  t.equal(stateOf(restored), stateOf(node));
  t.equal(restored.lastSeenMs(idOf('a')), clock.ms);
  t.equal(restored.lastSeenMs(idOf('b')), undefined);
  t.equal(restored.status(idOf('b')), 'online', 'to be tried again');
  clock.ms -= 1000;
  t.equal(
    Membership.restore(optionsOf('self', clock), json).lastSeenMs(idOf('a')),
    clock.ms,
    'not in the future',
  );
});

t.test('a damaged snapshot gives what can be used', async (t) => {
  const fine = nodeOf('self', ['a']).snapshot();
  const forged = { ...signedRecordOf('b'), seq: 2 };
  const last_seen = { [idOf('a')]: 'late', [idOf('self')]: 1.5, __proto__: 3, constructor: 4 };
  const node = Membership.restore(optionsOf('self'), {
    ...fine,
    records: [...fine.records, forged, 7],
    last_seen,
  });
  t.equal(node.members().length, 2);
  t.equal(node.lastSeenMs(idOf('a')), undefined);
  for (const json of [undefined, null, 5, 'text', [], { records: 'a', removals: {}, last_seen: null }]) {
    t.equal(Membership.restore(optionsOf('self'), json).members().length, 1);
  }
});

/** News about four nodes, some of it at odds. */
const news = fc.record({
  name: fc.constantFrom('a', 'b', 'c', 'd'),
  seq: fc.integer({ min: 1, max: 3 }),
  clone: fc.boolean(),
  isRemoval: fc.integer({ min: 0, max: 5 }).map((number) => number === 0),
});
const signedNews = new Map<string, SignedRecord | SignedRemoval>();
const sign = ({
  name,
  seq,
  clone,
  isRemoval,
}: {
  name: string;
  seq: number;
  clone: boolean;
  isRemoval: boolean;
}) => {
  const key = isRemoval ? name : `${name} ${seq} ${clone}`;
  const item =
    signedNews.get(key) ?? (isRemoval ? removalOf(name) : signedRecordOf(name, { seq, name: `${clone}` }));
  signedNews.set(key, item);
  return isRemoval ? { records: [], removals: [item] } : { records: [item], removals: [] };
};

holds(
  'no order and no repetition of news changes where a node ends',
  [fc.array(news, { maxLength: 12 }), fc.array(fc.nat({ max: 11 }), { maxLength: 20 })],
  (items, again) => {
    const [forwards, backwards] = [nodeOf('self'), nodeOf('self')];
    for (const item of items) forwards.merge(sign(item));
    for (const item of items.toReversed()) backwards.merge(sign(item));
    for (const index of again) {
      const item = items[index];
      if (item) backwards.merge(sign(item));
    }
    return stateOf(forwards) === stateOf(backwards);
  },
  60,
);
