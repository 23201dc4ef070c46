// Names at rest. Source: src/core/sealed-record.ts.
import fc from 'fast-check';
import t from 'tap';
import type { CborValue } from '../../src/core/cbor.js';
import { nameTag, openRecord, sealRecord } from '../../src/core/sealed-record.js';
import { record as cborRecord, textString } from './cbor-bytes.js';
import { holds } from './properties.js';
import { noise } from './samples.js';
import { seal } from './twins/chacha20-poly1305.js';
import { hkdf } from './twins/hkdf.js';

const key = noise('name key', 32);
const salt = noise('salt', 32);

const records = fc.record({
  name: fc.string({ unit: 'grapheme', maxLength: 200 }),
  host: fc.string({ maxLength: 30 }),
  tags: fc.array(fc.string({ maxLength: 20 }), { maxLength: 5 }),
});

holds(
  'a record comes back',
  [records, fc.nat()],
  (record, seed) => {
    const opened = openRecord(key, sealRecord(key, noise(seed, 32), record)) as Map<string, CborValue>;
    return (
      opened.get('name') === record.name &&
      opened.get('host') === record.host &&
      JSON.stringify(opened.get('tags')) === JSON.stringify(record.tags)
    );
  },
  300,
);

t.test('a record is salt, ciphertext and tag as FORMAT.md says', async (t) => {
  const encoded = cborRecord({ name: textString('a file') });
  const plain = Buffer.alloc(64);
  plain.writeUInt32LE(encoded.byteLength, 0);
  encoded.copy(plain, 4);
  const cipherKey = hkdf(key, salt, 'disktro/v1/record', 32);
  const ciphertext = seal(cipherKey, Buffer.alloc(12), Buffer.from('disktro/v1/record'), plain);
  t.ok(sealRecord(key, salt, { name: 'a file' }).equals(Buffer.concat([salt, ciphertext])));
});

t.test('a name is nowhere in its record', async (t) => {
  const sealed = sealRecord(key, salt, { name: 'letter to the lawyer' });
  t.notOk(sealed.includes('letter'));
  t.notOk(sealed.includes('name'));
});

t.test('names of 1 to 50 bytes give records of one size', async (t) => {
  const sizes = Array.from(
    { length: 50 },
    (_, index) => sealRecord(key, salt, 'n'.repeat(index + 1)).byteLength,
  );
  t.same([...new Set(sizes)], [32 + 64 + 16]);
});

t.test('a record grows by steps of 64 bytes', async (t) => {
  // A text of 24 to 255 bytes takes two bytes more, the length before it four.
  for (const [length, steps] of [
    [0, 1],
    [58, 1],
    [59, 2],
    [122, 2],
    [123, 3],
    [2000, 32],
  ] as const) {
    t.equal(sealRecord(key, salt, 'n'.repeat(length)).byteLength, 48 + steps * 64, `${length} bytes`);
  }
});

t.test('one name under two salts gives two records', async (t) => {
  t.notOk(sealRecord(key, salt, 'name').equals(sealRecord(key, noise('other', 32), 'name')));
});

t.test('every flipped bit and every truncation is found', async (t) => {
  const sealed = sealRecord(key, salt, { name: 'a file', host: 'host', tags: [] });
  const missed: string[] = [];
  const check = (what: string, bytes: Buffer): void => {
    try {
      openRecord(key, bytes);
      missed.push(what);
    } catch (error) {
      if ((error as { code?: string }).code !== 'E_CATALOG_CORRUPT') missed.push(`${what}: ${error}`);
    }
  };
  for (let bit = 0; bit < sealed.byteLength * 8; bit++) {
    const flipped = Buffer.from(sealed);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    check(`bit ${bit}`, flipped);
  }
  for (let length = 0; length < sealed.byteLength; length++)
    check(`${length} bytes`, sealed.subarray(0, length));
  check('one byte more', Buffer.concat([sealed, Buffer.alloc(1)]));
  check('64 bytes more', Buffer.concat([sealed, Buffer.alloc(64)]));
  t.same(missed, []);
});

t.test('another key does not open it', async (t) => {
  const sealed = sealRecord(key, salt, 'name');
  t.throws(() => openRecord(noise('other', 32), sealed), { name: 'DisktroError', code: 'E_CATALOG_CORRUPT' });
});

t.test('a tag is of the exact name under the vault', async (t) => {
  t.equal(nameTag(key, 'a').byteLength, 16);
  t.same(nameTag(key, 'a'), nameTag(key, 'a'));
  const tags = [nameTag(key, 'a'), nameTag(key, 'A'), nameTag(key, 'a '), nameTag(noise('other', 32), 'a')];
  t.equal(new Set(tags.map((tag) => tag.toString('hex'))).size, 4);
});
