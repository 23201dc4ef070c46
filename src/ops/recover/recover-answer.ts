/**
 * The side of a recovery that answers (docs/PROTOCOL.md, "Recovery"): who shows that they know a password or a recovery
 * code of a vault gets the slot that it opens. Holds no key, learns no secret, and says the same to all others.
 */
import { equalInConstantTime, hkdf, hmacSha256 } from '../../core/hashes.js';
import type { VaultId } from '../../core/ids.js';
import { isSignedByRaw } from '../../core/seed-key.js';
import type { Slot, SlotCosts } from '../../core/slot-shape.js';
import type { SignedVaultRecord } from '../../net/vault-record.js';
import { recordVersions, storedRecord } from '../cluster/stored-records.js';
import { slotsOfRecord } from '../cluster/vault-record.js';
import type { OpenHome } from '../home/home.js';
import { KDF_MEMORY_BYTES, KDF_PASSES } from '../home/make-slot.js';

export interface FoundClaim {
  readonly record: SignedVaultRecord;
  readonly slot: Slot;
}

/** The bytes that a proof signs. @param exporter of the very connection */
export function proofBytes(exporter: Uint8Array): Buffer {
  return Buffer.from(`disktro/v1/recover\n${Buffer.from(exporter).toString('hex')}`);
}

/** The slot of a recovery code. Every one is compared, so that the time tells nothing. */
export function findByCode(home: OpenHome, claim: string): FoundClaim | undefined {
  const wanted = Buffer.from(claim, 'hex');
  let found: FoundClaim | undefined;
  for (const vault of Object.keys(recordVersions(home))) {
    const record = storedRecord(home, vault as VaultId);
    for (const slot of record === undefined ? [] : slotsOfRecord(record)) {
      const own = slot.kind === 'recovery' ? slot.claim : undefined;
      if (own === undefined || !equalInConstantTime(Buffer.from(own, 'hex'), wanted)) continue;
      if (record !== undefined) found = { record, slot };
    }
  }
  return found;
}

/** The slot whose password was proven, of those that a vault has. */
export function findByProof(
  home: OpenHome,
  vault: VaultId,
  proofs: Readonly<Record<string, string>>,
  exporter: Uint8Array,
): FoundClaim | undefined {
  const record = storedRecord(home, vault);
  if (record === undefined) return undefined;
  const bytes = proofBytes(exporter);
  const slot = passwordSlots(record).find(({ id, claim = '' }) =>
    isSignedByRaw(Buffer.from(claim, 'hex'), bytes, Buffer.from(proofs[id] ?? '', 'hex')),
  );
  return slot === undefined ? undefined : { record, slot };
}

/**
 * What the Argon2id of a vault's passwords needs. For a vault that is not here: the same each time, made up.
 * @param secret of this node; nobody else can make up the same
 */
export function costsOf(home: OpenHome, vault: VaultId, secret: Uint8Array): readonly SlotCosts[] {
  const record = storedRecord(home, vault);
  const slots = record === undefined ? [] : passwordSlots(record);
  if (slots.length > 0) {
    return slots.map(({ id, salt, opslimit, memlimit }) => ({ id, salt, opslimit, memlimit }));
  }
  const made = hmacSha256(secret, Buffer.from(`disktro/v1/no-vault\n${vault}`)).toString('hex');
  return [
    {
      id: made.slice(0, 16),
      salt: made.slice(16, 48),
      // As new slots have: a made-up one must look like one of them.
      opslimit: KDF_PASSES,
      memlimit: KDF_MEMORY_BYTES,
    },
  ];
}

/** A secret of the node that has nothing to do with what it signs. */
export function madeUpSecret(nodeKeyPem: string): Buffer {
  return hkdf(Buffer.from(nodeKeyPem), Buffer.alloc(0), 'disktro/v1/made-up', 32);
}

function passwordSlots(record: SignedVaultRecord): readonly Slot[] {
  return slotsOfRecord(record).filter(({ kind, claim }) => kind === 'password' && claim !== undefined);
}
