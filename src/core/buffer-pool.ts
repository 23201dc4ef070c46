/**
 * A fixed number of shared buffers that are reused: bounds memory (I7), saves page faults, and lets workers write
 * where the next stage reads.
 */
export interface BufferPool {
  /** Waits until a buffer is free, in the order of asking. */
  take(): Promise<Uint8Array>;
  /** Gives a buffer of this pool back. */
  give(buffer: Uint8Array): void;
}

/** `count` buffers of `bytes` each; memory is touched only as far as it is used. */
export function bufferPool(count: number, bytes: number): BufferPool {
  const free: Uint8Array[] = [];
  const waiting: ((buffer: Uint8Array) => void)[] = [];
  let made = 0;
  return {
    async take() {
      const buffer = free.pop();
      if (buffer !== undefined) return buffer;
      if (made < count) {
        made++;
        return Buffer.from(new SharedArrayBuffer(bytes));
      }
      return new Promise((resolve) => waiting.push(resolve));
    },
    give(buffer) {
      const next = waiting.shift();
      if (next === undefined) free.push(buffer);
      else next(buffer);
    },
  };
}
