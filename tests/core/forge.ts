/**
 * Objects made by hand from docs/FORMAT.md, "Object", with every field open to a lie. Shares no code with src/:
 * what this makes well and src/core/object.ts refuses, or the other way round, is a fault of one of them.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { hkdf } from './twins/hkdf.js';
import { padme } from './twins/padme.js';

export interface Forgery {
  readonly vaultId: Buffer;
  readonly objectKey: Buffer;
  readonly salt: Buffer;
  readonly body: Buffer;
  readonly magic?: string;
  readonly type?: number;
  readonly codec?: number;
  readonly rawLength?: number;
  readonly bodyLength?: number;
  /** What follows the body; zeros up to the Padmé length unless told. */
  readonly padding?: Buffer;
  readonly cipherKey?: Buffer;
  readonly nonce?: Buffer;
  readonly associated?: Buffer;
}

const ALGORITHM = 'chacha20-poly1305';
const ZERO_NONCE = Buffer.alloc(12);
const TAG = { authTagLength: 16 } as const;

export const objectCipherKey = (objectKey: Buffer, salt: Buffer): Buffer =>
  hkdf(objectKey, salt, 'disktro/v1/object', 32);

export function forgeObject(forgery: Forgery): Buffer {
  const { vaultId, salt, body, magic = 'DSK1', type = 1, codec = 0 } = forgery;
  const header = Buffer.concat([Buffer.from(magic, 'latin1'), vaultId, salt]);
  const payloadHeader = Buffer.alloc(10);
  payloadHeader.writeUInt8(type, 0);
  payloadHeader.writeUInt8(codec, 1);
  payloadHeader.writeUInt32LE(forgery.rawLength ?? body.byteLength, 2);
  payloadHeader.writeUInt32LE(forgery.bodyLength ?? body.byteLength, 6);
  const unpadded = 10 + body.byteLength;
  const padding = forgery.padding ?? Buffer.alloc(Number(padme(BigInt(unpadded))) - unpadded);
  return encrypt(forgery, header, Buffer.concat([payloadHeader, body, padding]));
}

function encrypt(forgery: Forgery, header: Buffer, payload: Buffer): Buffer {
  const key = forgery.cipherKey ?? objectCipherKey(forgery.objectKey, forgery.salt);
  const cipher = createCipheriv(ALGORITHM, key, forgery.nonce ?? ZERO_NONCE, TAG);
  cipher.setAAD(forgery.associated ?? header, { plaintextLength: payload.byteLength });
  return Buffer.concat([header, cipher.update(payload), cipher.final(), cipher.getAuthTag()]);
}

/** The payload of a good object, header and padding included; throws when the tag does not fit. */
export function openPayload(objectKey: Buffer, object: Buffer): Buffer {
  const ciphertext = object.subarray(52, -16);
  const decipher = createDecipheriv(
    ALGORITHM,
    objectCipherKey(objectKey, object.subarray(20, 52)),
    ZERO_NONCE,
    TAG,
  );
  decipher.setAAD(object.subarray(0, 52), { plaintextLength: ciphertext.byteLength });
  decipher.setAuthTag(object.subarray(-16));
  return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
}

/** An LZ4 block of literals alone. */
export function literalBlock(bytes: Buffer): Buffer {
  const long = bytes.byteLength - 15;
  if (long < 0) return Buffer.concat([Buffer.from([bytes.byteLength << 4]), bytes]);
  return Buffer.concat([
    Buffer.from([0xf0]),
    Buffer.alloc(Math.floor(long / 255), 255),
    Buffer.from([long % 255]),
    bytes,
  ]);
}

/** An LZ4 block: `first` once, a match of `matchLength` (4 to 18) bytes that lie `offset` back, then literals. */
export function matchBlock(first: Buffer, offset: number, matchLength: number, last: Buffer): Buffer {
  const token = Buffer.from([(first.byteLength << 4) | (matchLength - 4)]);
  return Buffer.concat([token, first, Buffer.from([offset & 255, offset >> 8]), literalBlock(last)]);
}

export interface ZstdFrame {
  /** Bytes of content. */
  readonly raw: number;
  /** What it says of that; the truth unless told. */
  readonly says?: number;
  /** Bytes of the field that says so: 0, 1, 2, 4 or 8; 1 unless told. */
  readonly sizeField?: number;
  /** The byte that says how far back matches reach; a single segment without one. */
  readonly window?: number;
  readonly flags?: number;
  readonly dictionary?: Buffer;
  /** `size` is told of a run, whose one byte stands for so many. */
  readonly blocks?: readonly { readonly type: number; readonly bytes: Buffer; readonly size?: number }[];
  /** No block is marked as the last one. */
  readonly isOpen?: boolean;
  readonly magic?: string;
  readonly behind?: Buffer;
}

/** A zstd frame by RFC 8878, 3.1.1, with every field open to a lie; an empty stored block where none is told. */
export function zstdFrame(frame: ZstdFrame): Buffer {
  const { raw, says = raw, sizeField = 1, window, flags = 0, magic = '28b52ffd', isOpen = false } = frame;
  const blocks = frame.blocks ?? [{ type: 0, bytes: Buffer.alloc(0) }];
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(says - (sizeField === 2 ? 256 : 0)));
  const sizeFlag = { 2: 1, 4: 2, 8: 3 }[sizeField] ?? 0;
  const descriptor = (sizeFlag << 6) | (window === undefined ? 32 : 0) | flags;
  return Buffer.concat([
    Buffer.from(magic, 'hex'),
    Buffer.from(window === undefined ? [descriptor] : [descriptor, window]),
    frame.dictionary ?? Buffer.alloc(0),
    size.subarray(0, sizeField),
    ...blocks.flatMap(({ type, bytes, size: told }, index) => {
      const header = Buffer.alloc(3);
      const isLast = !isOpen && index === blocks.length - 1;
      header.writeUIntLE(((told ?? bytes.byteLength) << 3) | (type << 1) | Number(isLast), 0, 3);
      return [header, bytes];
    }),
    frame.behind ?? Buffer.alloc(0),
  ]);
}
