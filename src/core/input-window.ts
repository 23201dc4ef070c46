/**
 * A window of bounded size over input of any size: one shared memory that reads fill, the cutter scans in place and
 * workers hash, compress and encrypt views of. A chunk is always contiguous: at the end of the memory the
 * uncut rest, less than one chunk, moves to the front. Nothing else is copied.
 */
import { throwIfAborted } from '../errors.js';
import type { Cutter } from './cutter.js';
import { INPUT_BASE } from './cutter.js';
import { untilAborted } from './pipeline.js';

/** Where bytes come from. `read` fills the front of `target` and resolves to the count, 0 at the end. */
export interface ByteSource {
  read(target: Uint8Array): Promise<number>;
  /** Told once, when nothing more will be read: at the end, after a failure, after an abort. */
  close?(): Promise<void>;
}

/** One chunk's plaintext. The bytes are valid until `release`, which every consumer must call once. */
export interface Piece {
  readonly bytes: Uint8Array;
  release(): void;
}

const PAGE_BYTES = 64 * 1024;

/** Shared memory for a window of `capacityBytes` behind the gear table. At most 4 GiB together. */
export function windowMemory(capacityBytes: number): WebAssembly.Memory {
  const pages = (INPUT_BASE + Math.ceil(capacityBytes / PAGE_BYTES) * PAGE_BYTES) / PAGE_BYTES;
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
}

/** Memory for a window that holds four of the largest chunks. */
export function windowBytes(maxChunkBytes: number): number {
  return 4 * maxChunkBytes;
}

/**
 * Cuts a source into pieces. The pieces depend on the bytes alone, however the source slices them.
 * Reads ahead while pieces are being worked on; waits when all of the window is taken.
 */
export function cutPieces(
  source: ByteSource,
  cutter: Cutter,
  memory: WebAssembly.Memory,
  signal?: AbortSignal,
): AsyncGenerator<Piece> {
  return cutInto(new InputWindow(memory, cutter.sizes.max), source, cutter, signal);
}

/**
 * Like {@link cutPieces}, for one source after another through the same window: pieces of earlier sources may still be
 * unreleased. Each source is cut by itself, and all of its pieces are taken before the next one begins.
 */
export async function* cutInto(
  window: InputWindow,
  source: ByteSource,
  cutter: Cutter,
  signal?: AbortSignal,
): AsyncGenerator<Piece> {
  let pending: Promise<number> | undefined;
  let isEnded = false;
  const readAhead = (): void => {
    if (pending !== undefined || isEnded) return;
    const room = window.room();
    if (room.byteLength === 0) return;
    pending = source.read(room);
    pending.catch(() => {});
  };
  try {
    for (;;) {
      throwIfAborted(signal);
      readAhead();
      const piece = window.available > 0 ? window.takeIfCertain(cutter, isEnded) : undefined;
      if (piece !== undefined) {
        yield piece;
      } else if (isEnded) {
        return;
      } else if (pending === undefined) {
        if (!window.wrap()) await untilAborted(window.released(), signal);
      } else {
        const count = await untilAborted(pending, signal);
        pending = undefined;
        isEnded = count === 0;
        window.fill(count);
      }
    }
  } finally {
    await source.close?.();
    window.discard();
  }
}

/** Where reads go and pieces lie. @param maxChunkBytes of the cutter that goes with it */
export class InputWindow {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  readonly #maxChunkBytes: number;
  readonly #outstanding = new Set<number>();
  #head = INPUT_BASE;
  #filled = INPUT_BASE;
  #wake: (() => void) | undefined;

  constructor(memory: WebAssembly.Memory, maxChunkBytes: number) {
    this.#bytes = Buffer.from(memory.buffer);
    this.#end = this.#bytes.byteLength;
    this.#maxChunkBytes = maxChunkBytes;
  }

  get available(): number {
    return this.#filled - this.#head;
  }

  /** Where the next read may go: empty when everything is taken or read full. */
  room(): Uint8Array {
    const until = Math.min(this.#limit(), this.#filled + Math.max(PAGE_BYTES, this.#maxChunkBytes / 2));
    return this.#bytes.subarray(this.#filled, until);
  }

  fill(count: number): void {
    this.#filled += count;
  }

  /**
   * The next piece, if no byte that is still to come can change where it ends. Looked for when a largest chunk is
   * there, so that nothing is scanned twice, and at the end of the memory, so that little has to move to the front.
   */
  takeIfCertain(cutter: Cutter, isEnded: boolean): Piece | undefined {
    const isFullChunk = this.available >= this.#maxChunkBytes;
    if (!isFullChunk && !isEnded && this.#filled < this.#end) return undefined;
    const end = cutter.cut(this.#head, this.#filled);
    const isCertain = end < this.#filled || isFullChunk || isEnded;
    return isCertain ? this.#take(end) : undefined;
  }

  #take(end: number): Piece {
    const start = this.#head;
    this.#head = end;
    this.#outstanding.add(start);
    return {
      bytes: this.#bytes.subarray(start, end),
      release: () => {
        this.#outstanding.delete(start);
        this.#wake?.();
      },
    };
  }

  /** Forgets what was read and not cut, after a source has failed. */
  discard(): void {
    this.#head = this.#filled;
  }

  /** Resolves when some piece is released. */
  async released(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = undefined;
  }

  /**
   * Moves the uncut rest to the front, when the memory is read full and no piece stands where it goes.
   * It keeps its alignment: V8 moves shared memory at 1.8 GB/s otherwise.
   */
  wrap(): boolean {
    const target = INPUT_BASE + (this.#head % 8);
    const targetEnd = target + this.available;
    if (this.#filled < this.#end || this.#head < targetEnd) return false;
    for (const start of this.#outstanding) if (start < targetEnd) return false;
    this.#bytes.copyWithin(target, this.#head, this.#filled);
    this.#head = target;
    this.#filled = targetEnd;
    return true;
  }

  /** The first address behind `filled` that an unreleased piece takes, or the end. */
  #limit(): number {
    let limit = this.#end;
    for (const start of this.#outstanding) if (start >= this.#filled && start < limit) limit = start;
    return limit;
  }
}
