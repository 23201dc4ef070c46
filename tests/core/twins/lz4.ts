/** LZ4 written down from its block and frame format descriptions: just enough to look into what the reference tool writes. */

export interface FrameBlock {
  readonly isCompressed: boolean;
  readonly bytes: Buffer;
}

const MAGIC = 0x184d2204;

/** The data blocks of one frame. Checksums are skipped over. */
export function frameBlocks(frame: Buffer): FrameBlock[] {
  if (frame.readUInt32LE(0) !== MAGIC) throw new Error('not an LZ4 frame');
  const flags = frame.readUInt8(4);
  if (flags >> 6 !== 1) throw new Error('not version 1 of the LZ4 frame');
  const hasBlockChecksums = (flags & 0x10) !== 0;
  const hasContentSize = (flags & 0x08) !== 0;
  const hasDictionaryId = (flags & 0x01) !== 0;
  let at = 6 + (hasContentSize ? 8 : 0) + (hasDictionaryId ? 4 : 0) + 1;
  const blocks: FrameBlock[] = [];
  for (;;) {
    const size = frame.readUInt32LE(at);
    at += 4;
    if (size === 0) return blocks;
    const length = size & 0x7fff_ffff;
    blocks.push({ isCompressed: size === length, bytes: frame.subarray(at, at + length) });
    at += length + (hasBlockChecksums ? 4 : 0);
  }
}

export interface TwinSequence {
  readonly literals: number;
  /** 0 for the last sequence. */
  readonly matchLength: number;
  readonly matchOffset: number;
}

/** The sequences of a block that is well formed. */
export function blockSequences(block: Buffer): TwinSequence[] {
  const sequences: TwinSequence[] = [];
  let at = 0;
  const length = (nibble: number): number => {
    let value = nibble;
    for (let byte = 255; nibble === 15 && byte === 255; value += byte) byte = block.readUInt8(at++);
    return value;
  };
  while (at < block.byteLength) {
    const token = block.readUInt8(at++);
    const literals = length(token >> 4);
    at += literals;
    if (at === block.byteLength) return [...sequences, { literals, matchLength: 0, matchOffset: 0 }];
    const matchOffset = block.readUInt16LE(at);
    at += 2;
    sequences.push({ literals, matchOffset, matchLength: length(token & 15) + 4 });
  }
  throw new Error('the block does not end with literals');
}
