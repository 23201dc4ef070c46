/** Both codecs as the tests use them: the portable one always, the C addon where it is built. */
import { type BlockCodec, loadNative } from '../../src/core/codec.js';
import { portableLz4 } from '../../src/core/codec-portable.js';

const native = loadNative();

export const codecs: readonly BlockCodec[] = native === undefined ? [portableLz4] : [portableLz4, native];

/** What stands before and behind a target, to see that nothing is written there. */
const GUARD_BYTES = 64;
const GUARD = Buffer.alloc(GUARD_BYTES, 0xa5);

export interface Guarded {
  readonly written: number;
  readonly target: Buffer;
  readonly isGuardIntact: boolean;
}

/** Runs `work` on a target of `length` bytes inside a larger buffer. */
export function guarded(length: number, work: (target: Buffer) => number): Guarded {
  const whole = Buffer.alloc(length + 2 * GUARD_BYTES, 0xa5);
  const target = whole.subarray(GUARD_BYTES, GUARD_BYTES + length);
  const written = work(target);
  const isGuardIntact =
    whole.subarray(0, GUARD_BYTES).equals(GUARD) && whole.subarray(GUARD_BYTES + length).equals(GUARD);
  return { written, target, isGuardIntact };
}

export function compressed(codec: BlockCodec, source: Uint8Array): Buffer {
  const target = Buffer.alloc(source.byteLength + Math.ceil(source.byteLength / 255) + 16);
  return target.subarray(0, codec.compress(source, target));
}

/** The plaintext of `length` bytes, or undefined when the block is refused. */
export function decompressed(codec: BlockCodec, block: Uint8Array, length: number): Buffer | undefined {
  const target = Buffer.alloc(length);
  return codec.decompress(block, target) === length ? target : undefined;
}
