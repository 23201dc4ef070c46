/**
 * Chunks of the last tree that the new one needs again: each is listed once, at its first use, after a check that its
 * object is still here and is kept from gc.
 */
import type { Extent } from '../../core/entry.js';
import type { ScannedEntry } from '../../core/entry-scan.js';
import type { ChunkRef } from '../../core/list.js';
import type { ChunkWriter } from '../chunk/chunk-writer.js';
import type { PreviousTree } from './previous-tree.js';
import type { Place, Step } from './tree-steps.js';

interface Carried {
  readonly index: number;
  readonly rawBytes: number;
}

/** Chunks that are looked for ahead: each takes a look at the disk, and they are mostly needed in order. */
const LOOKED_AHEAD = 8;
/** Chunks that are remembered as listed; one that is needed again later is listed again. */
const REMEMBERED = 16_384;

export class CarriedChunks {
  readonly #previous: PreviousTree;
  readonly #writer: ChunkWriter;
  readonly #newPlace: () => Place;
  /** By index in the old list. */
  readonly #listed = new Map<number, Carried>();
  readonly #asked = new Map<number, Promise<ChunkRef | undefined>>();

  constructor(previous: PreviousTree, writer: ChunkWriter, newPlace: () => Place) {
    this.#previous = previous;
    this.#writer = writer;
    this.#newPlace = newPlace;
  }

  /** The extents in the new list, when each lies in a chunk that is listed already. */
  known({ extents }: ScannedEntry): readonly Extent[] | undefined {
    const moved: Extent[] = [];
    for (const { chunk, offset, length } of extents) {
      const carried = this.#listed.get(chunk);
      if (carried === undefined || offset + length > carried.rawBytes) return undefined;
      moved.push({ chunk: carried.index, offset, length });
    }
    return moved;
  }

  /** Lists what is not listed yet. @returns the extents in the new list; undefined when a chunk is gone */
  async *carry({ extents }: ScannedEntry): AsyncGenerator<Step, readonly Extent[] | undefined> {
    const moved: Extent[] = [];
    for (const { chunk, offset, length } of extents) {
      let at = offset;
      let left = length;
      let run: { chunk: number; offset: number; length: number; last: number } | undefined;
      for (let old = chunk; left > 0; old++) {
        let carried = this.#listed.get(old);
        if (carried === undefined) {
          const place = await this.#recall(old);
          if (place === undefined) return undefined;
          yield { listed: place.place };
          carried = place.carried;
        }
        const count = Math.min(left, carried.rawBytes - at);
        if (count <= 0) return undefined;
        if (run !== undefined && carried.index === run.last + 1) {
          run.length += count;
          run.last++;
        } else {
          run = { chunk: carried.index, offset: at, length: count, last: carried.index };
          moved.push(run);
        }
        left -= count;
        at = 0;
      }
    }
    return moved;
  }

  async #recall(old: number): Promise<{ place: Place; carried: Carried } | undefined> {
    const asked = this.#ask(old);
    for (let ahead = old + 1; ahead <= old + LOOKED_AHEAD; ahead++) void this.#ask(ahead);
    const known = await asked;
    if (this.#asked.size > 4 * LOOKED_AHEAD) this.#asked.clear();
    if (known === undefined) return undefined;
    const place = this.#newPlace();
    place.settle(known);
    const carried = { index: place.index, rawBytes: known.rawBytes };
    this.#listed.set(old, carried);
    if (this.#listed.size > REMEMBERED) {
      const [oldest] = this.#listed.keys();
      if (oldest !== undefined) this.#listed.delete(oldest);
    }
    return { place, carried };
  }

  #ask(old: number): Promise<ChunkRef | undefined> {
    const earlier = this.#asked.get(old);
    if (earlier !== undefined) return earlier;
    const look = async (): Promise<ChunkRef | undefined> => {
      const ref = await this.#previous.ref(old);
      return ref === undefined ? undefined : this.#writer.recall(ref);
    };
    const asked = look();
    asked.catch(() => {});
    this.#asked.set(old, asked);
    return asked;
  }
}
