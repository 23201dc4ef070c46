/**
 * Argon2id (RFC 9106) and XChaCha20-Poly1305 through libsodium's WebAssembly build: for passwords and key wrapping only.
 * Its memory grows by what Argon2id takes and never shrinks, so it is loaded in a worker that ends afterwards.
 */
import sodium from 'libsodium-wrappers-sumo';

export const WRAP_NONCE_BYTES = 24;
export const WRAP_TAG_BYTES = 16;

/** Resolves when the WebAssembly module is ready. */
export async function loadSodium(): Promise<void> {
  await sodium.ready;
}

/** Argon2id as `argon2id.ts` describes it. */
export function portableArgon2id(
  password: Uint8Array,
  salt: Uint8Array,
  passes: number,
  memoryBytes: number,
): Uint8Array {
  return sodium.crypto_pwhash(32, password, salt, passes, memoryBytes, sodium.crypto_pwhash_ALG_ARGON2ID13);
}

/** Wraps a short secret: ciphertext followed by its 16-byte tag. `nonce` has 24 bytes and is never reused with `key`. */
export function wrap(
  key: Uint8Array,
  nonce: Uint8Array,
  secret: Uint8Array,
  associated: Uint8Array,
): Uint8Array {
  return sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(secret, associated, null, nonce, key);
}

/** The secret, or undefined when the tag does not fit. */
export function unwrap(
  key: Uint8Array,
  nonce: Uint8Array,
  wrapped: Uint8Array,
  associated: Uint8Array,
): Uint8Array | undefined {
  try {
    return sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(null, wrapped, associated, nonce, key);
  } catch {
    return undefined;
  }
}
