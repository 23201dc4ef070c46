/**
 * XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) for wrapping short secrets: a nonce of 24 bytes, long enough to be drawn
 * at random. ChaCha20 and ChaCha20-Poly1305 (RFC 8439) are those of node:crypto: libsodium would take 40 ms to load.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';

const WRAP_KEY_BYTES = 32;
export const WRAP_NONCE_BYTES = 24;
const WRAP_TAG_BYTES = 16;

const ALGORITHM = 'chacha20-poly1305';
const OPTIONS = { authTagLength: WRAP_TAG_BYTES };
const CHACHA20_BLOCK_BYTES = 64;
const ROW_BYTES = 16;
const FIRST_ROW = Buffer.from('expand 32-byte k');
/** The part of the nonce that goes into the subkey. */
const SUBKEY_NONCE_BYTES = 16;

/** Wraps a short secret: ciphertext followed by its 16-byte tag. `nonce` has 24 bytes and is never reused with `key`. */
export function wrap(
  key: Uint8Array,
  nonce: Uint8Array,
  secret: Uint8Array,
  associated: Uint8Array,
): Uint8Array {
  const subkey = hChaCha20(key, nonce);
  try {
    const cipher = createCipheriv(ALGORITHM, subkey, innerNonce(nonce), OPTIONS);
    cipher.setAAD(associated, { plaintextLength: secret.byteLength });
    return Buffer.concat([cipher.update(secret), cipher.final(), cipher.getAuthTag()]);
  } finally {
    subkey.fill(0);
  }
}

/** The secret, or undefined when the tag or the nonce does not fit. */
export function unwrap(
  key: Uint8Array,
  nonce: Uint8Array,
  wrapped: Uint8Array,
  associated: Uint8Array,
): Uint8Array | undefined {
  const secretBytes = wrapped.byteLength - WRAP_TAG_BYTES;
  if (secretBytes < 0 || nonce.byteLength !== WRAP_NONCE_BYTES) return undefined;
  const subkey = hChaCha20(key, nonce);
  try {
    const decipher = createDecipheriv(ALGORITHM, subkey, innerNonce(nonce), OPTIONS);
    decipher.setAAD(associated, { plaintextLength: secretBytes });
    decipher.setAuthTag(wrapped.subarray(secretBytes));
    const secret = decipher.update(wrapped.subarray(0, secretBytes));
    return isAuthentic(decipher) ? secret : undefined;
  } finally {
    subkey.fill(0);
  }
}

function isAuthentic(decipher: { final(): Buffer }): boolean {
  try {
    decipher.final();
    return true;
  } catch {
    return false;
  }
}

/** Four zero bytes, then the 8 bytes of the nonce that the subkey has not seen. */
function innerNonce(nonce: Uint8Array): Uint8Array {
  const inner = new Uint8Array(12);
  inner.set(nonce.subarray(SUBKEY_NONCE_BYTES), 4);
  return inner;
}

/**
 * Section 2.2 of the draft: a 32-byte subkey from the key and the first 16 bytes of the nonce. A block of ChaCha20's
 * key stream is the state after its rounds plus the state before (RFC 8439, 2.3), and HChaCha20 is the first and the
 * last row of the one without the other.
 */
function hChaCha20(key: Uint8Array, nonce: Uint8Array): Uint8Array {
  if (key.byteLength !== WRAP_KEY_BYTES || nonce.byteLength !== WRAP_NONCE_BYTES) {
    throw new RangeError(
      `wrap: expected a ${WRAP_KEY_BYTES}-byte key and a ${WRAP_NONCE_BYTES}-byte nonce, ` +
        `got ${key.byteLength} and ${nonce.byteLength}`,
    );
  }
  const input = nonce.subarray(0, SUBKEY_NONCE_BYTES);
  const block = createCipheriv('chacha20', key, input).update(Buffer.alloc(CHACHA20_BLOCK_BYTES));
  const before = Buffer.concat([FIRST_ROW, input]);
  const subkey = Buffer.alloc(WRAP_KEY_BYTES);
  for (let at = 0; at < WRAP_KEY_BYTES; at += 4) {
    const after = block.readUInt32LE(at < ROW_BYTES ? at : at + 2 * ROW_BYTES);
    subkey.writeUInt32LE((after - before.readUInt32LE(at)) >>> 0, at);
  }
  block.fill(0);
  return subkey;
}
