/**
 * A batch of small files, as a reader thread fills it in: the threads share its memory, so nothing is copied between
 * them. What stands in it is numbers and bytes; names and errors go by message.
 */
import type { BigIntStats } from 'node:fs';

/** What an entry is made of, of what `fstat` tells after the file was read. */
export type StatFacts = Pick<
  BigIntStats,
  'mode' | 'uid' | 'gid' | 'rdev' | 'ino' | 'mtimeNs' | 'ctimeNs' | 'birthtimeNs'
>;

export interface SmallContent {
  /** More than the size that was seen when the file has grown meanwhile. */
  readonly bytes: Uint8Array;
  /** SHA-256 of as much of it as was seen; eight words. */
  readonly hash: Uint32Array;
  readonly after: StatFacts;
  /** It was looked for extended attributes, and there are none. */
  readonly isPlain: boolean;
}

export const SLOT_FILES = 64;
export const SLOT_BYTES = 1024 * 1024;

const FACTS = [
  'mode',
  'uid',
  'gid',
  'rdev',
  'ino',
  'mtimeNs',
  'ctimeNs',
  'birthtimeNs',
] as const satisfies readonly (keyof StatFacts)[];
const HASH_WORDS = 8;

/** Room for the contents of up to 64 files, 1 MiB in all. */
export class SmallReadSlot {
  readonly memory: SharedArrayBuffer;
  readonly #facts: BigInt64Array;
  readonly #hashes: Uint32Array;
  readonly #lengths: Uint32Array;
  readonly #plain: Uint8Array;
  readonly #contents: Uint8Array;

  /** @param memory of another thread's slot */
  constructor(memory?: SharedArrayBuffer) {
    const [factBytes, hashBytes, lengthBytes] = [
      SLOT_FILES * FACTS.length * BigInt64Array.BYTES_PER_ELEMENT,
      SLOT_FILES * HASH_WORDS * Uint32Array.BYTES_PER_ELEMENT,
      SLOT_FILES * Uint32Array.BYTES_PER_ELEMENT,
    ] as const;
    const heads = factBytes + hashBytes + lengthBytes + SLOT_FILES;
    this.memory = memory ?? new SharedArrayBuffer(heads + SLOT_BYTES);
    this.#facts = new BigInt64Array(this.memory, 0, SLOT_FILES * FACTS.length);
    this.#hashes = new Uint32Array(this.memory, factBytes, SLOT_FILES * HASH_WORDS);
    this.#lengths = new Uint32Array(this.memory, factBytes + hashBytes, SLOT_FILES);
    this.#plain = new Uint8Array(this.memory, heads - SLOT_FILES, SLOT_FILES);
    this.#contents = new Uint8Array(this.memory, heads, SLOT_BYTES);
  }

  /** Where the bytes of a file go. */
  room(offset: number, bytes: number): Uint8Array {
    return this.#contents.subarray(offset, offset + bytes);
  }

  set(index: number, bytes: number, hash: Uint32Array, after: StatFacts, isPlain: boolean): void {
    this.#lengths[index] = bytes;
    this.#plain[index] = Number(isPlain);
    this.#hashes.set(hash, index * HASH_WORDS);
    for (const [place, name] of FACTS.entries()) this.#facts[index * FACTS.length + place] = after[name];
  }

  /** @param offset as it was given to {@link room} */
  get(index: number, offset: number): SmallContent {
    const fact = (place: number): bigint => this.#facts[index * FACTS.length + place] ?? 0n;
    return {
      bytes: this.room(offset, this.#lengths[index] ?? 0),
      isPlain: this.#plain[index] === 1,
      hash: this.#hashes.subarray(index * HASH_WORDS, (index + 1) * HASH_WORDS),
      after: {
        mode: fact(0),
        uid: fact(1),
        gid: fact(2),
        rdev: fact(3),
        ino: fact(4),
        mtimeNs: fact(5),
        ctimeNs: fact(6),
        birthtimeNs: fact(7),
      },
    };
  }
}
