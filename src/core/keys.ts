/**
 * The master key and the keys that come from it, each for one purpose (docs/FORMAT.md, "Keys").
 * Knows nothing of passwords: slot.ts wraps the master key.
 */

import { hkdf, hmacSha256 } from './hashes.js';
import type { PlainId, VaultId } from './ids.js';
import { idToBytes } from './ids.js';

export const MASTER_KEY_BYTES = 32;

/** Keys of one vault, 32 bytes each. Wipe with {@link wipeKeys} when the vault is closed. */
export interface VaultKeys {
  /** HMAC key of plain ids. */
  readonly dedup: Buffer;
  /** Input of every object's own cipher key. */
  readonly object: Buffer;
  /** Seeds the chunker's gear table and the boundaries of lists. */
  readonly chunker: Buffer;
  /** Ed25519 seed for signed requests to peers. */
  readonly signing: Buffer;
  /** Input of the cipher keys of names in the catalog. */
  readonly name: Buffer;
}

/** HKDF-SHA256(salt = vault id, info = "disktro/v1/<purpose>") of the 32-byte master key. */
export function deriveKeys(masterKey: Uint8Array, vaultId: VaultId): VaultKeys {
  const salt = idToBytes(vaultId);
  const derive = (purpose: string): Buffer => hkdf(masterKey, salt, `disktro/v1/${purpose}`, 32);
  return {
    dedup: derive('dedup'),
    object: derive('object'),
    chunker: derive('chunker'),
    signing: derive('signing'),
    name: derive('name'),
  };
}

export function wipeKeys(keys: VaultKeys): void {
  for (const key of Object.values(keys) as Buffer[]) key.fill(0);
}

/** What deduplication looks up: HMAC-SHA256 of the plaintext under the dedup key. */
export function plainIdOf(dedupKey: Uint8Array, plaintext: Uint8Array): PlainId {
  return hmacSha256(dedupKey, plaintext).toString('hex') as PlainId;
}
