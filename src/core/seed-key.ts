/** Ed25519 keys (RFC 8032) from 32-byte seeds: the same seed is the same key on every machine. Knows no purposes. */
import type { KeyObject } from 'node:crypto';
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';

export const SEED_BYTES = 32;
const RAW_PUBLIC_KEY_BYTES = 32;

/** PKCS #8 and SPKI around a bare Ed25519 key (RFC 8410): constant bytes, and then the key. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/** The private key of a 32-byte seed. The seed may be wiped afterwards. */
export function privateKeyOfSeed(seed: Uint8Array): KeyObject {
  if (seed.byteLength !== SEED_BYTES) throw new RangeError(`seed: expected ${SEED_BYTES} bytes`);
  const der = Buffer.concat([PKCS8_PREFIX, seed]);
  try {
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  } finally {
    der.fill(0);
  }
}

/** The public key of a seed as SPKI, DER: 44 bytes. */
export function spkiOfSeed(seed: Uint8Array): Buffer {
  return createPublicKey(privateKeyOfSeed(seed)).export({ type: 'spki', format: 'der' });
}

/** The public key of a seed, bare: 32 bytes. */
export function rawPublicKeyOfSeed(seed: Uint8Array): Buffer {
  return spkiOfSeed(seed).subarray(SPKI_PREFIX.byteLength);
}

/** @returns 64 bytes */
export function signWithSeed(seed: Uint8Array, bytes: Uint8Array): Buffer {
  return sign(null, bytes, privateKeyOfSeed(seed));
}

/** Whether a signature fits. False for keys and signatures of any other length or form. Never throws. */
export function isSignedByRaw(rawPublicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean {
  if (rawPublicKey.byteLength !== RAW_PUBLIC_KEY_BYTES || signature.byteLength !== 64) return false;
  try {
    const der = Buffer.concat([SPKI_PREFIX, rawPublicKey]);
    return verify(null, bytes, createPublicKey({ key: der, format: 'der', type: 'spki' }), signature);
  } catch {
    return false;
  }
}
