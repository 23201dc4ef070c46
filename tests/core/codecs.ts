/** The codecs as the tests use them: the portable ones always, the C addons where they are built. */
import type { BlockCodec, BlockDecoder } from '../../src/core/codec.js';
import { lz4Addon } from '../../src/core/codec-lz4.js';
import { portableLz4 } from '../../src/core/codec-lz4-portable.js';
import { codecOf, decoderOf, zstdAddon, zstdOfNode } from '../../src/core/codec-zstd.js';
import { portableZstd } from '../../src/core/codec-zstd-portable.js';

const isThere = <T>(found: T | undefined): found is T => found !== undefined;

export const lz4Codecs: readonly BlockCodec[] = [portableLz4, lz4Addon()].filter(isThere);

const zstdLibraries = [zstdAddon(), zstdOfNode()].filter(isThere);

/** None where neither the addon nor Node has an encoder. */
export const zstdCodecs = (level: number): readonly BlockCodec[] =>
  zstdLibraries.map((library) => codecOf(library, level));

export const zstdDecoders: readonly BlockDecoder[] = [await portableZstd(), ...zstdLibraries].map(decoderOf);

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
  const target = Buffer.alloc(source.byteLength + Math.ceil(source.byteLength / 255) + 600);
  return target.subarray(0, codec.compress(source, target));
}

/** The plaintext of `length` bytes, or undefined when the block is refused. */
export function decompressed(codec: BlockDecoder, block: Uint8Array, length: number): Buffer | undefined {
  const target = Buffer.alloc(length);
  return codec.decompress(block, target) === length ? target : undefined;
}
