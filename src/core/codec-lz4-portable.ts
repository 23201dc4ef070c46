/**
 * LZ4 blocks by lz4js: pure JavaScript, always there.
 * lz4js may start its last match less than 12 bytes before the end, which the LZ4 block specification forbids
 * ("End of block conditions") and the C decoder refuses, so the tail is rewritten here; and it does not check
 * bounds when reading, so a malformed block is found by a walk over its sequences first.
 */
import { createRequire } from 'node:module';
import type library from 'lz4js';
import type { BlockCodec } from './codec.js';
import { CODEC_LZ4 } from './codec.js';

const MIN_MATCH_BYTES = 4;
const MATCH_FREE_TAIL_BYTES = 12;
const HASH_TABLE_WORDS = 1 << 16;
let loaded: { readonly lz4js: typeof library; readonly hashTable: Uint32Array } | undefined;
let spare = new Uint8Array(0);

/** At its first use: loading it costs 3 ms, and where the addon is there is none. */
function load(): NonNullable<typeof loaded> {
  loaded ??= {
    lz4js: createRequire(import.meta.url)('lz4js') as typeof library,
    hashTable: new Uint32Array(HASH_TABLE_WORDS),
  };
  return loaded;
}

export const portableLz4: BlockCodec = {
  name: 'lz4js',
  byte: CODEC_LZ4,
  compress(source, target) {
    const { lz4js, hashTable } = load();
    const bound = lz4js.compressBound(source.byteLength);
    if (spare.byteLength < bound) spare = new Uint8Array(bound);
    hashTable.fill(0);
    const length = lz4js.compressBlock(source, spare, 0, source.byteLength, hashTable);
    const block = length === 0 ? literalsOnly(source, 0, spare, 0) : mendTail(source, spare, length);
    if (block > target.byteLength) return 0;
    target.set(spare.subarray(0, block));
    return block;
  },
  decompress(source, target) {
    if (!isWellFormed(source, target.byteLength)) return -1;
    return load().lz4js.decompressBlock(source, target, 0, source.byteLength, 0);
  },
};

interface Sequence {
  /** Where its token stands in the block, and where the next one does. */
  readonly token: number;
  readonly next: number;
  readonly literals: number;
  readonly matchOffset: number;
  /** 0 for the last sequence, which has no match. */
  readonly matchLength: number;
}

/** Turns what a too late match covers into literals. Returns the new length of the block. */
function mendTail(source: Uint8Array, block: Uint8Array, length: number): number {
  let produced = 0;
  for (let at = 0; at < length; ) {
    const sequence = readSequence(block, at, length);
    if (sequence === undefined) throw new Error('lz4js produced a block that does not parse');
    const matchStart = produced + sequence.literals;
    const isLate = sequence.matchLength > 0 && matchStart > source.byteLength - MATCH_FREE_TAIL_BYTES;
    if (isLate) return literalsOnly(source, produced, block, at);
    produced = matchStart + sequence.matchLength;
    at = sequence.next;
  }
  return length;
}

/** Ends a block with all of `source` from `from` on as literals. Returns the block's length. */
function literalsOnly(source: Uint8Array, from: number, block: Uint8Array, at: number): number {
  const count = source.byteLength - from;
  let write = at;
  block[write++] = Math.min(count, 15) << 4;
  if (count >= 15) {
    let rest = count - 15;
    for (; rest >= 255; rest -= 255) block[write++] = 255;
    block[write++] = rest;
  }
  block.set(source.subarray(from), write);
  return write + count;
}

/** Whether the sequences fill exactly `expected` bytes and never reach outside the block or before its start. */
function isWellFormed(block: Uint8Array, expected: number): boolean {
  let produced = 0;
  for (let at = 0; at < block.byteLength; ) {
    const sequence = readSequence(block, at, block.byteLength);
    if (sequence === undefined) return false;
    produced += sequence.literals;
    if (sequence.matchLength > 0) {
      if (sequence.matchOffset === 0 || sequence.matchOffset > produced) return false;
      produced += sequence.matchLength;
    }
    if (produced > expected) return false;
    at = sequence.next;
    if (sequence.matchLength === 0) return at === block.byteLength && produced === expected;
  }
  return false;
}

function readSequence(block: Uint8Array, token: number, end: number): Sequence | undefined {
  const lengths = block[token] ?? 0;
  const literal = readLength(block, token + 1, end, lengths >> 4);
  if (literal === undefined) return undefined;
  const afterLiterals = literal.next + literal.value;
  if (afterLiterals > end) return undefined;
  if (afterLiterals === end) {
    return { token, next: end, literals: literal.value, matchOffset: 0, matchLength: 0 };
  }
  if (afterLiterals + 2 > end) return undefined;
  const matchOffset = (block[afterLiterals] ?? 0) | ((block[afterLiterals + 1] ?? 0) << 8);
  const match = readLength(block, afterLiterals + 2, end, lengths & 15);
  if (match === undefined) return undefined;
  return {
    token,
    next: match.next,
    literals: literal.value,
    matchOffset,
    matchLength: match.value + MIN_MATCH_BYTES,
  };
}

function readLength(
  block: Uint8Array,
  at: number,
  end: number,
  nibble: number,
): { value: number; next: number } | undefined {
  let value = nibble;
  let next = at;
  if (nibble === 15) {
    let byte: number;
    do {
      if (next >= end) return undefined;
      byte = block[next++] ?? 0;
      value += byte;
    } while (byte === 255);
  }
  return { value, next };
}
