// Entries as bytes without a general codec. Sources: src/core/entry-bytes.ts, entry-scan.ts.
import fc from 'fast-check';
import t from 'tap';
import { decodeCbor, encodeCbor } from '../../src/core/cbor.js';
import type { Entry } from '../../src/core/entry.js';
import { decodeEntry, encodeEntry } from '../../src/core/entry.js';
import { EntryEncoder } from '../../src/core/entry-bytes.js';
import { scanEntries } from '../../src/core/entry-scan.js';
import { anyEntry as entry } from './any-entry.js';
import { holds } from './properties.js';

const encoder = new EntryEncoder();
const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

holds('entries encode to the same bytes as through the general codec', [entry], (entry) =>
  same(encoder.encode(entry), encodeCbor(encodeEntry(entry))),
);

holds('what is encoded is decoded to the same entry', [entry], (entry) => {
  const again = decodeEntry(decodeCbor(encoder.encode(entry)));
  return same(encodeCbor(encodeEntry(again)), encodeCbor(encodeEntry(entry)));
});

holds('a scan finds what the entries say', [fc.array(entry, { maxLength: 8 })], (entries) => {
  const encoded = entries.map((each) => encoder.encode(each));
  const scanned = [...scanEntries(Buffer.concat(encoded))];
  return (
    scanned.length === entries.length &&
    scanned.every((found, index) => {
      const { path, mtimeNs, ctimeNs, inode, extents, sizeBytes, type } = entries[index] as Entry;
      const key = Buffer.from(path).toString('latin1').replaceAll('/', '\0');
      const [start, end] = found.extentsAt;
      return (
        same(found.bytes, encoded[index] ?? Buffer.alloc(0)) &&
        found.key === key &&
        found.type === type &&
        found.sizeBytes === sizeBytes &&
        found.mtimeNs === mtimeNs &&
        found.ctimeNs === ctimeNs &&
        found.inode === inode &&
        JSON.stringify(found.extents) === JSON.stringify(extents) &&
        same(found.bytes.subarray(start, end), encoder.encodeExtents(extents))
      );
    })
  );
});

t.test('the encoding of one entry stays what it was when the next is encoded', async (t) => {
  const first = {
    path: 'a',
    type: 'file',
    mode: 0,
    uid: 0,
    gid: 0,
    mtimeNs: 1n,
    sizeBytes: 0,
    extents: [],
  } as const;
  const bytes = encoder.encode(first);
  const before = Buffer.from(bytes);
  encoder.encode({ ...first, path: 'another' });
  t.ok(same(bytes, before));
});

t.test('an entry of the longest path, or of many extents, is encoded like any other', async (t) => {
  const base = { type: 'file', mode: 0, uid: 0, gid: 0, mtimeNs: 1n } as const;
  const extents = Array.from({ length: 3000 }, (_, chunk) => ({ chunk, offset: 0, length: 1 }));
  for (const each of [
    { ...base, path: 'x'.repeat(32_768), sizeBytes: 0, extents: [] },
    { ...base, path: 'many', sizeBytes: 3000, extents },
  ]) {
    t.ok(same(encoder.encode(each), encodeCbor(encodeEntry(each))));
    t.ok(
      same(
        encoder.encodeExtents(each.extents),
        encodeCbor(each.extents.map((e) => [e.chunk, e.offset, e.length])),
      ),
    );
  }
});

t.test('a scan of what is no sequence of entries ends in an error, never beyond the bytes', async (t) => {
  const good = encoder.encode({
    path: 'a/b',
    type: 'file',
    mode: 1,
    uid: 2,
    gid: 3,
    mtimeNs: 4n,
    sizeBytes: 1,
    extents: [{ chunk: 0, offset: 0, length: 1 }],
  });
  for (let length = 1; length < good.byteLength; length++) {
    t.throws(() => [...scanEntries(good.subarray(0, length))], RangeError, `cut at ${length}`);
  }
  for (const bad of [
    Buffer.of(0x80),
    Buffer.of(0xff),
    Buffer.of(0xa1, 0x01, 0x01),
    Buffer.from('bb7fffffffffffffff', 'hex'),
  ]) {
    t.throws(() => [...scanEntries(bad)], RangeError, bad.toString('hex'));
  }
});
