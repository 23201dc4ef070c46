// SHA-256, HMAC and HKDF. Source: src/core/hashes.ts. Vectors: rfc4231.json, rfc5869.json.
import fc from 'fast-check';
import t from 'tap';
import { equalInConstantTime, hkdf, hmacSha256, sha256, sha256Hex } from '../../src/core/hashes.js';
import { bytes, holds } from './properties.js';
import * as twin from './twins/hkdf.js';
import { fromHex, readVectors, toHex } from './vectors.js';

interface HmacVectors {
  readonly cases: readonly { case: number; key: string; data: string; mac: string }[];
}
interface HkdfVectors {
  readonly cases: readonly {
    case: number;
    ikm: string;
    salt: string;
    info: string;
    prk: string;
    okm: string;
  }[];
}

const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const ABC_SHA256 = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';

t.test('SHA-256 is that of FIPS 180', async (t) => {
  t.equal(sha256Hex(Buffer.alloc(0)), EMPTY_SHA256);
  t.equal(sha256Hex(Buffer.from('abc')), ABC_SHA256);
  t.equal(toHex(sha256()), EMPTY_SHA256, 'of no parts');
  t.equal(toHex(sha256(Buffer.from('a'), Buffer.alloc(0), Buffer.from('bc'))), ABC_SHA256, 'of three parts');
});

for (const { case: number, key, data, mac } of readVectors<HmacVectors>('rfc4231').cases) {
  t.test(`HMAC-SHA256 is that of RFC 4231, case ${number}`, async (t) => {
    t.equal(toHex(hmacSha256(fromHex(key), fromHex(data))).slice(0, mac.length), mac);
  });
}

for (const { case: number, ikm, salt, info, prk, okm } of readVectors<HkdfVectors>('rfc5869').cases) {
  t.test(`HKDF-SHA256 is that of RFC 5869, case ${number}`, async (t) => {
    const length = okm.length / 2;
    t.equal(toHex(twin.extract(fromHex(salt), fromHex(ikm))), prk, 'the twin extracts');
    t.equal(toHex(twin.expand(fromHex(prk), fromHex(info), length)), okm, 'the twin expands');
    // The RFC's contexts are no UTF-8; node:crypto takes them as bytes.
    const context = fromHex(info) as unknown as string;
    t.equal(toHex(hkdf(fromHex(ikm), fromHex(salt), context, length)), okm);
  });
}

holds(
  'HKDF of any text is that of the twin',
  [bytes(100), bytes(100), fc.string({ unit: 'grapheme', maxLength: 50 }), fc.integer({ min: 1, max: 300 })],
  (material, salt, info, length) =>
    hkdf(material, salt, info, length).equals(twin.hkdf(material, salt, info, length)),
);

t.test('HKDF gives up to 8,160 bytes', async (t) => {
  const [material, salt] = [Buffer.from('material'), Buffer.from('salt')];
  t.equal(hkdf(material, salt, 'info', 8160).equals(twin.hkdf(material, salt, 'info', 8160)), true);
  t.throws(() => hkdf(material, salt, 'info', 8161));
});

t.test('equality is that of content and length', async (t) => {
  t.equal(equalInConstantTime(Buffer.alloc(0), Buffer.alloc(0)), true);
  t.equal(equalInConstantTime(Buffer.from('ab'), Buffer.from('ab')), true);
  t.equal(equalInConstantTime(Buffer.from('ab'), Buffer.from('ac')), false);
  t.equal(equalInConstantTime(Buffer.from('ab'), Buffer.from('abc')), false, 'shorter');
  t.equal(equalInConstantTime(Buffer.from('abc'), Buffer.from('ab')), false, 'longer');
  t.equal(equalInConstantTime(Buffer.from('ab'), Buffer.alloc(0)), false, 'nothing');
});
