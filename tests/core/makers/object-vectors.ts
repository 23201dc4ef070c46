/** The objects in fixtures/vectors/objects.json: a few good ones, and one for each way an object can be wrong. */
import { createHash } from 'node:crypto';
import type { ErrorCode } from '../../../src/errors.js';
import type { Forgery } from '../forge.js';
import { forgeObject, matchBlock, objectCipherKey, zstdFrame } from '../forge.js';
import { hkdf } from '../twins/hkdf.js';
import { readFixture } from '../vectors.js';

export interface ObjectVector {
  readonly name: string;
  /** Hex. */
  readonly object: string;
  /** Offered under this name; SHA-256 of the object unless told. */
  readonly id?: string;
  readonly kind: 'chunk' | 'manifest';
  readonly maxRawBytes: number;
  readonly rawBytes?: number;
  /** Opened with these instead of the file's own. */
  readonly vaultId?: string;
  readonly objectKey?: string;
  /** Hex of what it opens to, or the code it is refused with. */
  readonly content?: string;
  readonly error?: ErrorCode;
}

export interface ObjectVectors {
  readonly vaultId: string;
  readonly objectKey: string;
  readonly vectors: readonly ObjectVector[];
}

const bytesFrom = (first: number, count: number): Buffer =>
  Buffer.from(Array.from({ length: count }, (_, index) => (first + index) & 255));

const vaultId = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
const otherVaultId = Buffer.from('ffeeddccbbaa99887766554433221100', 'hex');
const objectKey = bytesFrom(0x40, 32);
const otherKey = bytesFrom(0x41, 32);
const salt = bytesFrom(0x80, 32);
const otherSalt = bytesFrom(0xa0, 32);
/** Payload of 30 bytes, which Padmé leaves as it is. */
const content = Buffer.from('twenty bytes of text', 'latin1');
/** Payload of 31 bytes, which Padmé makes 32. */
const padded = Buffer.from('twenty-1 bytes inside', 'latin1');
const tail = Buffer.from('at least 12 bytes', 'latin1');
const run = Buffer.concat([Buffer.alloc(19, 'r'), tail]);
const runBlock = matchBlock(Buffer.from('r'), 1, 18, tail);
const runBlocks = [
  { type: 1, bytes: Buffer.from('r'), size: 19 },
  { type: 0, bytes: tail },
];
const longRun = zstdFrame({
  raw: 300,
  sizeField: 2,
  blocks: [{ type: 1, bytes: Buffer.from('r'), size: 300 }],
});
const licence = readFixture('lz4/licence.txt');
const licenceFrame = readFixture('zstd/licence-3.zst');

const make = (forgery: Partial<Forgery> = {}): Buffer =>
  forgeObject({ vaultId, objectKey, salt, body: content, ...forgery });
const good = make();
const header = good.subarray(0, 52);

const flipped = (object: Buffer, at: number, bits = 1): Buffer => {
  const copy = Buffer.from(object);
  const index = at < 0 ? copy.byteLength + at : at;
  copy[index] = (copy[index] ?? 0) ^ bits;
  return copy;
};
const patched = (object: Buffer, at: number, bytes: Buffer): Buffer => {
  const copy = Buffer.from(object);
  bytes.copy(copy, at);
  return copy;
};
const idOf = (object: Buffer): string => createHash('sha256').update(object).digest('hex');

type Options = Partial<Omit<ObjectVector, 'name' | 'object' | 'error'>>;
const vector = (name: string, object: Buffer, rest: Options & { error?: ErrorCode }): ObjectVector => ({
  name,
  object: object.toString('hex'),
  kind: 'chunk',
  maxRawBytes: 1024,
  ...rest,
});
const opens = (name: string, object: Buffer, to: Buffer, options: Options = {}): ObjectVector =>
  vector(name, object, { ...options, content: to.toString('hex') });
const refused =
  (error: ErrorCode) =>
  (name: string, object: Buffer, options: Options = {}): ObjectVector =>
    vector(name, object, { ...options, error });

const goodOnes = (): ObjectVector[] => [
  opens('an empty chunk', make({ body: Buffer.alloc(0) }), Buffer.alloc(0)),
  opens('an empty chunk where nothing more is allowed', make({ body: Buffer.alloc(0) }), Buffer.alloc(0), {
    maxRawBytes: 0,
  }),
  opens('a chunk of one byte', make({ body: Buffer.from('x') }), Buffer.from('x')),
  opens('a stored chunk', good, content),
  opens('a stored chunk of the promised length', good, content, { rawBytes: 20 }),
  opens('a stored chunk exactly as long as allowed', good, content, { maxRawBytes: 20 }),
  opens('a padded chunk', make({ body: padded }), padded),
  opens('a stored manifest', make({ type: 2 }), content, { kind: 'manifest' }),
  opens('a compressed chunk', make({ codec: 1, body: runBlock, rawLength: 36 }), run),
  opens('a compressed manifest', make({ type: 2, codec: 1, body: runBlock, rawLength: 36 }), run, {
    kind: 'manifest',
  }),
  opens('a zstd chunk', make({ codec: 2, body: longRun, rawLength: 300 }), Buffer.alloc(300, 'r')),
  opens(
    'a zstd manifest',
    make({ type: 2, codec: 2, body: longRun, rawLength: 300 }),
    Buffer.alloc(300, 'r'),
    {
      kind: 'manifest',
    },
  ),
  opens(
    'a zstd chunk by the reference tool',
    make({ codec: 2, body: licenceFrame, rawLength: licence.byteLength }),
    licence,
    { maxRawBytes: 2000, rawBytes: licence.byteLength },
  ),
  opens('a chunk whose salt is zero', make({ salt: Buffer.alloc(32) }), content),
];

const withBadEnvelope = (): ObjectVector[] => {
  const length = refused('E_OBJECT_LENGTH');
  const magic = refused('E_OBJECT_MAGIC');
  const vault = refused('E_OBJECT_VAULT');
  const id = refused('E_OBJECT_ID');
  return [
    length('nothing at all', Buffer.alloc(0)),
    length('one byte', Buffer.from('D')),
    length('a header alone', Buffer.from(header)),
    length('one byte less than the shortest object', good.subarray(0, 77)),
    length('more plaintext than allowed', good, { maxRawBytes: 18 }),
    length('one zero byte behind the longest object', Buffer.concat([good, Buffer.alloc(1)]), {
      maxRawBytes: 20,
    }),
    magic('zeros', Buffer.alloc(78)),
    magic('format version 2', make({ magic: 'DSK2' })),
    magic('magic in lower case', make({ magic: 'dsk1' })),
    magic('magic backwards', make({ magic: '1KSD' })),
    magic('a byte missing at the front', good.subarray(1)),
    vault('an object of another vault', make({ vaultId: otherVaultId })),
    vault('vault id zero', make({ vaultId: Buffer.alloc(16) })),
    vault('first bit of the vault id flipped', flipped(good, 4, 0x80)),
    vault('last bit of the vault id flipped', flipped(good, 19)),
    vault('opened under another vault id', good, { vaultId: otherVaultId.toString('hex') }),
    id('the name of another object', good, { id: idOf(make({ salt: otherSalt })) }),
    id('a name of zeros', good, { id: '0'.repeat(64) }),
    id('a flipped ciphertext bit under the old name', flipped(good, 60), { id: idOf(good) }),
    id('a byte behind it under the old name', Buffer.concat([good, Buffer.alloc(1)]), { id: idOf(good) }),
    id('the last byte gone under the old name', good.subarray(0, -1), { id: idOf(good) }),
  ];
};

const withBadTag = (): ObjectVector[] => {
  const tag = refused('E_OBJECT_TAG');
  const ciphertext = good.subarray(52, -16);
  const swapped = Buffer.concat([ciphertext.subarray(15), ciphertext.subarray(0, 15)]);
  const relabelled = patched(good, 4, otherVaultId);
  const forOther = { vaultId: otherVaultId.toString('hex') };
  return [
    tag('opened with another key', good, { objectKey: otherKey.toString('hex') }),
    tag('sealed with another key', make({ objectKey: otherKey })),
    tag('the salt of another object', patched(good, 20, otherSalt)),
    tag('first bit of the salt flipped', flipped(good, 20, 0x80)),
    tag('first bit of the ciphertext flipped', flipped(good, 52, 0x80)),
    tag('last bit of the tag flipped', flipped(good, -1)),
    tag('a tag of zeros', patched(good, good.byteLength - 16, Buffer.alloc(16))),
    tag('ciphertext turned around its middle', patched(good, 52, swapped)),
    tag('the last byte gone', good.subarray(0, -1)),
    tag('the tag gone', make({ body: Buffer.concat([content, tail]) }).subarray(0, -16)),
    tag('a zero byte behind it', Buffer.concat([good, Buffer.alloc(1)])),
    tag('a second tag behind it', Buffer.concat([good, good.subarray(-16)])),
    tag('no associated data', make({ associated: Buffer.alloc(0) })),
    tag('associated data without the salt', make({ associated: Buffer.from(header.subarray(0, 20)) })),
    tag('associated data without the magic', make({ associated: Buffer.from(header.subarray(4)) })),
    tag('moved to another vault with the same key', relabelled, forOther),
    tag('a nonce of one', make({ nonce: bytesFrom(1, 12) })),
    tag('the object key itself as cipher key', make({ cipherKey: objectKey })),
    tag(
      'a cipher key for another purpose',
      make({ cipherKey: hkdf(objectKey, salt, 'disktro/v1/record', 32) }),
    ),
    tag('a cipher key with salt and key exchanged', make({ cipherKey: objectCipherKey(salt, objectKey) })),
  ];
};

const withBadHeader = (): ObjectVector[] => {
  const type = refused('E_OBJECT_TYPE');
  const codec = refused('E_OBJECT_CODEC');
  return [
    type('a chunk offered as a manifest', good, { kind: 'manifest' }),
    type('a manifest offered as a chunk', make({ type: 2 })),
    type('type 0', make({ type: 0 })),
    type('type 3', make({ type: 3 })),
    type('type 255', make({ type: 255 })),
    codec('codec 3', make({ codec: 3 })),
    codec('codec 255', make({ codec: 255 })),
    codec('codec 3 in a manifest', make({ codec: 3, type: 2 }), { kind: 'manifest' }),
  ];
};

const withBadSizes = (): ObjectVector[] => {
  const sizes = refused('E_OBJECT_SIZES');
  const huge = { maxRawBytes: 0xffff_ffff };
  const compressed = { codec: 1, body: runBlock };
  return [
    sizes('a stored body one byte shorter than it says', make({ rawLength: 21 })),
    sizes('a stored body one byte longer than it says', make({ rawLength: 19 })),
    sizes('a stored body that says it is empty', make({ rawLength: 0 })),
    sizes('nothing stored that says it is one byte', make({ body: Buffer.alloc(0), rawLength: 1 })),
    sizes('one byte more than the vault allows', make({ ...compressed, rawLength: 1025 })),
    sizes('one byte more than allowed, which padding hides', good, { maxRawBytes: 19 }),
    sizes('one byte more than 64 MiB', make({ ...compressed, rawLength: (64 << 20) + 1 }), huge),
    sizes('a raw length of 2^32 - 1', make({ ...compressed, rawLength: 0xffff_ffff }), huge),
    sizes('a raw length with the top bit set', make({ ...compressed, rawLength: 0x8000_0000 }), huge),
    sizes('one byte more than promised', good, { rawBytes: 19 }),
    sizes('one byte less than promised', good, { rawBytes: 21 }),
    sizes('a compressed chunk longer than promised', make({ ...compressed, rawLength: 36 }), {
      rawBytes: 35,
    }),
    sizes('something where nothing was promised', good, { rawBytes: 0 }),
    sizes('a body that ends behind the payload', make({ bodyLength: 22, rawLength: 22 })),
    sizes('a body length of 2^32 - 1', make({ bodyLength: 0xffff_ffff })),
    sizes('a body length of zero', make({ bodyLength: 0, rawLength: 0 })),
    sizes('two bytes of padding too many', make({ padding: Buffer.alloc(2) })),
    sizes('padded to a power of two', make({ padding: Buffer.alloc(34) })),
    sizes('a byte of padding missing', make({ body: padded, padding: Buffer.alloc(0) })),
    sizes('a compressed body as long as its plaintext', make({ codec: 1 })),
    sizes('a compressed body longer than its plaintext', make({ codec: 1, rawLength: 19 })),
    sizes(
      'a zstd body as long as its plaintext',
      make({ codec: 2, body: longRun, rawLength: longRun.byteLength }),
    ),
    sizes('a zstd chunk longer than promised', make({ codec: 2, body: longRun, rawLength: 300 }), {
      rawBytes: 299,
    }),
    sizes('a compressed body of nothing', make({ codec: 1, body: Buffer.from([0]), rawLength: 0 })),
  ];
};

const withBadPadding = (): ObjectVector[] => {
  const padding = refused('E_OBJECT_PADDING');
  const long = Buffer.alloc(141, 'p');
  return [
    padding('a one as padding', make({ body: padded, padding: Buffer.from([1]) })),
    padding('the top bit in the padding', make({ body: padded, padding: Buffer.from([128]) })),
    padding('a hidden byte: the body one byte longer than it says', make({ bodyLength: 19, rawLength: 19 })),
    padding(
      'padding whose last byte is not zero',
      make({ body: long, padding: bytesFrom(0, 1 + 8).fill(0, 0, 8) }),
    ),
    padding(
      'padding of a manifest that is not zero',
      make({ body: padded, padding: Buffer.from([7]), type: 2 }),
      {
        kind: 'manifest',
      },
    ),
  ];
};

const withBadBody = (): ObjectVector[] => {
  const body = refused('E_OBJECT_BODY');
  const compressed = (block: Buffer, rawLength: number): Buffer => make({ codec: 1, body: block, rawLength });
  const endless = Buffer.concat([Buffer.from([0xf0]), Buffer.alloc(20, 255)]);
  return [
    body('expands to one byte less than it says', compressed(runBlock, 37)),
    body('expands to one byte more than it says', compressed(runBlock, 35)),
    body('expands to far less than it says', compressed(runBlock, 1024)),
    body('no block at all', compressed(Buffer.alloc(0), 5)),
    body('a single token of nothing', compressed(Buffer.alloc(1), 5)),
    body('a block cut off in its literals', compressed(runBlock.subarray(0, -1), 36)),
    body('a block that ends with a match', compressed(runBlock.subarray(0, 4), 19)),
    body('a block cut off in an offset', compressed(runBlock.subarray(0, 3), 36)),
    body('a match from before the start', compressed(matchBlock(Buffer.from('r'), 2, 18, tail), 36)),
    body('a match from far before the start', compressed(matchBlock(Buffer.from('r'), 0xffff, 18, tail), 36)),
    body('a length that never ends', compressed(endless, 1000)),
    body('noise', compressed(bytesFrom(0x73, 20), 36)),
  ];
};

const withBadZstd = (): ObjectVector[] => {
  const body = refused('E_OBJECT_BODY');
  const compressed = (frame: Buffer, rawLength: number): Buffer => make({ codec: 2, body: frame, rawLength });
  const blocks = [{ type: 1, bytes: Buffer.from('r'), size: 300 }];
  const frame = { raw: 300, sizeField: 2, blocks };
  const bomb = Array.from({ length: 40 }, () => ({ type: 1, bytes: Buffer.from('b'), size: 131_072 }));
  return [
    body('a frame that says one byte less than the object', compressed(longRun, 301)),
    body('a frame that says one byte more than the object', compressed(longRun, 299)),
    body('a frame of one byte less than it says', compressed(zstdFrame({ ...frame, raw: 301 }), 301)),
    body('a frame of one byte more than it says', compressed(zstdFrame({ ...frame, raw: 299 }), 299)),
    body('a frame of 5 MiB that says 300 bytes', compressed(zstdFrame({ ...frame, blocks: bomb }), 300)),
    body('no frame at all', compressed(Buffer.alloc(0), 300)),
    body('an LZ4 block', compressed(runBlock, 36)),
    body('a frame cut off in its block', compressed(longRun.subarray(0, -1), 300)),
    body('a frame without its last block', compressed(zstdFrame({ ...frame, isOpen: true }), 300)),
    body(
      'a frame that does not say its length',
      compressed(zstdFrame({ ...frame, window: 0, sizeField: 0 }), 300),
    ),
    body('a frame with a window of 9 MiB', compressed(zstdFrame({ ...frame, window: 105 }), 300)),
    body(
      'a frame with a checksum',
      compressed(zstdFrame({ ...frame, flags: 4, behind: Buffer.alloc(4) }), 300),
    ),
    body(
      'a frame with a dictionary',
      compressed(zstdFrame({ ...frame, flags: 1, dictionary: Buffer.from([7]) }), 300),
    ),
    body('a byte behind the frame', compressed(Buffer.concat([longRun, Buffer.alloc(1)]), 300)),
    body('two frames', compressed(Buffer.concat([longRun, zstdFrame({ raw: 36, blocks: runBlocks })]), 336)),
    body(
      'a skippable frame in front',
      compressed(Buffer.concat([Buffer.from('502a4d1800000000', 'hex'), longRun]), 300),
    ),
  ];
};

export function objectVectors(): ObjectVectors & { readonly source: string } {
  return {
    source:
      'made by scripts/make-vectors.mjs from docs/FORMAT.md, "Object", by code of its own (tests/core/forge.ts); ' +
      'an object is offered under its SHA-256 unless "id" says otherwise',
    vaultId: vaultId.toString('hex'),
    objectKey: objectKey.toString('hex'),
    vectors: [
      ...goodOnes(),
      ...withBadEnvelope(),
      ...withBadTag(),
      ...withBadHeader(),
      ...withBadSizes(),
      ...withBadPadding(),
      ...withBadBody(),
      ...withBadZstd(),
    ],
  };
}
