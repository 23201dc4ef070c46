/**
 * Finds in the bytes of stored entries what tells whether a file is still the one that was read: 1 µs an entry, where
 * decoding it takes 30. Checks no more than it needs to: whatever looks odd is an entry that is not recognised.
 */
import { ARRAY, BYTES, CborCursor, MAP, TEXT, UNSIGNED } from './cbor-cursor.js';
import type { Extent } from './entry.js';

/** Where an entry lies in a list chunk, and what it says of a file. */
export interface ScannedEntry {
  /** All of the entry. */
  readonly bytes: Uint8Array;
  /** The path's bytes as Latin-1, each `/` as NUL: sorts as manifests do. '' for the root. */
  readonly key: string;
  readonly type: string;
  readonly sizeBytes: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint | undefined;
  readonly inode: bigint | undefined;
  readonly extents: readonly Extent[];
  /** Where the value of `extents` begins and ends in `bytes`. */
  readonly extentsAt: readonly [start: number, end: number];
}

/** The entries of one list chunk. @throws RangeError when it is no sequence of maps with names of text */
export function* scanEntries(bytes: Uint8Array): Generator<ScannedEntry> {
  const reader = new Scanner(bytes);
  while (!reader.isAtEnd) yield reader.entry();
}

/** Tells of each entry of one list chunk where its bytes are, and no more. @throws as {@link scanEntries} */
export function scanExtents(bytes: Uint8Array, tell: (extents: readonly Extent[]) => void): void {
  const cursor = new CborCursor(bytes);
  while (!cursor.isAtEnd) {
    for (let left = cursor.head(MAP); left > 0; left--) {
      if (fieldName(cursor) === EXTENTS) tell(readExtents(cursor));
      else cursor.skip();
    }
  }
}

const field = (name: string): number => name.length * 256 + name.charCodeAt(0);
const PATH = field('path');
const TYPE = field('type');
const SIZE = field('size');
const MTIME = field('mtimeNs');
const CTIME = field('ctimeNs');
const INODE = field('inode');
const EXTENTS = field('extents');

class Scanner {
  readonly #cursor: CborCursor;

  constructor(bytes: Uint8Array) {
    this.#cursor = new CborCursor(bytes);
  }

  get isAtEnd(): boolean {
    return this.#cursor.isAtEnd;
  }

  entry(): ScannedEntry {
    const cursor = this.#cursor;
    const start = cursor.at;
    const fields = cursor.head(MAP);
    const found = {
      key: '',
      type: '',
      sizeBytes: 0,
      mtimeNs: 0n,
      ctimeNs: undefined as bigint | undefined,
      inode: undefined as bigint | undefined,
      extents: [] as readonly Extent[],
      extentsAt: [0, 0] as readonly [number, number],
    };
    for (let field = 0; field < fields; field++) {
      switch (fieldName(cursor)) {
        case PATH:
          found.key = keyOf(this.#string());
          break;
        case TYPE:
          found.type = this.#string();
          break;
        case SIZE:
          found.sizeBytes = cursor.number();
          break;
        case MTIME:
          found.mtimeNs = cursor.integer();
          break;
        case CTIME:
          found.ctimeNs = cursor.integer();
          break;
        case INODE:
          found.inode = cursor.integer();
          break;
        case EXTENTS: {
          const from = cursor.at - start;
          found.extents = readExtents(cursor);
          found.extentsAt = [from, cursor.at - start];
          break;
        }
        default:
          cursor.skip();
      }
    }
    return { ...found, bytes: cursor.bytes.subarray(start, cursor.at) };
  }

  /** Text or bytes, as Latin-1. */
  #string(): string {
    const cursor = this.#cursor;
    const length = cursor.number();
    if (cursor.major !== TEXT && cursor.major !== BYTES) throw new RangeError('not the shape of an entry');
    const start = cursor.at;
    cursor.pass(length);
    return cursor.bytes.toString('latin1', start, cursor.at);
  }
}

/** Length and first letter: that tells the fields of an entry apart without a string for each. */
function fieldName(cursor: CborCursor): number {
  const length = cursor.head(TEXT);
  const name = length * 256 + cursor.bytes.readUInt8(cursor.at);
  cursor.pass(length);
  return name;
}

/** The value of the field `extents`. */
export function readExtents(cursor: CborCursor): readonly Extent[] {
  const extents: Extent[] = [];
  for (let left = cursor.head(ARRAY); left > 0; left--) {
    if (cursor.head(ARRAY) !== 3) throw new RangeError('expected [chunk index, offset, length]');
    extents.push({
      chunk: cursor.head(UNSIGNED),
      offset: cursor.head(UNSIGNED),
      length: cursor.head(UNSIGNED),
    });
  }
  return extents;
}

function keyOf(latin1: string): string {
  if (latin1 === '.') return '';
  return latin1.includes('/') ? latin1.replaceAll('/', '\0') : latin1;
}
