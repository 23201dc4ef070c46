// One spelling for each value, and signatures over it. Source: src/net/canonical-json.ts.
import { generateKeyPairSync, sign } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import { canonicalJson, signJson, verifyJson } from '../../src/net/canonical-json.js';
import { holds } from '../core/properties.js';
import { keyOf } from './members.js';

const text = fc.string({ unit: 'grapheme', maxLength: 8 });
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof({ maxDepth: 4 }, tie('leaf'), fc.array(tie('tree'), { maxLength: 3 }), tie('object')),
  object: fc.dictionary(text, tie('tree'), { maxKeys: 4 }),
  leaf: fc.oneof(text, fc.maxSafeInteger(), fc.boolean(), fc.constant(null)),
}));

/** The same value with the keys of every object the other way round. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, item]) => [key, reversed(item)]),
  );
}

holds('the order in which keys were written does not matter', [tree], (value) => {
  return canonicalJson(value) === canonicalJson(reversed(value));
});

holds('it is JSON of the same value, and its own canonical form', [tree], (value) => {
  const written = canonicalJson(value);
  return JSON.stringify(JSON.parse(written)) === written && canonicalJson(JSON.parse(written)) === written;
});

t.test('writes what docs/PROTOCOL.md says', async (t) => {
  const value = { b: [1, -2, 'ü"\n'], a: { z: null, Z: true }, '': 0 };
  t.equal(canonicalJson(value), '{"":0,"a":{"Z":true,"z":null},"b":[1,-2,"ü\\"\\n"]}');
  t.equal(canonicalJson(-0), '0');
  t.equal(canonicalJson(Number.MAX_SAFE_INTEGER), '9007199254740991');
  // By UTF-16 code units, U+10000 (d800 dc00) comes before U+FFFF.
  t.equal(canonicalJson({ '\uffff': 1, '\u{10000}': 2 }), '{"\u{10000}":2,"\uffff":1}');
});

t.test('refuses what has no single spelling', async (t) => {
  const cycle: unknown[] = [];
  cycle.push(cycle);
  const bad: [string, unknown][] = [
    ['a fraction', 0.5],
    ['an integer past 2^53 - 1', 2 ** 53],
    ['not a number', Number.NaN],
    ['infinity', Number.POSITIVE_INFINITY],
    ['undefined', undefined],
    ['an undefined field', { a: undefined }],
    ['a hole', new Array(1)],
    ['a bigint', 1n],
    ['a function', () => 1],
    ['a date', new Date(0)],
    ['bytes', Buffer.from('a')],
    ['a map', new Map()],
    ['a lone surrogate', '\ud800'],
    ['a lone surrogate in a key', { '\udc00': 1 }],
    ['a cycle', cycle],
  ];
  for (const [what, value] of bad) {
    t.throws(() => canonicalJson(value), TypeError, what);
    t.throws(() => canonicalJson({ a: [value] }), TypeError, `${what}, inside`);
  }
});

t.test('takes 32 levels and refuses 33', async (t) => {
  const nested = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels));
  t.equal(canonicalJson(nested(32)).length, 64);
  t.throws(() => canonicalJson(nested(33)), TypeError);
  t.throws(() => canonicalJson(nested(5000)), TypeError);
});

t.test('a key named __proto__ is a key like others', async (t) => {
  const hostile = '{"__proto__":{"polluted":true},"a":1}';
  t.equal(canonicalJson(JSON.parse(hostile)), hostile);
  t.notOk('polluted' in {});
});

const { privateKey, publicKey } = keyOf('one');
const signature = signJson('test', { a: 1 }, privateKey);

t.test('the signature is Ed25519 over the purpose and the canonical form', async (t) => {
  t.equal(signature, sign(null, Buffer.from('disktro/v1/test\n{"a":1}'), privateKey).toString('base64'));
  t.ok(verifyJson('test', { a: 1 }, publicKey, signature));
});

t.test('refuses a signature that is not for this', async (t) => {
  const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  t.notOk(verifyJson('other', { a: 1 }, publicKey, signature), 'another purpose');
  t.notOk(verifyJson('test', { a: 2 }, publicKey, signature), 'another value');
  t.notOk(verifyJson('test', { a: 1, b: 1 }, publicKey, signature), 'a field more');
  t.notOk(verifyJson('test', { a: 1 }, keyOf('two').publicKey, signature), 'another key');
  t.notOk(verifyJson('test', { a: 1 }, p256.publicKey, signature), 'another kind of key');
  t.notOk(verifyJson('test', { a: undefined }, publicKey, signature), 'a value without a canonical form');
  t.notOk(verifyJson('test', { a: 1 }, publicKey, ''), 'no signature');
  t.notOk(verifyJson('test', { a: 1 }, publicKey, `${signature}\n`), 'a second spelling of it');
  t.notOk(verifyJson('test', { a: 1 }, publicKey, signature.replace(/=+$/, '')), 'a third one');
  t.notOk(
    verifyJson('test', { a: 1 }, publicKey, `A${signature.slice(1)}`) && signature[0] !== 'A',
    'a changed one',
  );
});
