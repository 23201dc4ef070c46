// The messages between two memberships. Source: src/net/exchange-message.ts, src/net/membership.ts.
import fc from 'fast-check';
import t from 'tap';
import {
  MAX_CONTACT_REQUESTS,
  MAX_MESSAGE_MEMBERS,
  MAX_MESSAGE_RECORDS,
  readExchange,
} from '../../src/net/exchange-message.js';
import type { SignedRecord, SignedRemoval } from '../../src/net/member-record.js';
import { Membership } from '../../src/net/membership.js';
import { nodeIdOf } from '../../src/net/node-id.js';
import { holds } from '../core/properties.js';

/** Records whose signatures nobody checks here: thousands of them, in no time. */
const recordOf = (number: number, seq = 1): SignedRecord => ({
  v: 1,
  id: nodeIdOf(Buffer.from(`node ${number}`)),
  key: '',
  certificate: '',
  name: `node ${number}`,
  addresses: [],
  seq,
  status: 'active',
  capacity: 1,
  free: 1,
  zone: '',
  version: '',
  signature: '',
});
const removalOf = (number: number): SignedRemoval => ({
  v: 1,
  id: recordOf(number).id,
  removed_ms: 1,
  signature: '',
});
const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

function nodeOf(number: number, records: readonly unknown[], removals: readonly unknown[] = []): Membership {
  const node = new Membership({
    self: recordOf(number),
    now: () => 0,
    random: () => 0,
    verifyRecord: (json) => ({ record: json as SignedRecord }),
    verifyRemoval: (json) => ({ removal: json as SignedRemoval }),
  });
  node.merge({ records, removals });
  return node;
}

/** One contact as it goes over the wire. @returns how many requests it took */
function contact(from: Membership, to: Membership): number {
  let request: ReturnType<Membership['exchangeRequest']> | undefined = from.exchangeRequest();
  let requests = 0;
  const wire = (message: unknown) => {
    const read = readExchange(JSON.parse(JSON.stringify(message)));
    if ('refusal' in read) throw new Error(read.refusal);
    return read.message;
  };
  while (request && requests < MAX_CONTACT_REQUESTS) {
    requests++;
    const { response } = to.answer(wire(request));
    request = from.absorb(wire(response), request).followUp;
  }
  return requests;
}

const stateOf = (node: Membership): string =>
  JSON.stringify([
    node
      .members()
      .map(({ id, seq }) => `${id} ${seq}`)
      .sort(),
    node
      .snapshot()
      .removals.map(({ id }) => id)
      .sort(),
  ]);

const known = fc.array(fc.tuple(fc.integer({ min: 2, max: 9 }), fc.integer({ min: 1, max: 3 })), {
  maxLength: 8,
});
const removed = fc.uniqueArray(fc.integer({ min: 2, max: 9 }), { maxLength: 3 });

holds(
  'after one contact both know what either knew, and a second one has nothing to tell',
  [known, known, removed, removed],
  (mine, theirs, removedHere, removedThere) => {
    const records = (list: readonly [number, number][]) => list.map(([number, seq]) => recordOf(number, seq));
    const here = nodeOf(0, records(mine), removedHere.map(removalOf));
    const there = nodeOf(1, records(theirs), removedThere.map(removalOf));
    contact(here, there);
    return stateOf(here) === stateOf(there) && contact(here, there) === 1 && contact(there, here) === 1;
  },
);

t.test('a contact with nothing to tell is one request without others\u2019 records', async (t) => {
  const [here, there] = [
    nodeOf(
      0,
      range(50).map((n) => recordOf(n)),
    ),
    nodeOf(
      1,
      range(50).map((n) => recordOf(n)),
    ),
  ];
  t.equal(contact(here, there), 1);
  t.same(here.exchangeRequest().records, [recordOf(0)], 'only its own');
});

t.test('thousands of records go over in messages of at most 500', async (t) => {
  const most = MAX_MESSAGE_RECORDS;
  for (const count of [most - 2, most, most + 1, 2 * most + 1]) {
    const numbers = range(count).map((number) => number + 2);
    const full = () =>
      nodeOf(
        0,
        numbers.map((number) => recordOf(number)),
      );
    for (const [from, to] of [
      [full(), nodeOf(1, [])],
      [nodeOf(1, []), full()],
    ] as const) {
      const requests = contact(from, to);
      t.equal(stateOf(from), stateOf(to), `${count} records in ${requests} requests`);
      t.ok(requests <= 5);
    }
  }
  const node = nodeOf(
    0,
    range(3 * most).map((number) => recordOf(number)),
  );
  const { response } = node.answer({ seqs: {}, removed: [], records: [], removals: [] });
  t.equal(response.records.length, most);
});

t.test('thousands of removals go over as well', async (t) => {
  const [here, there] = [
    nodeOf(
      0,
      [],
      range(1200).map((number) => removalOf(number + 2)),
    ),
    nodeOf(1, []),
  ];
  contact(there, here);
  t.equal(stateOf(here), stateOf(there));
});

t.test('a contact ends though the other side takes nothing', async (t) => {
  const here = nodeOf(
    0,
    range(1200).map((number) => recordOf(number)),
  );
  const deaf = {
    answer: () => ({ response: { seqs: {}, removed: [], records: [], removals: [] } }),
  } as unknown as Membership;
  t.ok(contact(here, deaf) <= MAX_CONTACT_REQUESTS);
  t.equal(contact(nodeOf(0, [recordOf(1)]), deaf), 2, 'what was just sent is not sent again');
});

t.test('a record is not offered to who has removed its node, but the removal comes back', async (t) => {
  const [here, there] = [nodeOf(0, [recordOf(5)]), nodeOf(1, [], [removalOf(5)])];
  const request = here.exchangeRequest();
  const { response } = there.answer(request);
  t.same(response.removals, [removalOf(5)]);
  const { followUp } = here.absorb(response, request);
  t.notOk(followUp?.records.some((record) => (record as SignedRecord).id === recordOf(5).id));
  t.ok(here.isRemoved(recordOf(5).id));
});

t.test('an answer does not offer what the asking node has removed', async (t) => {
  const request = { seqs: {}, removed: [recordOf(5).id], records: [], removals: [] };
  const { response } = nodeOf(0, [recordOf(5), recordOf(6)]).answer(request);
  t.same(response.records, [recordOf(0), recordOf(6)]);
});

t.test('refuses messages past their bounds and of other shapes', async (t) => {
  const id = recordOf(1).id;
  const ids = (count: number): string[] => range(count).map((number) => recordOf(number).id);
  t.same(readExchange({}), { message: { seqs: {}, removed: [], records: [], removals: [] } });
  t.ok('message' in readExchange({ records: Array(MAX_MESSAGE_RECORDS).fill(null) }), 'at the bound');
  const bad: [string, unknown][] = [
    ['null', null],
    ['an array', []],
    ['text', 'seqs'],
    ['one record too many', { records: Array(MAX_MESSAGE_RECORDS + 1).fill(null) }],
    ['one removal too many', { removals: Array(MAX_MESSAGE_RECORDS + 1).fill(null) }],
    ['one removed too many', { removed: Array(MAX_MESSAGE_MEMBERS + 1).fill(id) }],
    ['one member too many', { seqs: Object.fromEntries(ids(MAX_MESSAGE_MEMBERS + 1).map((id) => [id, 1])) }],
    ['seqs as an array', { seqs: [1] }],
    ['a seq of 0', { seqs: { [id]: 0 } }],
    ['a fraction', { seqs: { [id]: 1.5 } }],
    ['a seq as text', { seqs: { [id]: '1' } }],
    ['a seq past 2^53', { seqs: { [id]: 2 ** 53 } }],
    ['no node id', { seqs: { constructor: 1 } }],
    ['a prototype', JSON.parse('{"seqs":{"__proto__":1}}')],
    ['records as an object', { records: {} }],
    ['a removed number', { removed: [1] }],
    ['a removed path', { removed: ['../../etc'] }],
  ];
  for (const [what, json] of bad) t.ok('refusal' in readExchange(json), what);
});

t.test('fields that are only inherited do not count', async (t) => {
  const json = JSON.parse('{"__proto__":{"removed":["bad"]}}');
  t.ok('message' in readExchange(json));
});
