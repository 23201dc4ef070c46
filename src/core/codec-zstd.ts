/**
 * zstd frames (RFC 8878) by whatever is here: the C addon zstd-napi, else Node's own (22.15 and later), else a decoder
 * in WebAssembly that has to be waited for and cannot write. All are the C library, each in a version of its own.
 */
import { createRequire } from 'node:module';
import { DisktroError } from '../errors.js';
import type { BlockCodec, BlockDecoder } from './codec.js';
import { CODEC_ZSTD } from './codec.js';
import { isFrameOf } from './zstd-frame.js';

/** Reads any frame into the front of `target`: the bytes written, or −1. */
export interface ZstdReader {
  readonly name: string;
  decompress(source: Uint8Array, target: Uint8Array): number;
}

/** Writes at a level from 1 to 19: the bytes written, or 0 when they do not fit. */
export interface ZstdLibrary extends ZstdReader {
  compress(source: Uint8Array, target: Uint8Array, level: number): number;
}

interface ZstdAddon {
  readonly CCtx: new () => { compress(target: Uint8Array, source: Uint8Array, level: number): number };
  readonly DCtx: new () => { decompress(target: Uint8Array, source: Uint8Array): number };
  compressBound(bytes: number): number;
}

/** What Node has since 22.15 and its types of earlier versions do not know. */
interface ZlibWithZstd {
  readonly constants: { readonly ZSTD_c_compressionLevel: number };
  zstdCompressSync?(source: Uint8Array, options: object): Buffer;
  zstdDecompressSync?(source: Uint8Array, options: object): Buffer;
}

/** null: looked for, and there is none. */
let library: ZstdLibrary | null | undefined;
let decoder: BlockDecoder | undefined;
let loading: Promise<ZstdReader> | undefined;

/**
 * The encoder at this level, which decodes too.
 * @throws E_CONFIG where no encoder loads
 */
export function zstdCodec(level: number): BlockCodec {
  const found = libraryHere();
  if (found !== null) return codecOf(found, level);
  throw new DisktroError('E_CONFIG', 'compression zstd: no encoder for it loads here', {
    hint: 'install the npm package zstd-napi beside disktro, or use Node 22.15 or later; reading needs neither',
  });
}

/** undefined where only the portable decoder is left and {@link loadZstdDecoder} has not been waited for. */
export function zstdDecoder(): BlockDecoder | undefined {
  const found = libraryHere();
  if (found !== null) decoder ??= decoderOf(found);
  return decoder;
}

/** Makes sure that {@link zstdDecoder} has one. */
export async function loadZstdDecoder(): Promise<void> {
  loading ??= import('./codec-zstd-portable.js').then(({ portableZstd }) => portableZstd());
  decoder ??= decoderOf(await loading);
}

function libraryHere(): ZstdLibrary | null {
  if (library === undefined) library = zstdAddon() ?? zstdOfNode() ?? null;
  return library;
}

export function codecOf(found: ZstdLibrary, level: number): BlockCodec {
  return { ...decoderOf(found), compress: (source, target) => found.compress(source, target, level) };
}

export function decoderOf({ name, decompress }: ZstdReader): BlockDecoder {
  return {
    name,
    byte: CODEC_ZSTD,
    decompress: (source, target) => (isFrameOf(source, target.byteLength) ? decompress(source, target) : -1),
  };
}

/** 260 MB/s in at level 3 and 1,200 MB/s out on mixed files, with contexts that are kept; undefined where it is not built. */
export function zstdAddon(): ZstdLibrary | undefined {
  try {
    const addon = createRequire(import.meta.url)('zstd-napi/binding') as ZstdAddon;
    const [writing, reading] = [new addon.CCtx(), new addon.DCtx()];
    return {
      name: 'zstd-napi',
      compress(source, target, level) {
        try {
          return writing.compress(target, source, level);
        } catch (error) {
          if (target.byteLength >= addon.compressBound(source.byteLength)) throw error;
          return 0;
        }
      },
      decompress(source, target) {
        try {
          return reading.decompress(target, source);
        } catch {
          return -1;
        }
      },
    };
  } catch {
    return undefined;
  }
}

/** 230 MB/s in, 740 MB/s out: a new context and a new buffer for each call; undefined before Node 22.15. */
export function zstdOfNode(): ZstdLibrary | undefined {
  // Not imported above: loading it costs 2 ms.
  const zlib = createRequire(import.meta.url)('node:zlib') as ZlibWithZstd;
  const { zstdCompressSync, zstdDecompressSync, constants } = zlib;
  if (zstdCompressSync === undefined || zstdDecompressSync === undefined) return undefined;
  /** Never more memory than the target has, in one piece. */
  const room = (target: Uint8Array) => ({
    maxOutputLength: Math.max(1, target.byteLength),
    chunkSize: Math.max(64, target.byteLength),
  });
  const copied = (result: Buffer, target: Uint8Array): number => {
    target.set(result);
    return result.byteLength;
  };
  return {
    name: 'node:zlib',
    compress(source, target, level) {
      const params = { [constants.ZSTD_c_compressionLevel]: level };
      try {
        const options = { ...room(target), params, pledgedSrcSize: source.byteLength };
        return copied(zstdCompressSync(source, options), target);
      } catch (error) {
        if (error instanceof RangeError) return 0;
        throw error;
      }
    },
    decompress(source, target) {
      try {
        return copied(zstdDecompressSync(source, room(target)), target);
      } catch {
        return -1;
      }
    },
  };
}
