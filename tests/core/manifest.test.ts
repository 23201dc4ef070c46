// Manifests and entries. Source: src/core/manifest.ts.
import fc from 'fast-check';
import t from 'tap';
import { decodeCbor, encodeCbor } from '../../src/core/cbor.js';
import type { Entry, EntryType, Extent } from '../../src/core/entry.js';
import { decodeEntry, encodeEntry } from '../../src/core/entry.js';
import type { PlainId, StoreId } from '../../src/core/ids.js';
import type { ChunkRef } from '../../src/core/list.js';
import { encodeRef } from '../../src/core/list.js';
import type { Manifest } from '../../src/core/manifest.js';
import { decodeManifest, encodeManifest } from '../../src/core/manifest.js';
import { MAX_NAME_BYTES, MAX_TAGS } from '../../src/limits.js';
import { holds } from './properties.js';

const hexId = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes).toString('hex'));
const references: fc.Arbitrary<ChunkRef> = fc.record({
  storeId: hexId.map((id) => id as StoreId),
  plainId: hexId.map((id) => id as PlainId),
  rawBytes: fc.nat({ max: 64 << 20 }),
});

const names = fc.string({ unit: 'grapheme', maxLength: 40 });
const part = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  .filter((text) => !/[/\0]/.test(text) && !/^\.\.?$/.test(text));
const textPaths = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('/'));
const bytePaths = fc
  .uint8Array({ minLength: 1, maxLength: 40 })
  .map((bytes) => Uint8Array.from(bytes, (byte) => (byte === 0 || byte === 0x2f ? 0xff : byte)))
  .filter((bytes) => !/^\.\.?$/.test(Buffer.from(bytes).toString('latin1')));
const paths = fc.oneof(textPaths, bytePaths);

const extents: fc.Arbitrary<Extent> = fc.record({
  chunk: fc.nat(),
  offset: fc.nat({ max: 64 << 20 }),
  length: fc.nat(),
});

const types = fc.constantFrom<EntryType>(
  'file',
  'directory',
  'symlink',
  'hardlink',
  'fifo',
  'block',
  'character',
);

const entries: fc.Arbitrary<Entry> = fc
  .record(
    {
      path: paths,
      type: types,
      mode: fc.nat({ max: 0o7777 }),
      uid: fc.nat({ max: 0xffff_ffff }),
      gid: fc.nat({ max: 0xffff_ffff }),
      mtimeNs: fc.bigInt({ min: -(2n ** 62n), max: 2n ** 63n }),
      extents: fc.array(extents, { maxLength: 5 }),
      target: paths,
      xattrs: fc.dictionary(fc.string(), fc.uint8Array()).map((all) => new Map(Object.entries(all))),
    },
    { requiredKeys: ['path', 'type', 'mode', 'uid', 'gid', 'mtimeNs', 'extents'] },
  )
  .map((entry) => ({ ...entry, sizeBytes: entry.extents.reduce((sum, { length }) => sum + length, 0) }));

const manifests: fc.Arbitrary<Manifest> = fc
  .record({
    v: fc.constant(1 as const),
    name: names,
    createdMs: fc.maxSafeNat(),
    host: names,
    tags: fc.array(names, { maxLength: MAX_TAGS }),
    bytes: fc.maxSafeNat(),
    refs: fc.array(references, { maxLength: 5 }),
    depth: fc.nat({ max: 5 }),
    count: fc.maxSafeNat(),
    all: fc.array(entries, { maxLength: 3 }),
  })
  .map(({ refs, depth, count, all, ...rest }) => ({
    ...rest,
    kind: all.length === 1 ? 'file' : 'tree',
    entryCount: all.length,
    chunks: { depth, count: depth === 0 ? refs.length : count, items: refs.map(encodeRef) },
    entries: { depth: 0, count: all.length, items: all.map(encodeEntry) },
  }));

/** Comparable: maps, bytes and bigints as what they are written as. */
const written = (manifest: Manifest): Buffer => Buffer.from(encodeManifest(manifest));

holds(
  'a manifest is read back as it was',
  [manifests],
  (manifest) => {
    const decoded = decodeManifest(encodeManifest(manifest));
    const { chunks, entries: _, ...plain } = manifest;
    const { chunks: decodedChunks, entries: decodedEntries, ...decodedPlain } = decoded;
    return (
      written(decoded).equals(written(manifest)) &&
      fc.stringify(decodedPlain) === fc.stringify({ ...decodedPlain, ...plain }) &&
      decodedChunks.depth === chunks.depth &&
      decodedChunks.count === chunks.count &&
      decodedEntries.items.length === manifest.entryCount
    );
  },
  100,
);

holds(
  'an entry is read back as it was',
  [entries],
  (entry) => {
    const encoded = encodeCbor(encodeEntry(entry));
    const decoded = decodeEntry(decodeCbor(encoded));
    return (
      Buffer.from(encodeCbor(encodeEntry(decoded))).equals(encoded) &&
      decoded.mtimeNs === entry.mtimeNs &&
      decoded.sizeBytes === entry.sizeBytes &&
      typeof decoded.path === typeof entry.path &&
      Buffer.from(decoded.path as string).equals(Buffer.from(entry.path as string)) &&
      (decoded.target === undefined) === (entry.target === undefined) &&
      (decoded.xattrs?.size ?? -1) === (entry.xattrs?.size ?? -1)
    );
  },
  300,
);

const plain: Manifest = {
  v: 1,
  kind: 'tree',
  name: 'a name',
  createdMs: 1_700_000_000_000,
  host: 'host',
  tags: ['one', 'two'],
  bytes: 7,
  entryCount: 0,
  chunks: { depth: 0, count: 0, items: [] },
  entries: { depth: 0, count: 0, items: [] },
};
const decodeChanged = (changes: Partial<Manifest>) => () =>
  decodeManifest(encodeManifest({ ...plain, ...changes }));

t.test('names, hosts and tags may be as long as the limit in UTF-8, and not a byte longer', async (t) => {
  const longest = `${'ä'.repeat(MAX_NAME_BYTES / 2 - 1)}xx`;
  for (const [field, wrap] of [
    ['name', (text: string) => ({ name: text })],
    ['host', (text: string) => ({ host: text })],
    ['tags', (text: string) => ({ tags: ['short', text] })],
  ] as const) {
    t.doesNotThrow(decodeChanged(wrap(longest)), `${field}: the longest`);
    t.throws(decodeChanged(wrap(`${longest}x`)), { code: 'E_MANIFEST_INVALID' }, `${field}: one byte more`);
  }
});

t.test('there may be as many tags as the limit, and not one more', async (t) => {
  t.doesNotThrow(decodeChanged({ tags: Array(MAX_TAGS).fill('t') }));
  t.throws(decodeChanged({ tags: Array(MAX_TAGS + 1).fill('t') }), { code: 'E_MANIFEST_INVALID' });
});

t.test('an entry with a bad path is not written either', async (t) => {
  const entry: Entry = {
    path: '../b',
    type: 'file',
    mode: 0,
    uid: 0,
    gid: 0,
    mtimeNs: 0n,
    sizeBytes: 0,
    extents: [],
  };
  t.throws(() => encodeEntry(entry), { code: 'E_MANIFEST_PATH' });
});

t.test('a refusal names what was refused', async (t) => {
  t.throws(decodeChanged({ kind: 'folder' as 'file' }), {
    message: 'manifest: kind: expected one of file, tree',
  });
  t.throws(decodeChanged({ v: 2 as 1 }), { message: 'manifest: version: expected 1, got 2' });
  t.throws(decodeChanged({ entryCount: 3 }), { message: 'manifest: entries: expected 3, got 0' });
});

holds(
  'every truncation and every changed byte of a manifest is refused or is another manifest',
  [manifests, fc.nat(), fc.nat({ max: 255 })],
  (manifest, at, byte) => {
    const changed = written(manifest);
    changed[at % changed.byteLength] = byte;
    for (const bytes of [changed, changed.subarray(0, at % changed.byteLength)]) {
      try {
        if (!written(decodeManifest(bytes)).equals(bytes)) return false;
      } catch (error) {
        if ((error as { name?: string }).name !== 'DisktroError') return false;
      }
    }
    return true;
  },
  300,
);
