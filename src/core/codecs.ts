/** Which codec does what was asked for, and which reads what is stored. */
import { usageError } from '../errors.js';
import type { BlockCodec, BlockDecoder, Compression } from './codec.js';
import { CODEC_LZ4, COMPRESSION_CHOICES, isCompression, zstdLevelOf } from './codec.js';
import { lz4Codec } from './codec-lz4.js';
import { zstdCodec, zstdDecoder } from './codec-zstd.js';

/**
 * @returns undefined for `none`
 * @throws E_CONFIG where no encoder for it loads
 */
export function codecFor(compression: Compression): BlockCodec | undefined {
  if (compression === 'none') return undefined;
  const level = zstdLevelOf(compression);
  return level === undefined ? lz4Codec() : zstdCodec(level);
}

/** @returns undefined when `loadZstdDecoder` has to be waited for first */
export function decoderFor(byte: number): BlockDecoder | undefined {
  return byte === CODEC_LZ4 ? lz4Codec() : zstdDecoder();
}

/**
 * Before anything is read: whether it can be done here.
 * @throws E_USAGE when there is no such compression; E_CONFIG where no encoder for it loads
 */
export function checkCompression(compression: Compression): void {
  if (!isCompression(compression)) {
    throw usageError(`compression: expected ${COMPRESSION_CHOICES}, got ${JSON.stringify(compression)}`);
  }
  codecFor(compression);
}
