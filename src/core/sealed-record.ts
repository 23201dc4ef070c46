/**
 * Names at rest: small records (name, host, tags) sealed for the catalog, which a thief of the disk can read.
 * salt (32) | ChaCha20-Poly1305 ciphertext | tag (16); plaintext = u32le length | CBOR | zeros to a multiple of 64.
 */
import { integrityError } from '../errors.js';
import type { CborValue } from './cbor.js';
import { decodeCbor, encodeCbor } from './cbor.js';
import { decryptInto, encryptInto, TAG_BYTES } from './cipher.js';
import { hkdf, hmacSha256 } from './hashes.js';
import { SALT_BYTES } from './object.js';

const PAD_TO_BYTES = 64;
const NAME_TAG_BYTES = 16;
const ASSOCIATED = Buffer.from('disktro/v1/record', 'latin1');

/** @param salt 32 fresh random bytes */
export function sealRecord(nameKey: Uint8Array, salt: Uint8Array, value: CborValue): Buffer {
  const encoded = encodeCbor(value);
  const plain = Buffer.alloc(Math.ceil((4 + encoded.byteLength) / PAD_TO_BYTES) * PAD_TO_BYTES);
  plain.writeUInt32LE(encoded.byteLength, 0);
  plain.set(encoded, 4);
  const sealed = Buffer.alloc(SALT_BYTES + plain.byteLength + TAG_BYTES);
  sealed.set(salt, 0);
  encryptInto(recordKey(nameKey, salt), ASSOCIATED, [plain], sealed.subarray(SALT_BYTES));
  return sealed;
}

/** @throws E_CATALOG_CORRUPT */
export function openRecord(nameKey: Uint8Array, sealed: Uint8Array): CborValue {
  if (sealed.byteLength < SALT_BYTES + TAG_BYTES + PAD_TO_BYTES) {
    throw integrityError('E_CATALOG_CORRUPT', `sealed record: too short, ${sealed.byteLength} bytes`);
  }
  const plain = Buffer.alloc(sealed.byteLength - SALT_BYTES - TAG_BYTES);
  const key = recordKey(nameKey, sealed.subarray(0, SALT_BYTES));
  decryptInto(key, ASSOCIATED, sealed.subarray(SALT_BYTES), plain, 'E_CATALOG_CORRUPT');
  const length = plain.readUInt32LE(0);
  if (length > plain.byteLength - 4) throw integrityError('E_CATALOG_CORRUPT', 'sealed record: bad length');
  return decodeCbor(plain.subarray(4, 4 + length));
}

/** A name's tag: 16 bytes that let an exact name be looked up without opening every record. */
export function nameTag(nameKey: Uint8Array, name: string): Buffer {
  return hmacSha256(nameKey, Buffer.from(`name ${name}`, 'utf8')).subarray(0, NAME_TAG_BYTES);
}

/** The same for where a file or tree lay: `path` is absolute on `host`. */
export function pathTag(nameKey: Uint8Array, host: string, path: string | Uint8Array): Buffer {
  const parts = [Buffer.from(`path ${host}\0`, 'utf8'), Buffer.from(path)];
  return hmacSha256(nameKey, Buffer.concat(parts)).subarray(0, NAME_TAG_BYTES);
}

function recordKey(nameKey: Uint8Array, salt: Uint8Array): Buffer {
  return hkdf(nameKey, salt, 'disktro/v1/record', 32);
}
