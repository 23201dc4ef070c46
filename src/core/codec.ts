/**
 * What a codec is, what a person can ask for as compression, and the sample that tells whether it pays.
 * Knows no library: LZ4 is in codec-lz4.ts, zstd in codec-zstd.ts.
 */

/** The codec byte of a payload (docs/FORMAT.md, "Object"). */
export const CODEC_STORED = 0;
export const CODEC_LZ4 = 1;
export const CODEC_ZSTD = 2;

export interface BlockDecoder {
  readonly name: string;
  /** What stands in the payload for it. */
  readonly byte: number;
  /**
   * Decompresses one block; `target` has exactly the expected length and is never written past.
   * @returns bytes written, or −1 for a malformed block
   */
  decompress(source: Uint8Array, target: Uint8Array): number;
}

export interface BlockCodec extends BlockDecoder {
  /**
   * Compresses all of `source` into `target`.
   * @returns bytes written, or 0 when the result does not fit `target`
   */
  compress(source: Uint8Array, target: Uint8Array): number;
}

/**
 * How a chunk's bytes are to be treated: LZ4 where a sample says that it pays, LZ4 always, zstd where a sample says that
 * it pays (level 1 to 19, 3 unless told), not at all.
 */
export type Compression = 'auto' | 'lz4' | 'zstd' | `zstd:${number}` | 'none';

/** For messages and help. */
export const COMPRESSION_CHOICES = 'auto, lz4, zstd, zstd:LEVEL with a level from 1 to 19, or none';

const DEFAULT_ZSTD_LEVEL = 3;
const NAMES = /^(?:auto|lz4|none|zstd(?::(?:[1-9]|1[0-9]))?)$/;

export function isCompression(text: string): text is Compression {
  return NAMES.test(text);
}

/** undefined when it is not zstd. */
export function zstdLevelOf(compression: Compression): number | undefined {
  const [name, level = DEFAULT_ZSTD_LEVEL] = compression.split(':');
  return name === 'zstd' ? Number(level) : undefined;
}

const SAMPLE_SLICES = 8;
const SAMPLE_SLICE_BYTES = 4096;
const sampleOutput = Buffer.alloc(SAMPLE_SLICE_BYTES);

/**
 * Guesses from 32 KiB spread over the bytes whether the codec would save at least 3 %.
 * Reads 3 % of a 1 MiB chunk; already compressed data then costs next to nothing.
 */
export function isWorthCompressing(codec: BlockCodec, bytes: Uint8Array): boolean {
  if (bytes.byteLength <= SAMPLE_SLICES * SAMPLE_SLICE_BYTES) return true;
  const stride = Math.floor((bytes.byteLength - SAMPLE_SLICE_BYTES) / (SAMPLE_SLICES - 1));
  let compressed = 0;
  for (let slice = 0; slice < SAMPLE_SLICES; slice++) {
    const part = bytes.subarray(slice * stride, slice * stride + SAMPLE_SLICE_BYTES);
    compressed += codec.compress(part, sampleOutput) || SAMPLE_SLICE_BYTES;
  }
  return compressed < 0.97 * SAMPLE_SLICES * SAMPLE_SLICE_BYTES;
}
