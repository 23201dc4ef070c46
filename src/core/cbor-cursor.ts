/**
 * Steps through deterministic CBOR by hand, for those few shapes of which there are millions. Reads no farther than the
 * bytes go and takes no number that is written longer than it need be; whatever it meets that it was not told to expect
 * is a RangeError.
 */

export const UNSIGNED = 0;
export const NEGATIVE = 1;
export const BYTES = 2;
export const TEXT = 3;
export const ARRAY = 4;
export const MAP = 5;

/** The least number that may be written in 1, 2, 4 and 8 bytes behind its head. */
const LEAST = [24, 0x100, 0x1_0000, 0x1_0000_0000] as const;

export class CborCursor {
  readonly bytes: Buffer;
  at = 0;
  /** Major type of the last head. */
  major = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get isAtEnd(): boolean {
    return this.at >= this.bytes.byteLength;
  }

  /** The number of a head of this major type. */
  head(major: number): number {
    const value = this.number();
    if (this.major !== major) throw new RangeError('not the shape that was expected');
    return value;
  }

  /** The number of any head, where it is a safe integer. */
  number(): number {
    const value = this.any();
    if (typeof value === 'bigint') throw new RangeError('a number beyond those that are exact');
    return value;
  }

  /** An integer of either sign. */
  integer(): bigint {
    const value = BigInt(this.any());
    if (this.major === NEGATIVE) return -1n - value;
    if (this.major !== UNSIGNED) throw new RangeError('not an integer');
    return value;
  }

  /** The number of any head; a bigint only where it is no safe integer. */
  any(): number | bigint {
    const { bytes } = this;
    const first = bytes.readUInt8(this.at++);
    this.major = first >> 5;
    const info = first & 31;
    if (info < 24) return info;
    if (info > 27) throw new RangeError('a head of unknown length');
    const at = this.at;
    this.at += 1 << (info - 24);
    const value =
      info === 24
        ? bytes.readUInt8(at)
        : info === 25
          ? bytes.readUInt16BE(at)
          : bytes.readUInt32BE(at) * (info === 27 ? 0x1_0000_0000 : 1) +
            (info === 27 ? bytes.readUInt32BE(at + 4) : 0);
    if (value < (LEAST[info - 24] ?? 0)) throw new RangeError('a number longer than it need be');
    return value <= Number.MAX_SAFE_INTEGER ? value : bytes.readBigUInt64BE(at);
  }

  /** Goes past bytes. */
  pass(length: number): void {
    this.at += length;
    if (this.at > this.bytes.byteLength) throw new RangeError('cut off');
  }

  /** Goes past a value of any shape. */
  skip(): void {
    const value = Number(this.any());
    if (this.major === TEXT || this.major === BYTES) this.pass(value);
    else if (this.major === ARRAY) for (let left = value; left > 0; left--) this.skip();
    else if (this.major === MAP) for (let left = 2 * value; left > 0; left--) this.skip();
  }
}
