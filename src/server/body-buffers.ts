/**
 * Memory for objects that come in or go out, in sizes that fit again: a fresh megabyte for each would cost page faults and
 * collections of garbage that take longer than hashing it. Bounded in all; what lies idle is given back.
 */
import { MemoryBudget } from './memory-budget.js';

export interface BodyBuffer {
  /** As long as was asked for. */
  readonly bytes: Buffer;
  /**
   * To be called once, when `bytes` is not needed any more.
   * @param isFree false when a system call that has failed may still look at them; default true
   */
  release(isFree?: boolean): void;
}

const LEAST_BYTES = 64 * 1024;
const KEPT_BYTES = 24 * 1024 * 1024;
const IDLE_MS = 5_000;

export class BodyBuffers {
  readonly #budget: MemoryBudget;
  readonly #kept = new Map<number, Buffer[]>();
  #keptBytes = 0;
  #idle: NodeJS.Timeout | undefined;

  /** @param bytes what all bodies may take together */
  constructor(bytes: number) {
    this.#budget = new MemoryBudget(bytes);
  }

  /** Waits until there is room. */
  async take(length: number): Promise<BodyBuffer> {
    return this.#lend(length, await this.#budget.take(length));
  }

  /** Only while at least half of all the room stays free for those who wait; undefined otherwise. */
  takeNow(length: number): BodyBuffer | undefined {
    const giveBack = this.#budget.takeNow(length);
    return giveBack && this.#lend(length, giveBack);
  }

  #lend(length: number, giveBack: () => void): BodyBuffer {
    const size = sizeFor(length);
    const whole = this.#reuse(size) ?? Buffer.allocUnsafeSlow(size);
    return {
      bytes: whole.subarray(0, length),
      release: (isFree = true) => {
        if (isFree) this.#keep(whole);
        giveBack();
      },
    };
  }

  #reuse(size: number): Buffer | undefined {
    const buffer = this.#kept.get(size)?.pop();
    if (buffer !== undefined) this.#keptBytes -= size;
    return buffer;
  }

  #keep(buffer: Buffer): void {
    const size = buffer.byteLength;
    if (this.#keptBytes + size > KEPT_BYTES) return;
    const kept = this.#kept.get(size);
    if (kept === undefined) this.#kept.set(size, [buffer]);
    else kept.push(buffer);
    this.#keptBytes += size;
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#drop(), IDLE_MS).unref();
  }

  #drop(): void {
    this.#kept.clear();
    this.#keptBytes = 0;
  }
}

/** The power of two above, or a step in the middle below it: at most a third is wasted. */
function sizeFor(length: number): number {
  let size = LEAST_BYTES;
  while (size < length) size *= 2;
  return length <= size * 0.75 ? size * 0.75 : size;
}
