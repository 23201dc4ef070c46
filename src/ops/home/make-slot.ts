/** Wraps a master key under a password or a recovery code, at the costs that new slots have. Writes nothing. */
import { randomBytes } from 'node:crypto';
import type { VaultId } from '../../core/ids.js';
import { runPasswordWork } from '../../core/password-work.js';
import type { Slot, SlotHeader, SlotKind } from '../../core/slot-shape.js';
import { SLOT_ID_BYTES, SLOT_SALT_BYTES, SLOT_VERSION } from '../../core/slot-shape.js';
import { MIN_KDF_MEMORY_BYTES } from '../../limits.js';

/** Argon2id costs of new slots: 64 MiB and 3 passes, about 0.2 s (RFC 9106 §4, second recommended option). */
export const KDF_MEMORY_BYTES = MIN_KDF_MEMORY_BYTES;
export const KDF_PASSES = 3;

export interface SlotSecret {
  readonly vaultId: VaultId;
  readonly masterKey: Uint8Array;
  readonly kind: SlotKind;
  readonly secret: string;
  readonly label: string;
}

/** Wraps the master key in a new slot; nothing is written. */
export async function makeSlot({ vaultId, masterKey, kind, secret, label }: SlotSecret): Promise<Slot> {
  const isPassword = kind === 'password';
  const header: SlotHeader = {
    v: SLOT_VERSION,
    id: randomBytes(SLOT_ID_BYTES).toString('hex'),
    kind,
    kdf: isPassword ? 'argon2id' : 'hkdf',
    salt: randomBytes(SLOT_SALT_BYTES).toString('hex'),
    opslimit: isPassword ? KDF_PASSES : 0,
    memlimit: isPassword ? KDF_MEMORY_BYTES : 0,
    label,
    created: new Date().toISOString(),
  };
  return runPasswordWork({ type: 'seal-slot', vaultId, secret, header, masterKey, nonce: randomBytes(24) });
}
