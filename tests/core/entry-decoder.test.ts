// Entries decoded by hand are those of the general way, and what that refuses is refused. Source: src/core/entry-decoder.ts.
import fc from 'fast-check';
import t from 'tap';
import type { CborValue } from '../../src/core/cbor.js';
import { decodeFirstCbor, encodeCbor } from '../../src/core/cbor.js';
import type { Entry } from '../../src/core/entry.js';
import { decodeEntry, encodeEntry } from '../../src/core/entry.js';
import { decodeEntries } from '../../src/core/entry-decoder.js';
import { isDisktroError } from '../../src/errors.js';
import { anyEntry } from './any-entry.js';
import { holds } from './properties.js';

/** What it gives, or the code of what it throws. */
function outcome(entries: () => Iterable<Entry>): string {
  try {
    return Buffer.concat([...entries()].map((entry) => encodeCbor(encodeEntry(entry)))).toString('hex');
  } catch (error) {
    if (isDisktroError(error)) return error.code;
    throw error;
  }
}

/** One after another, so that of two faults the first is told, as it is by hand. */
function* eachInGeneral(bytes: Uint8Array): Generator<Entry> {
  for (let rest = bytes; rest.byteLength > 0; ) {
    const [value, left] = decodeFirstCbor(rest);
    yield decodeEntry(value);
    rest = left;
  }
}

const inGeneral = (bytes: Uint8Array): string => outcome(() => eachInGeneral(bytes));
const byHand = (bytes: Uint8Array): string => outcome(() => decodeEntries(bytes));

const encoded = fc
  .array(anyEntry, { minLength: 1, maxLength: 4 })
  .map((entries) => Buffer.concat(entries.map((entry) => encodeCbor(encodeEntry(entry)))));

holds('entries are those of the general way', [encoded], (bytes) => byHand(bytes) === inGeneral(bytes));

holds(
  'whatever one byte is changed to, or wherever the bytes end, both say the same',
  [encoded, fc.nat(), fc.nat(255), fc.boolean()],
  (bytes, where, byte, isCut) => {
    const at = where % bytes.length;
    const broken = isCut ? bytes.subarray(0, at) : Buffer.from(bytes);
    if (!isCut) broken[at] = byte;
    return byHand(broken) === inGeneral(broken);
  },
  500,
);

const plain = {
  path: 'a',
  type: 'file',
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtimeNs: 1n,
  size: 3,
  extents: [[0, 0, 3]],
} as const;

const odd: readonly (readonly [string, Readonly<Record<string, CborValue>>, string])[] = [
  ['a path upwards', { path: 'a/../b' }, 'E_MANIFEST_PATH'],
  ['a path that begins with a slash', { path: '/a' }, 'E_MANIFEST_PATH'],
  ['a path that ends with one', { path: 'a/' }, 'E_MANIFEST_PATH'],
  ['a path with an empty part', { path: 'a//b' }, 'E_MANIFEST_PATH'],
  ['a path of one dot', { path: '.' }, 'E_MANIFEST_PATH'],
  ['a path with a dot as a part', { path: 'a/./b' }, 'E_MANIFEST_PATH'],
  ['no path', { path: '' }, 'E_MANIFEST_PATH'],
  ['a NUL in a path', { path: 'a\0b' }, 'E_MANIFEST_PATH'],
  ['a path that is too long', { path: 'x'.repeat(32 * 1024 + 1) }, 'E_MANIFEST_PATH'],
  ['a type that is none', { type: 'door' }, 'E_MANIFEST_INVALID'],
  ['more mode than there is', { mode: 0o10000 }, 'E_MANIFEST_INVALID'],
  ['an owner beyond 32 bits', { uid: 2 ** 32 }, 'E_MANIFEST_INVALID'],
  ['a negative size', { size: -1 }, 'E_MANIFEST_INVALID'],
  ['extents that are not the size', { size: 4 }, 'E_MANIFEST_INVALID'],
  ['an unknown field', { colour: 'blue' }, 'E_MANIFEST_INVALID'],
  ['a user of 5,000 letters', { user: 'u'.repeat(5_000) }, 'E_MANIFEST_INVALID'],
  ['names that only look like dots', { path: '..a/.b/c..' }, ''],
  ['a path of letters beyond ASCII', { path: 'süß/\u{1f600}' }, ''],
  ['the letter that stands for what could not be read', { path: 'a\ufffd' }, ''],
];
t.test('what an entry must not say is refused, what looks like it is not', async (t) => {
  for (const [title, fields, code] of odd) {
    const bytes = encodeCbor({ ...plain, ...fields });
    t.equal(byHand(bytes), inGeneral(bytes), title);
    if (code === '') t.match(byHand(bytes), /^a/, title);
    else t.equal(byHand(bytes), code, title);
  }
});

t.test('a number that is longer than it need be is refused', async (t) => {
  const bytes = Buffer.from(encodeCbor(plain));
  const at = bytes.indexOf('size') + 4;
  const long = Buffer.concat([bytes.subarray(0, at), Buffer.from([0x18, 3]), bytes.subarray(at + 1)]);
  t.equal(byHand(long), 'E_CBOR_INVALID');
});

t.test('fields in another order are refused, and a field twice', async (t) => {
  const bytes = Buffer.from(encodeCbor(plain)).toString('latin1');
  const [gid, uid] = ['\x63gid\x00', '\x63uid\x00'];
  t.ok(bytes.includes(gid + uid));
  for (const other of [uid + gid, gid + gid]) {
    t.equal(byHand(Buffer.from(bytes.replace(gid + uid, other), 'latin1')), 'E_CBOR_INVALID');
  }
});
