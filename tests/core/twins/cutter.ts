/** The chunker written down from docs/FORMAT.md, slow and readable: what the WebAssembly one is held against. */

export interface TwinSizes {
  readonly min: number;
  readonly average: number;
  readonly max: number;
}

/** Length of the first chunk of `bytes`. */
export function firstChunkLength(gear: Uint32Array, sizes: TwinSizes, bytes: Uint8Array): number {
  const end = Math.min(bytes.byteLength, sizes.max);
  if (bytes.byteLength <= sizes.min) return bytes.byteLength;
  const averageBits = Math.log2(sizes.average);
  let hash = 0;
  for (let at = sizes.min; at < end; at++) {
    hash = (hash * 2 + (gear[bytes[at] ?? 0] ?? 0)) % 2 ** 32;
    const zeroBits = at < sizes.average ? averageBits + 1 : averageBits - 3;
    const isCut = hash < 2 ** (32 - zeroBits);
    if (isCut) return at + 1;
  }
  return end;
}

/** Lengths of all chunks of `bytes`. */
export function chunkLengths(gear: Uint32Array, sizes: TwinSizes, bytes: Uint8Array): number[] {
  const lengths: number[] = [];
  for (let start = 0; start < bytes.byteLength; ) {
    const length = firstChunkLength(gear, sizes, bytes.subarray(start));
    lengths.push(length);
    start += length;
  }
  return lengths;
}
