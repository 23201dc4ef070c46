/**
 * Chunks of a manifest that are in use or were lately: each is read once while anyone needs it, several are read ahead,
 * and no more are held than the reader has room for.
 */
import { untilAborted } from '../../core/pipeline.js';
import type { ChunkTable } from './chunk-table.js';
import type { ObjectReader, OpenedChunk } from './object-reader.js';

interface Held {
  readonly chunk: Promise<OpenedChunk>;
  users: number;
}

export class ChunkWindow {
  readonly #reader: ObjectReader;
  readonly #table: ChunkTable;
  readonly #room: number;
  readonly #signal: AbortSignal | undefined;
  /** The longest unused come first. */
  readonly #held = new Map<number, Held>();
  readonly #waiting: (() => void)[] = [];
  /** Chunks that were read, each as often as it was. */
  reads = 0;

  /** @param room chunks held at once */
  constructor(reader: ObjectReader, table: ChunkTable, room: number, signal?: AbortSignal) {
    this.#reader = reader;
    this.#table = table;
    this.#room = room;
    this.#signal = signal;
  }

  /**
   * The plaintext of a chunk, valid until it is released, once for each time it was asked for. Whoever holds as many as
   * there is room for and asks for another one waits for ever.
   * @throws E_OBJECT_MISSING and every integrity code of openObject; then there is nothing to release
   */
  async acquire(index: number): Promise<Uint8Array> {
    for (;;) {
      const held = this.#use(index) ?? (await this.#begin(index));
      if (held === undefined) continue;
      try {
        return (await untilAborted(held.chunk, this.#signal)).bytes;
      } catch (error) {
        this.#letGo(index, held);
        throw error;
      }
    }
  }

  release(index: number): void {
    const held = this.#held.get(index);
    if (held !== undefined) this.#letGo(index, held);
  }

  /** Gives all back. Nobody may be using any. */
  async close(): Promise<void> {
    const all = [...this.#held.values()];
    this.#held.clear();
    await Promise.allSettled(all.map(async ({ chunk }) => (await chunk).release()));
  }

  #use(index: number): Held | undefined {
    const held = this.#held.get(index);
    if (held !== undefined) held.users++;
    return held;
  }

  /** @returns undefined after a wait: the chunk may have come meanwhile */
  async #begin(index: number): Promise<Held | undefined> {
    if (this.#held.size >= this.#room && !(await this.#makeRoom())) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
      return undefined;
    }
    const earlier = this.#use(index);
    if (earlier !== undefined) return earlier;
    this.reads++;
    const held: Held = { chunk: this.#reader.readChunk(this.#table.ref(index)), users: 1 };
    held.chunk.catch(() => {});
    this.#held.set(index, held);
    return held;
  }

  async #makeRoom(): Promise<boolean> {
    for (const [index, held] of this.#held) {
      if (held.users > 0) continue;
      this.#held.delete(index);
      (await held.chunk).release();
      return true;
    }
    return false;
  }

  #letGo(index: number, held: Held): void {
    held.users--;
    if (held.users > 0) return;
    if (this.#held.get(index) === held) {
      this.#held.delete(index);
      this.#held.set(index, held);
      // What could not be read has no buffer, and another try may find it at a peer.
      held.chunk.catch(() => {
        if (this.#held.get(index) === held) this.#held.delete(index);
      });
    }
    this.#waiting.shift()?.();
  }
}
