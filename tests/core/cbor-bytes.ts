/** CBOR by hand (RFC 8949), so that every wrong spelling can be written too. Shares no code with src/. */

const head = (major: number, value: number | bigint): Buffer => {
  const argument = BigInt(value);
  const first = (minor: number, size: number): Buffer => {
    const bytes = Buffer.alloc(1 + size);
    bytes.writeUInt8((major << 5) | minor, 0);
    if (size > 0) Buffer.from(argument.toString(16).padStart(size * 2, '0'), 'hex').copy(bytes, 1);
    return bytes;
  };
  if (argument < 24n) return first(Number(argument), 0);
  if (argument < 1n << 8n) return first(24, 1);
  if (argument < 1n << 16n) return first(25, 2);
  if (argument < 1n << 32n) return first(26, 4);
  return first(27, 8);
};

export const integer = (value: number | bigint): Buffer =>
  value < 0 ? head(1, -1n - BigInt(value)) : head(0, value);

export const byteString = (bytes: Uint8Array): Buffer => Buffer.concat([head(2, bytes.byteLength), bytes]);

export const textString = (text: string | Buffer): Buffer => {
  const bytes = Buffer.from(text as string, 'utf8');
  return Buffer.concat([head(3, bytes.byteLength), bytes]);
};

export const list = (...items: readonly Buffer[]): Buffer => Buffer.concat([head(4, items.length), ...items]);

export type Pair = readonly [key: string | Buffer, value: Buffer];

const keyBytes = (key: string | Buffer): Buffer => (typeof key === 'string' ? textString(key) : key);

/** A map whose pairs stand in the order given; a key that is a buffer stands as it is. */
export const mapAsGiven = (pairs: readonly Pair[]): Buffer =>
  Buffer.concat([head(5, pairs.length), ...pairs.flatMap(([key, value]) => [keyBytes(key), value])]);

/** A map in the order of RFC 8949, section 4.2.1: by the bytes of the encoded keys. */
export const map = (pairs: readonly Pair[]): Buffer =>
  mapAsGiven([...pairs].sort(([a], [b]) => keyBytes(a).compare(keyBytes(b))));

/** A map from a plain object of encoded values. */
export const record = (fields: Readonly<Record<string, Buffer>>): Buffer => map(Object.entries(fields));
