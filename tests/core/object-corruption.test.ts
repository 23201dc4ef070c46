// Every flipped bit, every truncation and some extensions of a small object of each kind. Source: src/core/object.ts.
import { createHash } from 'node:crypto';
import t from 'tap';
import type { Compression } from '../../src/core/codec.js';
import { encodeManifest } from '../../src/core/manifest.js';
import type { ObjectKind } from '../../src/core/object.js';
import { openPayload } from './forge.js';
import { text } from './samples.js';
import { keys, seal, tryOpen } from './vault-of-tests.js';

interface Sample {
  readonly name: string;
  readonly kind: ObjectKind;
  readonly compression: Compression;
  readonly codecByte: number;
  readonly raw: Uint8Array;
}

const noList = { depth: 0, count: 0, items: [] };
const fields = {
  v: 1,
  kind: 'tree',
  createdMs: 0,
  host: 'host',
  tags: [],
  bytes: 0,
  entryCount: 0,
  chunks: noList,
  entries: noList,
} as const;
const manifest = encodeManifest({ ...fields, name: 'a tree' });
const longName = encodeManifest({ ...fields, name: 'a tree among trees '.repeat(10) });

const samples: readonly Sample[] = [
  { name: 'a stored chunk', kind: 'chunk', compression: 'none', codecByte: 0, raw: text('stored', 21) },
  { name: 'an LZ4 chunk', kind: 'chunk', compression: 'lz4', codecByte: 1, raw: Buffer.alloc(100, 'lz4 ') },
  { name: 'a zstd chunk', kind: 'chunk', compression: 'zstd', codecByte: 2, raw: Buffer.alloc(100, 'zstd ') },
  { name: 'a manifest', kind: 'manifest', compression: 'none', codecByte: 0, raw: manifest },
  { name: 'an LZ4 manifest', kind: 'manifest', compression: 'auto', codecByte: 1, raw: manifest },
  { name: 'a zstd manifest', kind: 'manifest', compression: 'zstd:19', codecByte: 2, raw: longName },
  { name: 'an empty chunk', kind: 'chunk', compression: 'auto', codecByte: 0, raw: Buffer.alloc(0) },
];

const idOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

function* flippedBits(bytes: Buffer): Generator<[bit: number, flipped: Buffer]> {
  for (let bit = 0; bit < bytes.byteLength * 8; bit++) {
    const flipped = Buffer.from(bytes);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    yield [bit, flipped];
  }
}

/** The check that must find a change of this byte when the object is offered under its new SHA-256. */
function expectedCode(byte: number): string {
  if (byte < 4) return 'E_OBJECT_MAGIC';
  return byte < 20 ? 'E_OBJECT_VAULT' : 'E_OBJECT_TAG';
}

for (const { name, kind, compression, codecByte, raw } of samples) {
  const { object, id } = seal(raw, { kind, compression });

  t.test(`${name} is what this test says it is`, async (t) => {
    t.equal(openPayload(Buffer.from(keys.objectKey), object)[1], codecByte, 'its codec');
    const { content, asked } = tryOpen(object, { id, kind });
    t.ok(content?.equals(raw));
    t.same(asked, [raw.byteLength], 'the output is asked for once');
  });

  t.test(`every flipped bit of ${name} is found under its old name`, async (t) => {
    const missed: string[] = [];
    for (const [bit, flipped] of flippedBits(object)) {
      const { code, asked } = tryOpen(flipped, { id, kind });
      const wanted = bit < 32 ? 'E_OBJECT_MAGIC' : bit < 160 ? 'E_OBJECT_VAULT' : 'E_OBJECT_ID';
      if (code !== wanted || asked.length > 0) missed.push(`bit ${bit}: ${code}`);
    }
    t.same(missed, []);
  });

  t.test(`every flipped bit of ${name} is found under a name that fits it`, async (t) => {
    const missed: string[] = [];
    for (const [bit, flipped] of flippedBits(object)) {
      const { code, asked } = tryOpen(flipped, { id: idOf(flipped), kind });
      if (code !== expectedCode(bit >> 3) || asked.length > 0) missed.push(`bit ${bit}: ${code}`);
    }
    t.same(missed, []);
  });

  t.test(`every truncation of ${name} is found, whatever its name`, async (t) => {
    const missed: string[] = [];
    for (let length = 0; length < object.byteLength; length++) {
      const cut = object.subarray(0, length);
      const wanted = length < 78 ? 'E_OBJECT_LENGTH' : undefined;
      const old = tryOpen(cut, { id, kind });
      const renamed = tryOpen(cut, { id: idOf(cut), kind });
      if (old.code !== (wanted ?? 'E_OBJECT_ID')) missed.push(`${length} bytes: ${old.code}`);
      if (renamed.code !== (wanted ?? 'E_OBJECT_TAG'))
        missed.push(`${length} bytes, renamed: ${renamed.code}`);
      if (old.asked.length + renamed.asked.length > 0) missed.push(`${length} bytes: output was asked for`);
    }
    t.same(missed, []);
  });

  t.test(`bytes before, inside or behind ${name} are found, whatever its name`, async (t) => {
    const additions = [Buffer.alloc(1), Buffer.from([1]), Buffer.alloc(16), object.subarray(-16), object];
    for (const addition of additions) {
      for (const at of [0, 52, object.byteLength - 16, object.byteLength]) {
        const longer = Buffer.concat([object.subarray(0, at), addition, object.subarray(at)]);
        const renamed = tryOpen(longer, { id: idOf(longer), kind });
        t.match(renamed.code, /^E_OBJECT_(MAGIC|VAULT|TAG)$/, `${addition.byteLength} bytes at ${at}`);
        t.equal(renamed.asked.length, 0);
        t.match(tryOpen(longer, { id, kind }).code, /^E_OBJECT_(MAGIC|VAULT|ID)$/, 'and under its old name');
      }
    }
  });

  t.test(`every swap of two neighbouring bytes of ${name} is found`, async (t) => {
    const missed: number[] = [];
    for (let at = 0; at + 1 < object.byteLength; at++) {
      if (object[at] === object[at + 1]) continue;
      const swapped = Buffer.from(object);
      swapped.set([object[at + 1] ?? 0, object[at] ?? 0], at);
      if (tryOpen(swapped, { id: idOf(swapped), kind }).code === undefined) missed.push(at);
    }
    t.same(missed, []);
  });
}
