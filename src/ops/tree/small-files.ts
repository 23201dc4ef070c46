/**
 * Small files share chunks: they are put one behind another into a run, and a run is one chunk. Where a run ends
 * depends on the names and lengths in it, so an added file changes the chunks around it and no others.
 */

import type { BufferPool } from '../../core/buffer-pool.js';
import { bufferPool } from '../../core/buffer-pool.js';
import type { ChunkSizes } from '../../core/cutter.js';
import type { Extent } from '../../core/entry.js';
import { MAX_UNCOMMITTED } from '../../limits.js';
import type { Place, Step } from './tree-steps.js';

interface Run {
  readonly buffer: Uint8Array;
  /** Taken when the first file is in. */
  place: Place | undefined;
  bytes: number;
}

/** A run that is open must not hold up the list behind its place for ever. */
const MAX_PLACES_BEHIND = MAX_UNCOMMITTED / 4;

export interface Taken {
  readonly extent: Extent;
  /** Whether the run ends behind this file. */
  readonly isEnd: boolean;
}

export class SmallFiles {
  readonly #sizes: ChunkSizes;
  readonly #gear: Uint32Array;
  readonly #buffers: BufferPool;
  readonly #capacity: number;
  #run: Run | undefined;

  /** @param concurrency runs that are stored side by side */
  constructor(sizes: ChunkSizes, gear: Uint32Array, concurrency: number) {
    this.#sizes = sizes;
    this.#gear = gear;
    this.#capacity = Math.min(sizes.max, 2 * sizes.average);
    this.#buffers = bufferPool(concurrency + 1, this.#capacity);
  }

  /** Files of this many bytes and more are chunks of their own. */
  get limitBytes(): number {
    return this.#sizes.min;
  }

  /** Whether the open run has to end before a file of this length, or before the list has grown further. */
  isDone(bytes: number, places: number): boolean {
    const run = this.#run;
    if (run?.place === undefined) return false;
    return run.bytes + bytes >= this.#capacity || places - run.place.index > MAX_PLACES_BEHIND;
  }

  /** Where the next file's bytes go; waits until there is room. */
  async room(): Promise<Uint8Array> {
    this.#run ??= { buffer: await this.#buffers.take(), place: undefined, bytes: 0 };
    return this.#run.buffer.subarray(this.#run.bytes);
  }

  /** Takes what lies at the front of `room`. @param newPlace asked when the run has none yet */
  take(key: string, bytes: number, newPlace: () => Place): Taken {
    const run = this.#run;
    if (run === undefined) throw new TypeError('no run is open');
    run.place ??= newPlace();
    const extent = { chunk: run.place.index, offset: run.bytes, length: bytes };
    run.bytes += bytes;
    return { extent, isEnd: run.bytes >= this.#sizes.min && this.#isBoundary(key, bytes) };
  }

  /** Ends the open run, if there is one. */
  close(): Step | undefined {
    const run = this.#run;
    if (run?.place === undefined) return undefined;
    this.#run = undefined;
    const release = (): void => this.#buffers.give(run.buffer);
    return {
      store: { plaintext: { bytes: run.buffer.subarray(0, run.bytes), release }, place: run.place },
    };
  }

  /** The gear hash of the path's last bytes and the length, with the chance that makes runs of average length. */
  #isBoundary(key: string, bytes: number): boolean {
    let hash = bytes;
    for (let at = Math.max(0, key.length - 32); at < key.length; at++) {
      hash = ((hash << 1) + (this.#gear[key.charCodeAt(at)] ?? 0)) | 0;
    }
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    const perByte = 2 ** 32 / (this.#sizes.average - this.#sizes.min);
    return (hash ^ (hash >>> 13)) >>> 0 < Math.max(1, bytes) * perByte;
  }
}
