/** The values in fixtures/vectors/manifests.json: a few good ones, and one for each way a manifest can be wrong. */
import type { ErrorCode } from '../../../src/errors.js';
import type { Pair } from '../cbor-bytes.js';
import { byteString, integer, list, map, mapAsGiven, record, textString } from '../cbor-bytes.js';
import type { Runs } from '../vectors.js';

export interface ManifestVector {
  readonly name: string;
  /** What it is read as. */
  readonly as: 'manifest' | 'entry' | 'reference';
  /** Runs of hex digits, each so many times. */
  readonly cbor: Runs;
  /** The code it is refused with; none when it is good. */
  readonly error?: ErrorCode;
}

export interface ManifestVectors {
  readonly vectors: readonly ManifestVector[];
}

type As = ManifestVector['as'];
type Fields = Readonly<Record<string, Buffer>>;

/** Long repetitions of one byte or two are written as such. */
function runs(bytes: Buffer): Runs {
  const found: [string, number][] = [];
  const digits = bytes.toString('hex');
  let rest = 0;
  for (const match of digits.matchAll(/(?<=^(?:..)*)(..(?:..)?)\1{63,}/g)) {
    const [run, unit = ''] = match;
    if (match.index > rest) found.push([digits.slice(rest, match.index), 1]);
    found.push([unit, run.length / unit.length]);
    rest = match.index + run.length;
  }
  if (rest < digits.length || rest === 0) found.push([digits.slice(rest), 1]);
  return found;
}

const good = (name: string, as: As, bytes: Buffer): ManifestVector => ({ name, as, cbor: runs(bytes) });
const refused =
  (as: As, error: ErrorCode) =>
  (name: string, bytes: Buffer): ManifestVector => ({ name, as, cbor: runs(bytes), error });
const bomb = (name: string, as: As, cbor: Runs): ManifestVector => ({
  name,
  as,
  cbor,
  error: 'E_CBOR_INVALID',
});

const hex = (digits: string): Buffer => Buffer.from(digits, 'hex');
const id = (first: number, length = 32): Buffer => byteString(Buffer.alloc(length, first));
const reference = (storeId = id(1), plainId = id(2), rawBytes = integer(20)): Buffer =>
  list(storeId, plainId, rawBytes);

const entryFields: Fields = {
  path: textString('a file.txt'),
  type: textString('file'),
  mode: integer(0o644),
  uid: integer(1000),
  gid: integer(1000),
  mtimeNs: integer(1_700_000_000_123_456_789n),
  size: integer(20),
  extents: list(list(integer(0), integer(0), integer(20))),
};
const entry = (changes: Fields = {}): Buffer => record({ ...entryFields, ...changes });
const withoutEntry = (field: string): Buffer =>
  map(Object.entries(entryFields).filter(([key]) => key !== field));

const manifestFields: Fields = {
  v: integer(1),
  kind: textString('file'),
  name: textString('a file.txt'),
  created: integer(1_700_000_000_000),
  host: textString('host'),
  tags: list(textString('photos')),
  bytes: integer(20),
  entryCount: integer(1),
  chunks: list(integer(0), integer(1), list(reference())),
  entries: list(integer(0), integer(1), list(entry())),
};
const manifest = (changes: Fields = {}): Buffer => record({ ...manifestFields, ...changes });
const manifestPairs = Object.entries(manifestFields);
const withPairs = (...pairs: Pair[]): Buffer => map([...manifestPairs, ...pairs]);
const manyTags = (count: number): Buffer =>
  list(...Array.from({ length: count }, (_, index) => textString(`tag ${index}`)));
const treeOf = (count: number): Fields => ({
  kind: textString('tree'),
  entryCount: integer(count),
  entries: list(integer(0), integer(count), list(...Array.from({ length: count }, () => entry()))),
});

const goodOnes = (): ManifestVector[] => [
  good('a file', 'manifest', manifest()),
  good('a file without a name', 'manifest', manifest({ name: textString('') })),
  good('an empty tree', 'manifest', manifest(treeOf(0))),
  good('a tree of three', 'manifest', manifest(treeOf(3))),
  good('64 tags', 'manifest', manifest({ tags: manyTags(64) })),
  good('a name of 4096 bytes', 'manifest', manifest({ name: textString('n'.repeat(4096)) })),
  good(
    'chunks in a list of depth 5',
    'manifest',
    manifest({ chunks: list(integer(5), integer(9e9), list(reference())) }),
  ),
  good('an entry', 'entry', entry()),
  good('an entry whose path is not UTF-8', 'entry', entry({ path: byteString(hex('ff2ffe')) })),
  good('a path with a part of three dots', 'entry', entry({ path: textString('.../..a/b..') })),
  good('a path of 32 KiB', 'entry', entry({ path: textString('p'.repeat(32 * 1024)) })),
  good('a time before 1970', 'entry', entry({ mtimeNs: integer(-1) })),
  good('an entry of nothing', 'entry', entry({ size: integer(0), extents: list() })),
  good(
    'a symlink',
    'entry',
    entry({ type: textString('symlink'), target: textString('../b'), size: integer(0), extents: list() }),
  ),
  good(
    'an entry with extended attributes',
    'entry',
    entry({ xattrs: record({ 'user.a': byteString(hex('00ff')) }) }),
  ),
  good('a reference', 'reference', reference()),
  good('a reference to 64 MiB', 'reference', reference(id(1), id(2), integer(64 << 20))),
];

const notDeterministic = (): ManifestVector[] => {
  const cbor = refused('manifest', 'E_CBOR_INVALID');
  const backwards = [...manifestPairs].reverse();
  const twice: Pair[] = [['v', integer(1)], ...manifestPairs];
  return [
    cbor('nothing at all', Buffer.alloc(0)),
    cbor('a zero byte behind it', Buffer.concat([manifest(), Buffer.alloc(1)])),
    cbor('a second manifest behind it', Buffer.concat([manifest(), manifest()])),
    cbor('the last byte gone', manifest().subarray(0, -1)),
    cbor('half of it', manifest().subarray(0, manifest().byteLength >> 1)),
    cbor('its fields in another order', mapAsGiven(backwards)),
    cbor('a field twice', mapAsGiven(twice)),
    cbor('a field twice with another value', mapAsGiven([['v', integer(2)], ...manifestPairs])),
    cbor('a version in two bytes', manifest({ v: hex('1801') })),
    cbor('a version in three bytes', manifest({ v: hex('190001') })),
    cbor('a version in five bytes', manifest({ v: hex('1a00000001') })),
    cbor('a version in nine bytes', manifest({ v: hex('1b0000000000000001') })),
    cbor('a version written as 1.0', manifest({ v: hex('f93c00') })),
    cbor('a length of text in two bytes', manifest({ kind: hex('780466696c65') })),
    cbor('a map of indefinite length', Buffer.concat([hex('bf'), manifest().subarray(1), hex('ff')])),
    cbor('tags of indefinite length', manifest({ tags: hex('9fff') })),
    cbor('a name of indefinite length', manifest({ name: hex('7f6161ff') })),
    cbor('a break by itself', hex('ff')),
    cbor('a name that is not UTF-8', manifest({ name: hex('62c328') })),
    cbor('NaN as the size', manifest({ bytes: hex('f97e00') })),
    cbor('infinity as the size', manifest({ bytes: hex('f97c00') })),
    cbor('minus infinity as the size', manifest({ bytes: hex('f9fc00') })),
    cbor('minus zero as the size', manifest({ bytes: hex('f98000') })),
    cbor('a size in a wider float than it needs', manifest({ bytes: hex('fb3ff8000000000000') })),
    cbor('undefined as the host', manifest({ host: hex('f7') })),
    cbor('a simple value as the host', manifest({ host: hex('f8ff') })),
    cbor('a tagged value as the time', manifest({ created: hex('c11a00000000') })),
    cbor('a tagged big number as the size', manifest({ bytes: hex('c24101') })),
    cbor('a reserved kind of length', manifest({ bytes: hex('1c') })),
  ];
};

const bombs = (): ManifestVector[] => [
  bomb('60,000 lists in one another', 'manifest', [
    ['81', 60_000],
    ['00', 1],
  ]),
  bomb('60,000 maps in one another', 'manifest', [
    ['a16161', 60_000],
    ['00', 1],
  ]),
  bomb("60,000 maps as one another's keys", 'manifest', [
    ['a1', 60_000],
    ['00', 60_001],
  ]),
  bomb('60,000 tags in one another', 'manifest', [
    ['c1', 60_000],
    ['00', 1],
  ]),
  bomb('60,000 lists that never end', 'manifest', [['9f', 60_000]]),
  bomb('60,000 lists without an end', 'manifest', [['81', 60_000]]),
  bomb('a list that claims 2^32 - 1 items', 'manifest', [['9affffffff', 1]]),
  bomb('a list that claims 2^63 items', 'manifest', [['9b8000000000000000', 1]]),
  bomb('a map that claims 2^32 - 1 pairs', 'manifest', [['baffffffff', 1]]),
  bomb('a text that claims 2^31 bytes', 'manifest', [['7a80000000', 1]]),
  bomb('bytes that claim 2^53 bytes', 'manifest', [['5b0020000000000000', 1]]),
  bomb('bytes that claim 2^64 - 1 bytes', 'manifest', [['5bffffffffffffffff', 1]]),
  bomb('a list of lists that each claim 2^32 - 1 items', 'manifest', [['9affffffff', 10_000]]),
];

const badManifests = (): ManifestVector[] => {
  const invalid = refused('manifest', 'E_MANIFEST_INVALID');
  const missing = Object.keys(manifestFields).filter((key) => key !== 'chunks' && key !== 'entries');
  return [
    invalid('a number', integer(1)),
    invalid('a list', list()),
    invalid('an empty map', map([])),
    ...missing.map((field) =>
      invalid(`${field} missing`, map(manifestPairs.filter(([key]) => key !== field))),
    ),
    invalid('version 0', manifest({ v: integer(0) })),
    invalid('version 2', manifest({ v: integer(2) })),
    invalid('version "1"', manifest({ v: textString('1') })),
    invalid('an unknown field', withPairs(['extra', integer(1)])),
    invalid('a field named __proto__', withPairs(['__proto__', map([])])),
    invalid('a field named constructor', withPairs(['constructor', integer(1)])),
    invalid('a field whose name is a number', withPairs([integer(7), integer(1)])),
    invalid('a field whose name is a number of 64 bits', withPairs([integer(2n ** 63n), integer(1)])),
    invalid('a field whose name is bytes', withPairs([byteString(hex('76')), integer(1)])),
    invalid('a field whose name is null', withPairs([hex('f6'), integer(1)])),
    invalid('a kind that does not exist', manifest({ kind: textString('folder') })),
    invalid('a kind that every object has', manifest({ kind: textString('toString') })),
    invalid('a name that is bytes', manifest({ name: byteString(hex('61')) })),
    invalid('a name of 4097 bytes', manifest({ name: textString('n'.repeat(4097)) })),
    invalid('a name of 2049 letters of two bytes', manifest({ name: textString('ä'.repeat(2049)) })),
    invalid('a host of 4097 bytes', manifest({ host: textString('h'.repeat(4097)) })),
    invalid('65 tags', manifest({ tags: manyTags(65) })),
    invalid('a tag that is a number', manifest({ tags: list(integer(1)) })),
    invalid('a tag of 4097 bytes', manifest({ tags: list(textString('t'.repeat(4097))) })),
    invalid('a tag of 2049 letters of two bytes', manifest({ tags: list(textString('ä'.repeat(2049))) })),
    invalid('tags that are a map', manifest({ tags: map([]) })),
    invalid('a time before 1970', manifest({ created: integer(-1) })),
    invalid('a time past 2^53', manifest({ created: integer(2n ** 53n) })),
    invalid('a size of one and a half', manifest({ bytes: hex('f93e00') })),
    invalid('a size below zero', manifest({ bytes: integer(-20) })),
    invalid('a size of null', manifest({ bytes: hex('f6') })),
    invalid('an entry count that is not that of the entries', manifest({ entryCount: integer(2) })),
    invalid('a file of two entries', manifest({ ...treeOf(2), kind: textString('file') })),
    invalid('a file of no entry', manifest({ ...treeOf(0), kind: textString('file') })),
  ];
};

const badLists = (): ManifestVector[] => {
  const invalid = refused('manifest', 'E_LIST_INVALID');
  const chunks = (...parts: Buffer[]): Buffer => manifest({ chunks: list(...parts) });
  const items = list(reference());
  return [
    invalid('chunks missing', map(manifestPairs.filter(([key]) => key !== 'chunks'))),
    invalid('entries missing', map(manifestPairs.filter(([key]) => key !== 'entries'))),
    invalid('chunks that are null', manifest({ chunks: hex('f6') })),
    invalid('a list without items', chunks(integer(0), integer(0))),
    invalid('a list of four parts', chunks(integer(0), integer(1), items, integer(0))),
    invalid('a list of depth 6', chunks(integer(6), integer(1), items)),
    invalid('a list of depth -1', chunks(integer(-1), integer(1), items)),
    invalid('a list of depth one and a half', chunks(hex('f93e00'), integer(1), items)),
    invalid('a list of depth 2^63', chunks(integer(2n ** 63n), integer(1), items)),
    invalid('a list that counts one item too many', chunks(integer(0), integer(2), items)),
    invalid('a list that counts one item too few', chunks(integer(0), integer(0), items)),
    invalid('a list that counts -1 items', chunks(integer(1), integer(-1), items)),
    invalid('a list that counts 2^53 items', chunks(integer(1), integer(2n ** 53n), items)),
    invalid('items that are a map', chunks(integer(0), integer(0), map([]))),
    invalid('items that are bytes', chunks(integer(0), integer(3), byteString(hex('000000')))),
  ];
};

const badReferences = (): ManifestVector[] => {
  const invalid = refused('reference', 'E_LIST_INVALID');
  return [
    invalid('a reference that is null', hex('f6')),
    invalid('a reference of two parts', list(id(1), id(2))),
    invalid('a reference of four parts', list(id(1), id(2), integer(1), integer(1))),
    invalid('a store id of 31 bytes', reference(id(1, 31))),
    invalid('a store id of 33 bytes', reference(id(1, 33))),
    invalid('a store id in hex', reference(textString('01'.repeat(32)))),
    invalid('a plain id of 31 bytes', reference(id(1), id(2, 31))),
    invalid('a plain id that is null', reference(id(1), hex('f6'))),
    invalid('a length of -1', reference(id(1), id(2), integer(-1))),
    invalid('a length of 64 MiB + 1', reference(id(1), id(2), integer((64 << 20) + 1))),
    invalid('a length of 2^64 - 1', reference(id(1), id(2), integer(2n ** 64n - 1n))),
    invalid('a length of one and a half', reference(id(1), id(2), hex('f93e00'))),
  ];
};

const badPaths = (): ManifestVector[] => {
  const path = refused('entry', 'E_MANIFEST_PATH');
  const at = (name: string, text: string): ManifestVector => path(name, entry({ path: textString(text) }));
  return [
    at('an empty path', ''),
    at('a path of ..', '..'),
    at('a path of .', '.'),
    at('a path out of its folder', '../b'),
    at('a path out of its folder further down', 'a/../../b'),
    at('a path that ends in ..', 'a/..'),
    at('a path with a part of one dot', 'a/./b'),
    at('an absolute path', '/etc/passwd'),
    at('a path of a slash', '/'),
    at('a path with an empty part', 'a//b'),
    at('a path with a slash behind it', 'a/'),
    at('a path with NUL in it', 'a\0b'),
    at('a path of NUL', '\0'),
    at('a path of 32 KiB + 1', 'p'.repeat(32 * 1024 + 1)),
    path('bytes that lead out of the folder', entry({ path: byteString(Buffer.from('../b')) })),
    path('bytes with NUL among them', entry({ path: byteString(hex('ff00ff')) })),
    path('bytes from the root', entry({ path: byteString(Buffer.from('/b')) })),
    path('no bytes', entry({ path: byteString(Buffer.alloc(0)) })),
  ];
};

const badEntries = (): ManifestVector[] => {
  const invalid = refused('entry', 'E_MANIFEST_INVALID');
  const extent = (...parts: Buffer[]): Buffer => entry({ extents: list(list(...parts)) });
  return [
    invalid('an entry that is a list', list()),
    ...Object.keys(entryFields).map((field) => invalid(`an entry without ${field}`, withoutEntry(field))),
    invalid('an entry with an unknown field', entry({ colour: integer(1) })),
    invalid('a device of one number', entry({ device: list(integer(1)) })),
    invalid('a device number of 2^32', entry({ device: list(integer(1), integer(2 ** 32)) })),
    invalid('a user that is bytes', entry({ user: byteString(hex('61')) })),
    invalid('a time of birth that is text', entry({ btimeNs: textString('1') })),
    invalid('an inode that is text', entry({ inode: textString('1') })),
    invalid(
      'an entry with a field named __proto__',
      map([...Object.entries(entryFields), ['__proto__', integer(1)]]),
    ),
    invalid('an entry of a type that does not exist', entry({ type: textString('socket') })),
    invalid('a mode of 0o10000', entry({ mode: integer(0o10000) })),
    invalid('a mode below zero', entry({ mode: integer(-1) })),
    invalid('a uid of 2^32', entry({ uid: integer(2 ** 32) })),
    invalid('a gid of 2^32', entry({ gid: integer(2 ** 32) })),
    invalid('a time that is a float', entry({ mtimeNs: hex('f93e00') })),
    invalid('a path that is a number', entry({ path: integer(1) })),
    invalid('a size that the extents do not reach', entry({ size: integer(21) })),
    invalid('a size that the extents pass', entry({ size: integer(19) })),
    invalid('a size without extents', entry({ extents: list() })),
    invalid('extents that are null', entry({ extents: hex('f6') })),
    invalid('an extent of two parts', extent(integer(0), integer(20))),
    invalid('an extent of four parts', extent(integer(0), integer(0), integer(20), integer(0))),
    invalid('an extent of chunk -1', extent(integer(-1), integer(0), integer(20))),
    invalid('an extent from offset -1', extent(integer(0), integer(-1), integer(20))),
    invalid('an extent that is null', entry({ extents: list(hex('f6')) })),
    invalid('an extent of a float', extent(hex('f93e00'), integer(0), integer(20))),
    invalid(
      'extents whose lengths cancel out',
      entry({
        extents: list(list(integer(0), integer(0), integer(40)), list(integer(0), integer(0), integer(-20))),
      }),
    ),
    invalid('a target that is a number', entry({ target: integer(1) })),
    invalid('extended attributes that are a list', entry({ xattrs: list() })),
    invalid('an extended attribute that is text', entry({ xattrs: record({ a: textString('b') }) })),
    invalid(
      'an extended attribute whose name is a number',
      entry({ xattrs: map([[integer(1), byteString(hex('00'))]]) }),
    ),
  ];
};

export function manifestVectors(): ManifestVectors & { readonly source: string } {
  return {
    source:
      'made by scripts/make-vectors.mjs from docs/FORMAT.md, "Manifest" and "Lists", by code of its own ' +
      '(tests/core/cbor-bytes.ts); "cbor" is runs of [hex digits, how many times]',
    vectors: [
      ...goodOnes(),
      ...notDeterministic(),
      ...bombs(),
      ...badManifests(),
      ...badLists(),
      ...badReferences(),
      ...badPaths(),
      ...badEntries(),
    ],
  };
}
