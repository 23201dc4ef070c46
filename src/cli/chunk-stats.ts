/** The sums of one `chunk`, as one line for logs and for programs that watch them. */
import type { ChunkResult } from '../ops/chunk/chunk.js';
import type { Output } from './output.js';

export class ChunkStats {
  readonly #startedMs = performance.now();
  readonly #sums = { files: 0, bytes: 0, new: 0, stored: 0 };

  /** @param files how many files the result is of: one, but for a tree */
  add({ bytes, newChunks, storedBytes }: ChunkResult, files = 1): void {
    this.#sums.files += files;
    this.#sums.bytes += bytes;
    this.#sums.new += newChunks;
    this.#sums.stored += storedBytes;
  }

  /** `stats: files=2 bytes=3000012 new=4 stored=3001216 seconds=0.412`, or the same as JSON. */
  print(output: Output): void {
    const seconds = Math.round(performance.now() - this.#startedMs) / 1000;
    const stats = { ...this.#sums, seconds };
    const words = Object.entries(stats).map(([name, value]) => `${name}=${value}`);
    if (output.isJson) output.event({ stats });
    else output.notice(`stats: ${words.join(' ')}`, {});
  }
}
