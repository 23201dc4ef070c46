// Sealing and opening. Source: src/core/object.ts.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import type { Compression } from '../../src/core/codec.js';
import type { ObjectKind } from '../../src/core/object.js';
import {
  checkEnvelope,
  MIN_OBJECT_BYTES,
  maxObjectBytes,
  objectBytes,
  openObject,
  Scratch,
  sealObject,
} from '../../src/core/object.js';
import { lz4Codecs, zstdCodecs, zstdDecoders } from './codecs.js';
import { forgeObject, openPayload } from './forge.js';
import { bytes, holds } from './properties.js';
import { contents, noise, text } from './samples.js';
import { padme } from './twins/padme.js';
import { keys, otherVaultId, seal, tryOpen, vaultId } from './vault-of-tests.js';
import { fromHex } from './vectors.js';

const KINDS: readonly ObjectKind[] = ['chunk', 'manifest'];
const COMPRESSIONS: readonly Compression[] = ['auto', 'lz4', 'zstd', 'zstd:1', 'none'];
const objectKey = Buffer.from(keys.objectKey);

t.test('a stored object is byte for byte what FORMAT.md says', async (t) => {
  for (const [index, kind] of KINDS.entries()) {
    for (const length of [0, 1, 20, 21, 1000]) {
      const body = noise('stored', length);
      const salt = noise('salt here', 32);
      const { object, id } = seal(body, { kind, salt, compression: 'none' });
      const forged = forgeObject({ vaultId: fromHex(vaultId), objectKey, salt, body, type: index + 1 });
      t.ok(object.equals(forged), `${kind} of ${length} bytes`);
      t.equal(id, createHash('sha256').update(forged).digest('hex'), 'its id is its SHA-256');
    }
  }
});

t.test('a compressed object holds type, codec, lengths, body and zeros in this order', async (t) => {
  const raw = text('compressed', 5000);
  const payload = openPayload(objectKey, seal(raw, { compression: 'lz4', kind: 'manifest' }).object);
  const bodyLength = payload.readUInt32LE(6);
  t.same([payload[0], payload[1], payload.readUInt32LE(2)], [2, 1, 5000]);
  t.ok(bodyLength < 5000);
  t.equal(payload.byteLength, Number(padme(BigInt(10 + bodyLength))));
  t.ok(
    payload.subarray(10 + bodyLength).every((byte) => byte === 0),
    'padding',
  );
});

t.test('the salt goes into header and key: two salts, two objects', async (t) => {
  const raw = Buffer.from('the same plaintext');
  const [first, second] = [seal(raw, { seed: 1 }), seal(raw, { seed: 2 })];
  t.not(first.id, second.id);
  t.ok(first.object.subarray(20, 52).equals(noise('salt 1', 32)));
  t.notOk(first.object.subarray(52).equals(second.object.subarray(52)));
  t.equal(seal(raw, { seed: 1 }).id, first.id, 'one salt, one object');
});

for (const kind of KINDS) {
  for (const compression of COMPRESSIONS) {
    t.test(`a ${kind} with compression ${compression} comes back, whatever it holds`, async (t) => {
      for (const [name, make] of Object.entries(contents)) {
        for (const length of [0, 1, 2, 13, 100, 32_768, 32_769, 300_000]) {
          const raw = make(length);
          const { object, id } = seal(raw, { kind, compression });
          const { content, code } = tryOpen(object, { id, kind, rawBytes: length });
          if (content?.equals(raw) !== true) t.fail(`${name}, ${length} bytes: ${code}`);
        }
      }
      t.pass('all came back');
    });
  }
}

const pairs = [
  ...lz4Codecs.flatMap((writer) => lz4Codecs.map((reader) => [writer, reader] as const)),
  ...zstdCodecs(3).flatMap((writer) => zstdDecoders.map((reader) => [writer, reader] as const)),
];
for (const [writer, reader] of pairs) {
  t.test(`${reader.name} opens what ${writer.name} has sealed`, async (t) => {
    const raw = text('codecs', 50_000);
    const { object, id } = seal(raw, { compression: 'auto', codec: writer });
    t.equal(openPayload(objectKey, object)[1], writer.byte, 'and it is compressed');
    t.ok(tryOpen(object, { id, codec: reader }).content?.equals(raw));
  });
}

holds(
  'what is sealed comes back',
  [
    bytes(3000),
    fc.constantFrom(...KINDS),
    fc.constantFrom(...COMPRESSIONS),
    fc.constantFrom(...lz4Codecs, ...zstdCodecs(3)),
    fc.nat(),
  ],
  (raw, kind, compression, codec, seed) => {
    const { object, id } = seal(raw, { kind, compression, codec, seed });
    return tryOpen(object, { id, kind, codec, maxRawBytes: raw.byteLength }).content?.equals(raw) === true;
  },
  500,
);

t.test('every compression stores noise as it is', async (t) => {
  const codecByte = (raw: Buffer, compression: Compression): number | undefined =>
    openPayload(objectKey, seal(raw, { compression }).object)[1];
  for (const compression of COMPRESSIONS)
    t.equal(codecByte(noise('n', 100_000), compression), 0, compression);
  t.equal(codecByte(Buffer.alloc(100_000), 'auto'), 1);
  t.equal(codecByte(Buffer.alloc(100_000), 'lz4'), 1);
  t.equal(codecByte(Buffer.alloc(100_000), 'zstd'), 2);
  t.equal(codecByte(Buffer.alloc(100_000), 'none'), 0);
  t.equal(codecByte(Buffer.alloc(1), 'lz4'), 0, 'one byte');
  const little = Buffer.concat([noise('n', 100_000), Buffer.alloc(500)]);
  t.equal(codecByte(little, 'lz4'), 1, 'lz4 always tries');
  t.equal(codecByte(little, 'zstd'), 0, 'zstd goes by the sample');
});

t.test('no object is longer than its plaintext allows', async (t) => {
  for (const length of [0, 1, 100, 65_536, 1 << 20]) {
    const { object } = seal(noise('length', length));
    t.equal(object.byteLength, objectBytes(length), `${length} bytes of noise`);
    t.ok(object.byteLength <= maxObjectBytes(length));
    const padded = Number(padme(BigInt(10 + length)));
    t.equal(object.byteLength, 52 + padded + 16);
  }
  t.equal(seal(Buffer.alloc(0)).object.byteLength, MIN_OBJECT_BYTES);
});

t.test('plaintexts of nearly the same length give objects of the same length', async (t) => {
  const lengths = [1_000_001, 1_002_003, 1_010_000].map((length) => seal(noise(0, length)).object.byteLength);
  t.equal(new Set(lengths).size, 1);
});

t.test('sealing writes only the object, into memory that may be shared', async (t) => {
  const raw = Buffer.from(new SharedArrayBuffer(1000)).fill('shared ');
  const out = new Uint8Array(new SharedArrayBuffer(2000)).fill(0xee);
  const options = { kind: 'chunk', salt: noise('s', 32), compression: 'auto' } as const;
  const { id, length } = sealObject(keys, raw, options, out, new Scratch());
  t.ok(out.subarray(length).every((byte) => byte === 0xee));
  t.ok(tryOpen(out.subarray(0, length), { id }).content?.equals(raw));
});

t.test('the output may be a view of shared memory, and is given back', async (t) => {
  const raw = text('output', 1000);
  const { object, id } = seal(raw);
  const memory = new Uint8Array(new SharedArrayBuffer(2000)).fill(0xee);
  const options = { id, kind: 'chunk', maxRawBytes: 1000 } as const;
  const target = memory.subarray(500, 1500);
  t.equal(
    openObject(keys, object, options, () => target, new Scratch()),
    target,
  );
  t.ok(raw.equals(target));
  t.ok([...memory.subarray(0, 500), ...memory.subarray(1500)].every((byte) => byte === 0xee));
});

t.test('scratch memory is used again by smaller and larger objects', async (t) => {
  const scratch = new Scratch();
  const first = scratch.atLeast(100);
  t.equal(first.byteLength, 100);
  t.equal(scratch.atLeast(50).buffer, first.buffer, 'the same memory for less');
  t.equal(scratch.atLeast(50).byteLength, 50, 'but not more of it than asked for');
  t.not(scratch.atLeast(101).buffer, first.buffer, 'new memory for more');
  for (const length of [5000, 10, 70_000, 0, 300]) {
    const raw = text(length, length);
    const { object, id } = seal(raw, { compression: 'lz4' });
    const options = { id, kind: 'chunk', maxRawBytes: length } as const;
    t.ok(
      openObject(keys, object, options, (size) => Buffer.alloc(size), scratch).equals(raw),
      `${length} bytes`,
    );
  }
});

t.test('an envelope can be checked without a key', async (t) => {
  const { object, id } = seal(Buffer.from('text'));
  const options = { id, kind: 'manifest', maxRawBytes: 4 } as const;
  t.doesNotThrow(() => checkEnvelope({ vaultId }, object, options), 'the kind is under the seal');
  t.throws(() => checkEnvelope({ vaultId: otherVaultId }, object, options), { code: 'E_OBJECT_VAULT' });
  const longer = Buffer.concat([object, Buffer.alloc(1)]);
  t.throws(() => checkEnvelope({ vaultId }, longer, { ...options, maxRawBytes: 5 }), { code: 'E_OBJECT_ID' });
});

t.test('what is asked of an object is checked in the order that FORMAT.md gives', async (t) => {
  const body = Buffer.from('twenty-one bytes here');
  const wrong = {
    vaultId: fromHex(otherVaultId),
    objectKey: noise('wrong key', 32),
    salt: noise('s', 32),
    body,
    magic: 'DSK9',
    type: 7,
    codec: 7,
    rawLength: 99,
    padding: Buffer.from([1]),
  };
  const right = { vaultId: fromHex(vaultId), objectKey, magic: 'DSK1', type: 1, codec: 1, rawLength: 22 };
  const idOf = (object: Buffer): string => createHash('sha256').update(object).digest('hex');
  const steps = [
    ['E_OBJECT_LENGTH', {}, 20],
    ['E_OBJECT_MAGIC', {}, 22],
    ['E_OBJECT_VAULT', { magic: right.magic }, 22],
    ['E_OBJECT_TAG', { magic: right.magic, vaultId: right.vaultId }, 22],
    ['E_OBJECT_TYPE', { ...right, type: 7, codec: 7, rawLength: 99 }, 22],
    ['E_OBJECT_CODEC', { ...right, codec: 7, rawLength: 99 }, 22],
    ['E_OBJECT_SIZES', { ...right, rawLength: 99 }, 22],
    ['E_OBJECT_PADDING', right, 22],
    ['E_OBJECT_BODY', { ...right, padding: Buffer.alloc(1) }, 22],
  ] as const;
  for (const [code, mended, maxRawBytes] of steps) {
    const object = forgeObject({ ...wrong, ...mended });
    t.equal(tryOpen(object, { id: idOf(object), maxRawBytes }).code, code);
  }
});

t.test('a limit above 64 MiB is one of 64 MiB', async (t) => {
  const huge = Buffer.alloc(maxObjectBytes(64 << 20) + 1);
  t.equal(tryOpen(huge, { id: '0'.repeat(64), maxRawBytes: 2 ** 32 }).code, 'E_OBJECT_LENGTH');
});
