/**
 * A slot: the master key, wrapped under a password or a recovery code (docs/FORMAT.md, "Keys").
 * Works on plain values; reading and writing slot files is the ops room's business.
 */
import { DisktroError, integrityError } from '../errors.js';
import { MAX_KDF_MEMORY_BYTES, MAX_KDF_PASSES, MIN_KDF_MEMORY_BYTES, MIN_KDF_PASSES } from '../limits.js';
import { argon2id } from './argon2id.js';
import { equalInConstantTime, hkdf, hmacSha256 } from './hashes.js';
import type { VaultId } from './ids.js';
import { unwrap, WRAP_NONCE_BYTES, wrap } from './key-wrap.js';
import { MASTER_KEY_BYTES } from './keys.js';
import { parseRecoveryCode } from './recovery-code.js';
import { rawPublicKeyOfSeed, SEED_BYTES } from './seed-key.js';
import type { Slot, SlotCosts, SlotHeader, SlotKind } from './slot-shape.js';
import { CLAIM_BYTES } from './slot-shape.js';

/** Wraps a 32-byte master key. `nonce` (24 bytes) must be fresh. */
export async function sealSlot(
  header: SlotHeader,
  vaultId: VaultId,
  secret: string,
  masterKey: Uint8Array,
  nonce: Uint8Array,
): Promise<Slot> {
  if (nonce.byteLength !== WRAP_NONCE_BYTES || masterKey.byteLength !== MASTER_KEY_BYTES) {
    throw new RangeError(
      `slot: expected a ${WRAP_NONCE_BYTES}-byte nonce and a ${MASTER_KEY_BYTES}-byte key`,
    );
  }
  checkParameters(header);
  const keys = await slotKeys(header, secret);
  if (keys === undefined) throw new RangeError('slot: not a recovery code');
  const bound = headerBytes(header, vaultId);
  return {
    ...header,
    check: hmacSha256(keys.commit, bound).toString('hex'),
    nonce: Buffer.from(nonce).toString('hex'),
    wrapped: Buffer.from(wrap(keys.wrap, nonce, masterKey, bound)).toString('hex'),
    claim: (header.kind === 'password' ? rawPublicKeyOfSeed(keys.claim) : keys.claim).toString('hex'),
  };
}

/**
 * What shows a peer that somebody knows a password: the Ed25519 seed whose public key is the slot's claim.
 * @throws E_SLOT_PARAMETERS for KDF costs out of bounds, before any work
 */
export async function claimSeed(costs: SlotCosts, password: string): Promise<Buffer> {
  checkParameters({ ...costs, kind: 'password', kdf: 'argon2id' });
  const salt = Buffer.from(costs.salt, 'hex');
  const material = await passwordMaterial(password, salt, costs);
  try {
    return claimOf('password', material, salt);
  } finally {
    material.fill(0);
  }
}

/** By what a recovery code finds its slot: 16 bytes. @returns undefined when it is no recovery code */
export function recoveryClaim(code: string): Buffer | undefined {
  const material = parseRecoveryCode(code);
  if (material === undefined) return undefined;
  try {
    return claimOf('recovery', material, Buffer.alloc(0));
  } finally {
    material.fill(0);
  }
}

/**
 * Opens a slot with a password or a recovery code.
 * @returns the 32-byte master key
 * @throws E_WRONG_PASSWORD when the secret is another, E_SLOT_PARAMETERS for KDF costs out of bounds,
 *   E_SLOT_DAMAGED when the secret is right and the wrapped key is not
 */
export async function openSlot(slot: Slot, vaultId: VaultId, secret: string): Promise<Uint8Array> {
  checkParameters(slot);
  const keys = await slotKeys(slot, secret);
  const bound = headerBytes(slot, vaultId);
  const check = Buffer.from(slot.check, 'hex');
  if (keys === undefined || !equalInConstantTime(hmacSha256(keys.commit, bound), check)) {
    throw new DisktroError('E_WRONG_PASSWORD', 'wrong password or recovery code');
  }
  const masterKey = unwrap(
    keys.wrap,
    Buffer.from(slot.nonce, 'hex'),
    Buffer.from(slot.wrapped, 'hex'),
    bound,
  );
  if (masterKey === undefined) {
    throw integrityError(
      'E_SLOT_DAMAGED',
      `slot ${slot.id}: the password is right, but the wrapped key is damaged`,
    );
  }
  return masterKey;
}

/** Refuses KDF costs that are too cheap (downgrade) or too dear (denial of service). */
export function checkParameters(
  header: Pick<SlotHeader, 'id' | 'kind' | 'kdf' | 'opslimit' | 'memlimit'>,
): void {
  if (header.kind === 'recovery') {
    if (header.kdf === 'hkdf' && header.opslimit === 0 && header.memlimit === 0) return;
    throw integrityError(
      'E_SLOT_PARAMETERS',
      `slot ${header.id}: expected kdf hkdf without costs for a recovery code`,
    );
  }
  const isWithin = (value: number, least: number, most: number): boolean =>
    Number.isInteger(value) && value >= least && value <= most;
  const isPassesFine = isWithin(header.opslimit, MIN_KDF_PASSES, MAX_KDF_PASSES);
  const isMemoryFine = isWithin(header.memlimit, MIN_KDF_MEMORY_BYTES, MAX_KDF_MEMORY_BYTES);
  if (header.kdf === 'argon2id' && isPassesFine && isMemoryFine) return;
  throw integrityError(
    'E_SLOT_PARAMETERS',
    `slot ${header.id}: expected argon2id with ${MIN_KDF_PASSES} to ${MAX_KDF_PASSES} passes and ` +
      `${MIN_KDF_MEMORY_BYTES} to ${MAX_KDF_MEMORY_BYTES} bytes, got ${header.kdf}, ${header.opslimit}, ${header.memlimit}`,
  );
}

interface SlotKeys {
  readonly wrap: Buffer;
  readonly commit: Buffer;
  /** A seed for a password, the claim itself for a recovery code. */
  readonly claim: Buffer;
}

async function slotKeys(header: SlotHeader, secret: string): Promise<SlotKeys | undefined> {
  const salt = Buffer.from(header.salt, 'hex');
  const isPassword = header.kind === 'password';
  const material = isPassword ? await passwordMaterial(secret, salt, header) : parseRecoveryCode(secret);
  if (material === undefined) return undefined;
  const keys = {
    wrap: hkdf(material, salt, 'disktro/v1/slot-wrap', 32),
    commit: hkdf(material, salt, 'disktro/v1/slot-commit', 32),
    claim: claimOf(header.kind, material, isPassword ? salt : Buffer.alloc(0)),
  };
  material.fill(0);
  return keys;
}

async function passwordMaterial(
  secret: string,
  salt: Uint8Array,
  { opslimit, memlimit }: Pick<SlotHeader, 'opslimit' | 'memlimit'>,
): Promise<Uint8Array> {
  const password = Buffer.from(secret.normalize('NFC'), 'utf8');
  try {
    return await argon2id(password, salt, opslimit, memlimit);
  } finally {
    password.fill(0);
  }
}

/** The code's salt is empty: whoever asks with a code does not know yet which slot is its. */
function claimOf(kind: SlotKind, material: Uint8Array, salt: Uint8Array): Buffer {
  return hkdf(material, salt, 'disktro/v1/claim', kind === 'password' ? SEED_BYTES : CLAIM_BYTES.recovery);
}

/** "disktro slot", the vault id and the fields in the order of {@link SlotHeader}, each as u32le length and UTF-8 bytes. */
function headerBytes(header: SlotHeader, vaultId: VaultId): Buffer {
  const fields = [
    'disktro slot',
    vaultId,
    String(header.v),
    header.id,
    header.kind,
    header.kdf,
    header.salt,
    String(header.opslimit),
    String(header.memlimit),
    header.label,
    header.created,
  ];
  return Buffer.concat(
    fields.map((field) => {
      const text = Buffer.from(field, 'utf8');
      const length = Buffer.alloc(4);
      length.writeUInt32LE(text.byteLength);
      return Buffer.concat([length, text]);
    }),
  );
}
