/**
 * Argon2id (RFC 9106) through libsodium's WebAssembly build, for where no native one loads. Its memory grows by what
 * Argon2id takes and never shrinks, so it is loaded in a worker that ends afterwards.
 */
import sodium from 'libsodium-wrappers-sumo';

/** Resolves when the WebAssembly module is ready. */
export async function loadSodium(): Promise<void> {
  await sodium.ready;
}

/** Argon2id as `argon2id.ts` describes it, on the thread of the caller. */
export async function portableArgon2id(
  password: Uint8Array,
  salt: Uint8Array,
  passes: number,
  memoryBytes: number,
): Promise<Uint8Array> {
  await loadSodium();
  return sodium.crypto_pwhash(32, password, salt, passes, memoryBytes, sodium.crypto_pwhash_ALG_ARGON2ID13);
}
