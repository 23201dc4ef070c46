// What a node says of itself, and removals. Source: src/net/member-record.ts.
import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import type { NodeId } from '../../src/core/ids.js';
import {
  isSameRecord,
  type MemberRecord,
  signRecord,
  signRemoval,
  verifyRecord,
  verifyRemoval,
} from '../../src/net/member-record.js';
import { nodeIdOf } from '../../src/net/node-id.js';
import { holds } from '../core/properties.js';
import { cluster, keyOf, recordOf, signedRecordOf } from './members.js';

const key = keyOf('one');
const good = signedRecordOf('one');
const refusalOf = (json: unknown): string | undefined => {
  const check = verifyRecord(json, cluster);
  return 'refusal' in check ? check.refusal : undefined;
};
/** Signed by its node, whatever it says. */
const signed = (fields: Record<string, unknown>): unknown =>
  signRecord({ ...recordOf(key), ...fields } as MemberRecord, key.privateKey);

t.test('takes a good record, as a copy', async (t) => {
  const check = verifyRecord(good, cluster);
  t.same(check, { record: good });
  t.not('record' in check && check.record, good);
});

t.test('takes each field at its limit and refuses it past that', async (t) => {
  const address = (length: number): string => `${'h'.repeat(length - 5)}:8081`;
  const cases: [string, unknown[], unknown[]][] = [
    ['v', [1], [0, 2, '1', null]],
    ['name', ['x', 'ü'.repeat(200)], ['', 'x'.repeat(201), 7, null, 'a\nb', 'a\u001b[2J']],
    ['zone', ['', 'z'.repeat(100)], ['z'.repeat(101), null, '\u0000']],
    ['version', ['', 'v'.repeat(50)], ['v'.repeat(51), 2]],
    ['seq', [1, Number.MAX_SAFE_INTEGER], [0, -1, '1', null, [1]]],
    ['capacity', [0, Number.MAX_SAFE_INTEGER], [-1, '0', null]],
    ['free', [0, Number.MAX_SAFE_INTEGER], [-1, '0', null]],
    ['status', ['active', 'draining', 'left'], ['gone', '', null, 1, ['active'], 'toString']],
    [
      'addresses',
      [[], Array(8).fill('a:1'), [address(300)], ['[fe80::1%eth0]:65535', '10.0.0.1:1', 'my-host.local:80']],
      [Array(9).fill('a:1'), [address(301)], 'a:1', null, {}, [null], [['a:1']]],
    ],
  ];
  for (const [field, accepted, refused] of cases) {
    for (const value of accepted)
      t.equal(refusalOf(signed({ [field]: value })), undefined, `${field} is taken`);
    for (const value of refused) {
      t.equal(refusalOf(signed({ [field]: value })), `${field} is not as it should be`, `${field}: ${value}`);
    }
  }
});

t.test('refuses what is no address', async (t) => {
  const bad = [
    'a',
    'a:',
    ':1',
    'a:0',
    'a:65536',
    'a:01',
    'a:99999',
    'a:-1',
    'a:1 ',
    ' a:1',
    'a b:1',
    'a:1\n',
  ];
  const worse = [
    'http://a:1',
    'a/b:1',
    'u@a:1',
    '::1:80',
    '[::1]',
    '[]:80',
    '[a]b]:1',
    'a:1:2',
    'a:1?x',
    'ä:1',
  ];
  for (const address of [...bad, ...worse]) {
    t.equal(refusalOf(signed({ addresses: [address] })), 'addresses is not as it should be', address);
  }
});

t.test('refuses a record without any one of its fields', async (t) => {
  for (const field of Object.keys(good)) {
    const { [field]: _, ...rest } = good as unknown as Record<string, unknown>;
    t.equal(refusalOf(rest), `${field} is not as it should be`, field);
    t.ok(refusalOf({ ...good, [field]: null }), `${field} is null`);
  }
});

t.test('refuses a record that is not of the node it names', async (t) => {
  const other = keyOf('two');
  t.equal(refusalOf(signed({ id: other.id })), 'id is not that of key');
  t.equal(refusalOf(signRecord(recordOf(key), other.privateKey)), 'signature does not fit');
  t.equal(refusalOf({ ...good, seq: 2 }), 'signature does not fit', 'changed after it was signed');
  t.equal(refusalOf({ ...good, extra: 1 }), 'signature does not fit', 'a field more');
  t.equal(
    refusalOf(signed({ certificate: recordOf(other).certificate })),
    'certificate is not of this cluster and key',
  );
  const removal = signRemoval({ v: 1, id: key.id, removed_ms: 1 }, key.privateKey);
  t.equal(refusalOf({ ...good, signature: removal.signature }), 'signature does not fit', 'another purpose');
});

t.test('refuses keys that are not Ed25519, and bytes that are no key', async (t) => {
  const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  for (const spki of [p256.publicKey.export({ type: 'spki', format: 'der' }), Buffer.from('no key')]) {
    const text = spki.toString('base64');
    const refusal = refusalOf({ ...good, id: nodeIdOf(spki), key: text });
    t.match(refusal, text.length > 100 ? /^key is not as/ : /^key is not an Ed25519 key$/);
  }
});

t.test('a field of a later version is kept, because the signature is over it', async (t) => {
  const later = signed({ colour: { of: ['the', 'box'] } });
  t.same(verifyRecord(later, cluster), { record: later });
});

t.test('hostile JSON is harmless', async (t) => {
  const deep = JSON.parse(`${'['.repeat(3000)}${']'.repeat(3000)}`);
  for (const json of [undefined, null, 1, 'record', [], [good], { deep }, { ...good, deep }, new Date(0)]) {
    t.type(refusalOf(json), 'string');
  }
  t.match(
    refusalOf(JSON.parse(`{"__proto__":${JSON.stringify(good)}}`)),
    /not as it should be/,
    'no own fields',
  );
  t.match(refusalOf(Object.create(good)), /plain object/, 'inherited fields');
  const text = JSON.stringify(good).replace('{', '{"__proto__":{"polluted":1},');
  t.equal(refusalOf(JSON.parse(text)), 'signature does not fit');
  t.notOk('polluted' in {});
});

t.test('takes a record of 8 KiB and refuses one byte more', async (t) => {
  const bare = Buffer.byteLength(JSON.stringify(signed({ later: '' })));
  t.equal(refusalOf(signed({ later: 'x'.repeat(8192 - bare) })), undefined);
  t.match(refusalOf(signed({ later: 'x'.repeat(8193 - bare) })), /longer than 8192 bytes/);
});

holds(
  'anything in place of any field is refused, or was the same',
  [fc.constantFrom(...Object.keys(good)), fc.jsonValue()],
  (field, value) => {
    const changed = { ...good, [field]: value };
    return refusalOf(changed) !== undefined || isSameRecord(changed, good);
  },
);

t.test('two records are the same if they say the same', async (t) => {
  t.ok(isSameRecord({ ...good, signature: 'other' }, good));
  t.notOk(isSameRecord({ ...good, name: 'other' }, good));
  for (const json of [undefined, null, [], 'record', { ...good, seq: 0.5 }])
    t.notOk(isSameRecord(json, good));
});

t.test('a removal is taken from the CA alone', async (t) => {
  const [ca, id] = [keyOf('ca'), keyOf('gone').id];
  const removal = signRemoval({ v: 1, id, removed_ms: 1_700_000_000_000 }, ca.privateKey);
  t.same(verifyRemoval(removal, ca.publicKey), { removal });
  const bad: [string, unknown][] = [
    ['signed by a node', signRemoval({ v: 1, id, removed_ms: 1 }, key.privateKey)],
    ['of another node', { ...removal, id: key.id }],
    ['at another time', { ...removal, removed_ms: 1 }],
    ['of a version to come', signRemoval({ ...removal, v: 2 } as never, ca.privateKey)],
    ['of no node', signRemoval({ v: 1, id: '../..' as NodeId, removed_ms: 1 }, ca.privateKey)],
    ['before all time', signRemoval({ v: 1, id, removed_ms: -1 }, ca.privateKey)],
    ['unsigned', { v: 1, id, removed_ms: 1 }],
    ['null', null],
    ['an array', [removal]],
    ['inherited', Object.create(removal)],
  ];
  for (const [what, json] of bad) t.ok('refusal' in verifyRemoval(json, ca.publicKey), what);
});
