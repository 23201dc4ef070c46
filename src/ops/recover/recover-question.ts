/**
 * The side of a recovery that asks (docs/PROTOCOL.md, "Recovery"): shows a member that the secret is known, without
 * telling it, and opens the slot that comes back. Writes nothing.
 */
import type { VaultId } from '../../core/ids.js';
import { isVaultId } from '../../core/ids.js';
import { runPasswordWork } from '../../core/password-work.js';
import { isMistypedCode } from '../../core/recovery-code.js';
import { signWithSeed } from '../../core/seed-key.js';
import { recoveryClaim } from '../../core/slot.js';
import type { SlotCosts } from '../../core/slot-shape.js';
import { DisktroError, isDisktroError, usageError } from '../../errors.js';
import { MAX_KDF_MEMORY_BYTES, MAX_KDF_PASSES, MAX_SLOTS } from '../../limits.js';
import { RECOVER_EXPORTER_LABEL } from '../../net/invite.js';
import type { BoundConnection } from '../../net/peer-client.js';
import { PeerClient } from '../../net/peer-client.js';
import { jsonFields } from '../home/json-fields.js';
import type { VaultFile } from '../home/vault-files.js';
import { parseSlot, parseVault } from '../home/vault-files.js';
import { proofBytes } from './recover-answer.js';

export interface VaultQuestion {
  /** `host:port` of any member. */
  readonly address: string;
  /** A password or a recovery code. */
  readonly secret: string;
  /** Needed with a password: it is no name of a vault, as a recovery code is. */
  readonly vault: VaultId | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What the member has told. `vaultFile` and `masterKey` are borne out by the slot; the rest is unchecked. */
export interface RecoveredKey {
  readonly vaultFile: VaultFile;
  readonly masterKey: Uint8Array;
  readonly slotId: string;
  readonly authority: string | undefined;
  readonly invite: string | undefined;
  readonly records: unknown;
  readonly removals: unknown;
}

const SLOT_ANSWER_BYTES = 8 * 1024 * 1024;

/** @throws E_WRONG_PASSWORD, E_USAGE, E_PEER_UNREACHABLE, E_PEER_REFUSED, E_SLOT_DAMAGED */
export async function askForVault(question: VaultQuestion): Promise<RecoveredKey> {
  const { secret, vault, address, signal } = question;
  const claim = recoveryClaim(secret);
  if (claim === undefined && vault === undefined) {
    if (isMistypedCode(secret)) throw wrongSecret('a digit of the recovery code is wrong');
    throw usageError(
      'a password alone does not say which vault',
      'give --vault ID with the id that `disktro init` printed, or use the recovery code instead',
    );
  }
  const client = new PeerClient({ addresses: [address], credentials: undefined });
  try {
    const connection = await client.openBound(signal);
    try {
      const answer = await answerOf(connection, question, claim);
      return await openAnswer(answer, question);
    } finally {
      await connection.close();
    }
  } finally {
    await client.close();
  }
}

async function answerOf(
  connection: BoundConnection,
  { secret, vault, signal }: VaultQuestion,
  claim: Buffer | undefined,
): Promise<unknown> {
  const ask = (body: unknown): Promise<unknown> =>
    connection.json('POST', '/recover', body, { signal, maxBytes: SLOT_ANSWER_BYTES });
  try {
    if (claim !== undefined) return await ask({ v: 1, claim: claim.toString('hex') });
    const slots = costsOf(await ask({ v: 1, vault }));
    const claims = await runPasswordWork({ type: 'claim', secret, slots });
    const bytes = proofBytes(connection.exporter(RECOVER_EXPORTER_LABEL));
    const proofs = Object.fromEntries(
      claims.map(({ slotId, seed }) => [slotId, signWithSeed(seed, bytes).toString('hex')]),
    );
    return await ask({ v: 1, vault, proofs });
  } catch (error) {
    if (isDisktroError(error, 'E_PEER_REFUSED') && error.details?.status === 403) throw wrongSecret();
    throw error;
  }
}

function costsOf(json: unknown): readonly SlotCosts[] {
  const { slots } = (json ?? {}) as { readonly slots?: unknown };
  if (!Array.isArray(slots) || slots.length > MAX_SLOTS) throw broken('slots that are none');
  return readAnswer(() =>
    slots.map((slot) => {
      const fields = jsonFields(slot, 'slot', 'E_SLOT_INVALID');
      return {
        id: fields.hex('id', 8),
        salt: fields.hex('salt', 16),
        opslimit: fields.integer('opslimit', 0, MAX_KDF_PASSES),
        memlimit: fields.integer('memlimit', 0, MAX_KDF_MEMORY_BYTES),
      };
    }),
  );
}

/** What does not fit is the node's fault, not damage of this home. */
function readAnswer<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (isDisktroError(error)) throw broken(error.message);
    throw error;
  }
}

async function openAnswer(answer: unknown, { secret, vault }: VaultQuestion): Promise<RecoveredKey> {
  const { fields, vaultFile, slot } = readAnswer(() => {
    const all = jsonFields(answer, 'answer to recover', 'E_CORRUPT');
    const told = all.value('slot') as { readonly id?: unknown } | undefined;
    return {
      fields: all,
      vaultFile: parseVault(all.value('vault_file'), 'vault_file'),
      slot: parseSlot(told, String(told?.id)),
    };
  });
  const { vaultId } = vaultFile;
  if (!isVaultId(vaultId) || (vault !== undefined && vaultId !== vault)) throw broken('another vault');
  const unlocked = await runPasswordWork({ type: 'unlock', vaultId, secret, slots: [slot] });
  const text = (key: string): string | undefined => {
    const value = fields.value(key);
    return typeof value === 'string' ? value : undefined;
  };
  return {
    vaultFile,
    ...unlocked,
    authority: text('authority'),
    invite: text('invite'),
    records: fields.value('records'),
    removals: fields.value('removals'),
  };
}

function wrongSecret(why = 'wrong password or recovery code, or no such vault there'): DisktroError {
  return new DisktroError('E_WRONG_PASSWORD', why, {
    hint: 'check the code or the password, the vault id, and that this machine is of the right cluster',
  });
}

function broken(what: string): DisktroError {
  return new DisktroError('E_PEER_REFUSED', `the node answered with ${what}`);
}
