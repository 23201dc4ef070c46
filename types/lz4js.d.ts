// The block functions of lz4js, which comes without types.
declare module 'lz4js' {
  /** The largest size, in bytes, that n bytes can have when compressed. */
  export function compressBound(n: number): number;
  /**
   * Returns the bytes written to dst, 0 when no match was found. A dst that is too short is not noticed: give it
   * compressBound bytes. The table has 65,536 entries, all zero at the start.
   */
  export function compressBlock(
    src: Uint8Array,
    dst: Uint8Array,
    srcStart: number,
    srcLength: number,
    hashTable: Uint32Array,
  ): number;
  /** Returns the index in dst after the last byte written. */
  export function decompressBlock(
    src: Uint8Array,
    dst: Uint8Array,
    srcStart: number,
    srcLength: number,
    dstStart: number,
  ): number;
}
