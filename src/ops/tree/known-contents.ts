/**
 * Which small contents a tree has had already, and where: of 48,000 files in /usr/share and /usr/include every twelfth
 * is the same as another one, 15 % of the bytes. A table of fixed size; what it forgets is stored twice.
 */
import { createHash } from 'node:crypto';
import type { Extent } from '../../core/entry.js';

const SLOTS = 2 ** 18;
/** Of the hash that are compared: enough that no two contents share them. */
const WORDS = 5;

export class KnownContents {
  readonly #hashes = new Uint32Array(SLOTS * WORDS);
  /** Chunk index, offset, length; no length: nothing. */
  readonly #extents = new Uint32Array(SLOTS * 3);

  /** The extent of the same bytes met before, or undefined, after which `learn` may tell where they are. */
  find(hash: Uint32Array): Extent | undefined {
    const slot = slotOf(hash);
    for (let word = 0; word < WORDS; word++) {
      if (this.#hashes[slot * WORDS + word] !== hash[word]) return undefined;
    }
    const [chunk = 0, offset = 0, length = 0] = this.#extents.subarray(slot * 3, slot * 3 + 3);
    return length === 0 ? undefined : { chunk, offset, length };
  }

  learn(hash: Uint32Array, { chunk, offset, length }: Extent): void {
    if (chunk > 0xffff_ffff) return;
    const slot = slotOf(hash);
    this.#hashes.set(hash.subarray(0, WORDS), slot * WORDS);
    this.#extents.set([chunk, offset, length], slot * 3);
  }
}

/** SHA-256, so that nobody can make two contents that pass for one. */
export function contentHash(bytes: Uint8Array): Uint32Array {
  const words = new Uint32Array(8);
  new Uint8Array(words.buffer).set(createHash('sha256').update(bytes).digest());
  return words;
}

function slotOf(hash: Uint32Array): number {
  return (hash[7] ?? 0) % SLOTS;
}
