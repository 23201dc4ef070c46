/**
 * Password work: opening slots and making new ones. On which thread says `password-work.ts`.
 */
import type { ErrorCode } from '../errors.js';
import { DisktroError, isDisktroError } from '../errors.js';
import { loadArgon2id } from './argon2id.js';
import type { VaultId } from './ids.js';
import { claimSeed, openSlot, sealSlot } from './slot.js';
import type { Slot, SlotCosts, SlotHeader } from './slot-shape.js';

export interface UnlockJob {
  readonly type: 'unlock';
  readonly vaultId: VaultId;
  readonly secret: string;
  readonly slots: readonly Slot[];
}

export interface Unlocked {
  readonly masterKey: Uint8Array;
  readonly slotId: string;
}

export interface SealSlotJob {
  readonly type: 'seal-slot';
  readonly vaultId: VaultId;
  readonly secret: string;
  readonly header: SlotHeader;
  readonly masterKey: Uint8Array;
  readonly nonce: Uint8Array;
}

/** Works out what shows a peer that the password is known: a seed for each slot. */
export interface ClaimJob {
  readonly type: 'claim';
  readonly secret: string;
  readonly slots: readonly SlotCosts[];
}

export interface SlotClaim {
  readonly slotId: string;
  /** 32 bytes: the seed of an Ed25519 key. */
  readonly seed: Uint8Array;
}

/** Loads what the next job needs. */
export interface PrepareJob {
  readonly type: 'prepare';
}

export type PasswordJob = UnlockJob | SealSlotJob | ClaimJob | PrepareJob;
export type PasswordResult<J extends PasswordJob> = J extends UnlockJob
  ? Unlocked
  : J extends SealSlotJob
    ? Slot
    : J extends ClaimJob
      ? readonly SlotClaim[]
      : undefined;

export async function runPasswordJob(
  job: PasswordJob,
): Promise<Unlocked | Slot | readonly SlotClaim[] | undefined> {
  if (job.type === 'prepare') {
    await loadArgon2id();
    return undefined;
  }
  if (job.type === 'unlock') return unlock(job);
  if (job.type === 'claim') {
    const claims: SlotClaim[] = [];
    for (const costs of job.slots) {
      claims.push({ slotId: costs.id, seed: await claimSeed(costs, job.secret) });
    }
    return claims;
  }
  return sealSlot(job.header, job.vaultId, job.secret, job.masterKey, job.nonce);
}

/**
 * Tries slot after slot. A slot that is broken does not stand in the way of a good one.
 * @throws E_SLOT_DAMAGED when the secret fits only a damaged slot, E_WRONG_PASSWORD when it fits none,
 *   E_SLOT_PARAMETERS when there are only slots whose costs are refused
 */
async function unlock({ slots, vaultId, secret }: UnlockJob): Promise<Unlocked> {
  const failures: DisktroError[] = [];
  for (const slot of slots) {
    try {
      return { masterKey: await openSlot(slot, vaultId, secret), slotId: slot.id };
    } catch (error) {
      if (!isDisktroError(error)) throw error;
      failures.push(error);
    }
  }
  const worst = (code: ErrorCode) => failures.find((failure) => failure.code === code);
  throw (
    worst('E_SLOT_DAMAGED') ??
    worst('E_WRONG_PASSWORD') ??
    failures[0] ??
    new DisktroError('E_WRONG_PASSWORD', 'wrong password or recovery code')
  );
}
