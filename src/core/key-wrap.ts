/**
 * XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) for wrapping short secrets: a nonce of 24 bytes, long enough to be drawn
 * at random. HChaCha20 is done here, ChaCha20-Poly1305 (RFC 8439) by node:crypto: libsodium would take 40 ms to load.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';

export const WRAP_KEY_BYTES = 32;
export const WRAP_NONCE_BYTES = 24;
export const WRAP_TAG_BYTES = 16;

const ALGORITHM = 'chacha20-poly1305';
const OPTIONS = { authTagLength: WRAP_TAG_BYTES };
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

/** Section 2.2 of the draft: a 32-byte subkey from the key and the first 16 bytes of the nonce. */
function hChaCha20(key: Uint8Array, nonce: Uint8Array): Uint8Array {
  if (key.byteLength !== WRAP_KEY_BYTES || nonce.byteLength !== WRAP_NONCE_BYTES) {
    throw new RangeError(
      `wrap: expected a ${WRAP_KEY_BYTES}-byte key and a ${WRAP_NONCE_BYTES}-byte nonce, ` +
        `got ${key.byteLength} and ${nonce.byteLength}`,
    );
  }
  const input = Buffer.concat([Buffer.from('expand 32-byte k'), key, nonce.subarray(0, SUBKEY_NONCE_BYTES)]);
  const state = Uint32Array.from({ length: 16 }, (_, index) => input.readUInt32LE(index * 4));
  for (let round = 0; round < 10; round++) {
    for (let column = 0; column < 4; column++) quarterRound(state, column, 0);
    for (let column = 0; column < 4; column++) quarterRound(state, column, 1);
  }
  const subkey = Buffer.alloc(WRAP_KEY_BYTES);
  for (let word = 0; word < 4; word++) {
    subkey.writeUInt32LE(state[word] ?? 0, word * 4);
    subkey.writeUInt32LE(state[word + 12] ?? 0, word * 4 + 16);
  }
  state.fill(0);
  input.fill(0);
  return subkey;
}

/** RFC 8439, 2.1, down a column, or with `slant` 1 down the diagonal that begins there. */
function quarterRound(state: Uint32Array, column: number, slant: 0 | 1): void {
  const place = (row: number): number => row * 4 + ((column + row * slant) % 4);
  const step = (to: number, by: number, mixed: number, bits: number): void => {
    state[to] = (state[to] ?? 0) + (state[by] ?? 0);
    const word = (state[mixed] ?? 0) ^ (state[to] ?? 0);
    state[mixed] = (word << bits) | (word >>> (32 - bits));
  };
  const [a, b, c, d] = [place(0), place(1), place(2), place(3)];
  step(a, b, d, 16);
  step(c, d, b, 12);
  step(a, b, d, 8);
  step(c, d, b, 7);
}
