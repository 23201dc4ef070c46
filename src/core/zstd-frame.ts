/**
 * The shape of a zstd body, told without decompressing it: one frame of RFC 8878 and nothing else, which says its
 * content's length. Decoders differ in what more they accept, so that this is looked at before any of them.
 */
import { MIB } from '../limits.js';

const MAGIC = 0xfd2fb528;
/** Frame_Content_Size_flag to bytes of the field; a frame of a single segment always has one. */
const SIZE_FIELD_BYTES = [0, 2, 4, 8];
/** What RFC 8878 asks of every decoder; levels up to 19 stay within it. */
const MAX_WINDOW_BYTES = 8 * MIB;
const BLOCK_RLE = 1;
const BLOCK_RESERVED = 3;

/**
 * Whether `body` is exactly one frame of `rawBytes` bytes of content, with no dictionary, no checksum and a window of
 * at most 8 MiB. Its blocks are not looked into.
 */
export function isFrameOf(body: Uint8Array, rawBytes: number): boolean {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  if (body.byteLength < 6 || view.getUint32(0, true) !== MAGIC) return false;
  const descriptor = view.getUint8(4);
  const isSingleSegment = (descriptor & 0b10_0000) !== 0;
  const hasUnwanted = (descriptor & 0b1_1111) !== 0;
  if (hasUnwanted) return false;
  const sizeAt = isSingleSegment ? 5 : 6;
  const sizeBytes = SIZE_FIELD_BYTES[descriptor >> 6] || (isSingleSegment ? 1 : 0);
  const firstBlock = sizeAt + sizeBytes;
  if (firstBlock > body.byteLength || contentBytes(view, sizeAt, sizeBytes) !== rawBytes) return false;
  const windowBytes = isSingleSegment ? rawBytes : windowOf(view.getUint8(5));
  return windowBytes <= MAX_WINDOW_BYTES && blocksEnd(view, firstBlock) === body.byteLength;
}

/** RFC 8878, 3.1.1.1.4; undefined when the frame does not say. */
function contentBytes(view: DataView, at: number, fieldBytes: number): number | undefined {
  if (fieldBytes === 1) return view.getUint8(at);
  if (fieldBytes === 2) return view.getUint16(at, true) + 256;
  if (fieldBytes === 4) return view.getUint32(at, true);
  return fieldBytes === 8 ? Number(view.getBigUint64(at, true)) : undefined;
}

/** RFC 8878, 3.1.1.1.2. */
function windowOf(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

/** Where the last block ends; undefined when there is none inside the body. */
function blocksEnd(view: DataView, firstBlock: number): number | undefined {
  for (let at = firstBlock; at + 3 <= view.byteLength; ) {
    const header = view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
    const type = (header >> 1) & 3;
    if (type === BLOCK_RESERVED) return undefined;
    at += 3 + (type === BLOCK_RLE ? 1 : header >> 3);
    if ((header & 1) === 1) return at;
  }
  return undefined;
}
