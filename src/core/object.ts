/**
 * The object: one chunk or manifest, sealed (docs/FORMAT.md, "Object"). What is stored and what is sent.
 * Pure functions over the caller's buffers, callable inline or in a worker.
 *
 *     0   4   magic "DSK1"
 *     4  16   vault id
 *    20  32   salt, fresh random bytes per object
 *    52   n   ChaCha20-Poly1305 ciphertext of the payload
 *     .  16   tag
 */
import { integrityError } from '../errors.js';
import { MAX_RAW_BYTES } from '../limits.js';
import { decryptInto, encryptInto, TAG_BYTES } from './cipher.js';
import type { BlockCodec, BlockDecoder, Compression } from './codec.js';
import { CODEC_STORED, CODEC_ZSTD, isWorthCompressing } from './codec.js';
import { codecFor, decoderFor } from './codecs.js';
import { hkdf, sha256Hex } from './hashes.js';
import type { StoreId, VaultId } from './ids.js';
import { idToBytes, vaultIdFromBytes } from './ids.js';
import { padmeLength } from './padding.js';

export type ObjectKind = 'chunk' | 'manifest';

export const SALT_BYTES = 32;
export const OBJECT_HEADER_BYTES = 52;
const PAYLOAD_HEADER_BYTES = 10;
export const MIN_OBJECT_BYTES = OBJECT_HEADER_BYTES + PAYLOAD_HEADER_BYTES + TAG_BYTES;

const MAGIC = Buffer.from('DSK1', 'latin1');
const TYPES: Readonly<Record<ObjectKind, number>> = { chunk: 1, manifest: 2 };
const ZEROS = new Uint8Array(64 * 1024);
/** In front of a payload, so that its body begins word-aligned: copying to shared memory is then seven times as fast. */
const ALIGNING_BYTES = 6;

/** The length of an object whose body has `bodyBytes` bytes. */
export function objectBytes(bodyBytes: number): number {
  return OBJECT_HEADER_BYTES + padmeLength(PAYLOAD_HEADER_BYTES + bodyBytes) + TAG_BYTES;
}

/** The longest object that `rawBytes` bytes of plaintext can become: larger ones are refused unread. */
export function maxObjectBytes(rawBytes: number): number {
  return objectBytes(rawBytes);
}

export interface SealingKeys {
  readonly vaultId: VaultId;
  /** The vault's object key, 32 bytes. */
  readonly objectKey: Uint8Array;
}

export interface SealOptions {
  readonly kind: ObjectKind;
  /** 32 fresh random bytes, never used before: the cipher key comes from them (I3). */
  readonly salt: Uint8Array;
  readonly compression: Compression;
  /** In place of the one that loads here for `compression`. */
  readonly codec?: BlockCodec;
}

export interface Sealed {
  readonly id: StoreId;
  /** Bytes of `out` that the object takes. */
  readonly length: number;
}

/** Working memory that grows to the largest chunk seen and is kept: a fresh 1 MiB per chunk costs more than encrypting it. */
export class Scratch {
  #bytes = Buffer.alloc(0);

  atLeast(length: number): Buffer {
    if (this.#bytes.byteLength < length) this.#bytes = Buffer.allocUnsafeSlow(length);
    return this.#bytes.subarray(0, length);
  }
}

/**
 * Compresses, pads and encrypts `raw` (at most 64 MiB) into the front of `out`.
 *
 * @param out at least {@link maxObjectBytes}(raw.byteLength) bytes, not overlapping `raw`
 */
export function sealObject(
  keys: SealingKeys,
  raw: Uint8Array,
  options: SealOptions,
  out: Uint8Array,
  scratch: Scratch,
): Sealed {
  if (options.salt.byteLength !== SALT_BYTES || raw.byteLength > MAX_RAW_BYTES) {
    throw new RangeError(`object: expected a ${SALT_BYTES}-byte salt and at most ${MAX_RAW_BYTES} bytes`);
  }
  const { codecByte, body } = compressBody(raw, options, scratch);
  const payloadHeader = Buffer.alloc(PAYLOAD_HEADER_BYTES);
  payloadHeader.writeUInt8(TYPES[options.kind], 0);
  payloadHeader.writeUInt8(codecByte, 1);
  payloadHeader.writeUInt32LE(raw.byteLength, 2);
  payloadHeader.writeUInt32LE(body.byteLength, 6);

  out.set(MAGIC, 0);
  out.set(idToBytes(keys.vaultId), 4);
  out.set(options.salt, 20);
  const header = out.subarray(0, OBJECT_HEADER_BYTES);
  const unpadded = PAYLOAD_HEADER_BYTES + body.byteLength;
  const parts = [payloadHeader, body, ...zeros(padmeLength(unpadded) - unpadded)];
  const sealedBytes = encryptInto(
    objectCipherKey(keys, options.salt),
    header,
    parts,
    out.subarray(OBJECT_HEADER_BYTES),
  );
  const length = OBJECT_HEADER_BYTES + sealedBytes;
  return { id: sha256Hex(out.subarray(0, length)) as StoreId, length };
}

export interface OpenOptions {
  readonly kind: ObjectKind;
  /** The name it was stored under. */
  readonly id: StoreId;
  /** The plaintext's length, when a manifest has promised one. */
  readonly rawBytes?: number;
  /** The longest plaintext that is accepted: the vault's maximum chunk, at most 64 MiB. */
  readonly maxRawBytes: number;
  /** In place of the one that loads here for its codec byte. */
  readonly codec?: BlockDecoder;
}

/** The object is whole so far, and can be opened once `loadZstdDecoder` has been waited for. */
export class DecoderNotLoaded extends Error {}

/**
 * Checks and opens an object: length, magic, vault, store id, tag, type, codec, sizes, padding, body, in this order.
 * Nothing is written to what `output` returns before the tag has been verified (I4).
 *
 * @param output gives the buffer for the plaintext, exactly the length asked for
 * @returns that buffer, filled
 * @throws E_OBJECT_LENGTH, E_OBJECT_MAGIC, E_OBJECT_VAULT, E_OBJECT_ID, E_OBJECT_TAG, E_OBJECT_TYPE, E_OBJECT_CODEC,
 *   E_OBJECT_SIZES, E_OBJECT_PADDING, E_OBJECT_BODY; {@link DecoderNotLoaded} before `output` is asked
 */
export function openObject<Output extends Uint8Array>(
  keys: SealingKeys,
  object: Uint8Array,
  options: OpenOptions,
  output: (length: number) => Output,
  scratch: Scratch,
): Output {
  checkEnvelope(keys, object, options);
  const header = object.subarray(0, OBJECT_HEADER_BYTES);
  const payloadBytes = object.byteLength - OBJECT_HEADER_BYTES - TAG_BYTES;
  const payload = scratch.atLeast(ALIGNING_BYTES + payloadBytes).subarray(ALIGNING_BYTES);
  const cipherKey = objectCipherKey(keys, object.subarray(20, 20 + SALT_BYTES));
  decryptInto(cipherKey, header, object.subarray(OBJECT_HEADER_BYTES), payload);

  const { codecByte, rawLength, body } = readPayload(payload, options);
  if (codecByte === CODEC_STORED) {
    const target = output(rawLength);
    target.set(body);
    return target;
  }
  const decoder = options.codec?.byte === codecByte ? options.codec : decoderFor(codecByte);
  if (decoder === undefined) throw new DecoderNotLoaded();
  const target = output(rawLength);
  const written = decoder.decompress(body, target);
  if (written !== rawLength) {
    throw integrityError(
      'E_OBJECT_BODY',
      `compressed body: expected ${rawLength} bytes from it, got ${written}`,
    );
  }
  return target;
}

/** The vault an object belongs to, told from its first 20 bytes; undefined when they are not those of an object. */
export function vaultOf(object: Uint8Array): VaultId | undefined {
  if (object.byteLength < 20 || MAGIC.compare(object, 0, 4) !== 0) return undefined;
  return vaultIdFromBytes(object.subarray(4, 20));
}

/** Length, magic, vault id and store id: what can be checked of an object without any key. */
export function checkEnvelope(
  keys: Pick<SealingKeys, 'vaultId'>,
  object: Uint8Array,
  options: OpenOptions,
): void {
  const most = maxObjectBytes(Math.min(options.maxRawBytes, MAX_RAW_BYTES));
  if (object.byteLength < MIN_OBJECT_BYTES || object.byteLength > most) {
    throw integrityError(
      'E_OBJECT_LENGTH',
      `object length: expected ${MIN_OBJECT_BYTES} to ${most} bytes, got ${object.byteLength}`,
    );
  }
  if (MAGIC.compare(object, 0, 4) !== 0) {
    throw integrityError('E_OBJECT_MAGIC', 'object does not begin with "DSK1"');
  }
  const vault = Buffer.from(object.subarray(4, 20)).toString('hex');
  if (vault !== keys.vaultId) {
    throw integrityError('E_OBJECT_VAULT', `object belongs to vault ${vault}, expected ${keys.vaultId}`);
  }
  const id = sha256Hex(object);
  if (id !== options.id) {
    throw integrityError('E_OBJECT_ID', `object hashes to ${id}, expected ${options.id}`);
  }
}

interface Payload {
  readonly codecByte: number;
  readonly rawLength: number;
  readonly body: Uint8Array;
}

function readPayload(payload: Buffer, options: OpenOptions): Payload {
  const type = payload.readUInt8(0);
  if (type !== TYPES[options.kind]) {
    throw integrityError(
      'E_OBJECT_TYPE',
      `object type: expected ${TYPES[options.kind]} (${options.kind}), got ${type}`,
    );
  }
  const codecByte = payload.readUInt8(1);
  if (codecByte > CODEC_ZSTD) {
    throw integrityError(
      'E_OBJECT_CODEC',
      `codec: expected 0 (stored), 1 (LZ4) or 2 (zstd), got ${codecByte}`,
    );
  }
  const rawLength = payload.readUInt32LE(2);
  const bodyLength = payload.readUInt32LE(6);
  checkSizes(payload.byteLength, codecByte, rawLength, bodyLength, options);
  const bodyEnd = PAYLOAD_HEADER_BYTES + bodyLength;
  const padding = payload.subarray(bodyEnd);
  if (!isZero(padding)) throw integrityError('E_OBJECT_PADDING', 'padding: expected zeros');
  return { codecByte, rawLength, body: payload.subarray(PAYLOAD_HEADER_BYTES, bodyEnd) };
}

function checkSizes(
  payload: number,
  codecByte: number,
  raw: number,
  body: number,
  options: OpenOptions,
): void {
  const most = Math.min(options.maxRawBytes, MAX_RAW_BYTES);
  const fail = (what: string): never => {
    throw integrityError('E_OBJECT_SIZES', what);
  };
  if (raw > most) fail(`raw length: expected at most ${most} bytes, got ${raw}`);
  if (options.rawBytes !== undefined && raw !== options.rawBytes) {
    fail(`raw length: expected ${options.rawBytes} bytes, got ${raw}`);
  }
  if (payload !== padmeLength(PAYLOAD_HEADER_BYTES + body)) {
    fail(
      `payload length: expected ${padmeLength(PAYLOAD_HEADER_BYTES + body)} bytes for a body of ${body}, got ${payload}`,
    );
  }
  if (codecByte === CODEC_STORED && body !== raw) fail(`stored body: expected ${raw} bytes, got ${body}`);
  if (codecByte !== CODEC_STORED && body >= raw)
    fail(`compressed body: expected fewer than ${raw} bytes, got ${body}`);
}

function compressBody(
  raw: Uint8Array,
  options: SealOptions,
  scratch: Scratch,
): { codecByte: number; body: Uint8Array } {
  const stored = { codecByte: CODEC_STORED, body: raw };
  if (options.compression === 'none' || raw.byteLength < 2) return stored;
  const codec = options.codec ?? codecFor(options.compression);
  const isSampled = options.compression !== 'lz4';
  if (codec === undefined || (isSampled && !isWorthCompressing(codec, raw))) return stored;
  const room = scratch.atLeast(raw.byteLength - 1);
  const length = codec.compress(raw, room);
  return length <= 0 ? stored : { codecByte: codec.byte, body: room.subarray(0, length) };
}

function objectCipherKey(keys: SealingKeys, salt: Uint8Array): Buffer {
  return hkdf(keys.objectKey, salt, 'disktro/v1/object', 32);
}

/** Views of zeros that add up to `count` bytes. */
function zeros(count: number): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let rest = count; rest > 0; rest -= ZEROS.byteLength)
    parts.push(ZEROS.subarray(0, Math.min(rest, ZEROS.byteLength)));
  return parts;
}

function isZero(bytes: Buffer): boolean {
  for (let at = 0; at < bytes.byteLength; at += ZEROS.byteLength) {
    const slice = bytes.subarray(at, at + ZEROS.byteLength);
    if (slice.compare(ZEROS, 0, slice.byteLength) !== 0) return false;
  }
  return true;
}
