/**
 * Chunks of the last tree of which little is needed any more: small files shared them, and most have changed or gone.
 * What is left in them is read and stored anew, with its like, so that the old chunk can go with the old trees. This is
 * how space is won back without ever rewriting a manifest, whose id people keep.
 */

import type { Extent } from '../../core/entry.js';
import type { ScannedEntry } from '../../core/entry-scan.js';
import { scanExtents } from '../../core/entry-scan.js';
import type { EncodedList, LoadListChunk } from '../../core/list.js';
import { decodeRef, readList } from '../../core/list.js';
import type { EntryPages } from '../read/entry-pages.js';

/** A chunk is sparse when the tree uses less of it than this share. */
const LEAST_USED = 0.3;

export class SparseChunks {
  /** Bytes of each chunk of the list. */
  readonly #lengths: Float64Array;
  readonly #used: Float64Array;

  /** 16 bytes a chunk. */
  private constructor(chunks: number) {
    this.#lengths = new Float64Array(chunks);
    this.#used = new Float64Array(chunks);
  }

  /** Goes through the lists of a tree once. @throws what reading them throws; RangeError for odd entries */
  static async of(chunks: EncodedList, entries: EntryPages, load: LoadListChunk): Promise<SparseChunks> {
    const found = new SparseChunks(chunks.count);
    let index = 0;
    for await (const item of readList(chunks, load)) found.#lengths[index++] = decodeRef(item).rawBytes;
    const use = (chunk: number, length: number): void => {
      found.#used[chunk] = (found.#used[chunk] ?? 0) + length;
    };
    for await (const page of entries.read()) {
      scanExtents(page, (extents) => found.#eachPart(extents, use));
    }
    return found;
  }

  /** Whether some of a file lies in a chunk that is not worth keeping for it. */
  hold({ extents }: ScannedEntry): boolean {
    let isSparse = false;
    this.#eachPart(extents, (chunk) => {
      isSparse ||= (this.#used[chunk] ?? 0) < LEAST_USED * (this.#lengths[chunk] ?? 0);
    });
    return isSparse;
  }

  /** An extent runs on over as many chunks as it takes. Equal files count once each, so that a chunk is never called sparse wrongly. */
  #eachPart(extents: readonly Extent[], visit: (chunk: number, length: number) => void): void {
    for (const extent of extents) {
      let { chunk, offset, length } = extent;
      for (; length > 0 && chunk < this.#lengths.length; chunk++) {
        const part = Math.min(length, Math.max(0, (this.#lengths[chunk] ?? 0) - offset));
        if (part > 0) visit(chunk, part);
        length -= part;
        offset = Math.max(0, offset - (this.#lengths[chunk] ?? 0));
      }
    }
  }
}
