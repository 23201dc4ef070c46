/** The slots of a vault: each opens it with another password or recovery code. Changing one rewrites no data. */
import { randomBytes } from 'node:crypto';
import { formatRecoveryCode, RECOVERY_CODE_BYTES } from '../../core/recovery-code.js';
import type { Slot, SlotKind } from '../../core/slot-shape.js';
import { DisktroError, notFound, usageError } from '../../errors.js';
import { MAX_LABEL_LENGTH, MAX_SLOTS } from '../../limits.js';
import type { Home } from './home.js';
import { makeSlot } from './make-slot.js';
import type { OpenVault, Vault } from './vault.js';
import { opened, openedHome } from './vault.js';
import type { FoundSlot } from './vault-files.js';
import { readSlots, removeSlotFile, writeSlot } from './vault-files.js';

export interface SlotSummary {
  readonly id: string;
  readonly kind: SlotKind;
  readonly label: string;
  /** ISO 8601, UTC. */
  readonly created: string;
  /** Whether it is the one that the given password opened. */
  readonly opened: boolean;
  readonly damaged: boolean;
}

/** All slots, also damaged ones. Needs no password. */
export async function listSlots(home: Home): Promise<readonly SlotSummary[]> {
  const found = await slotsOf(home);
  const openedSlot = 'slotId' in home ? home.slotId : undefined;
  return found.map(({ id, slot }) => summary(id, slot, id === openedSlot));
}

/** @throws E_SLOT_LIMIT for a ninth slot */
export async function addPasswordSlot(
  vault: Vault,
  { newPassword, label = 'password' }: { readonly newPassword: string; readonly label?: string },
): Promise<SlotSummary> {
  const slot = await addSlot(opened(vault), 'password', newPassword, label);
  return summary(slot.id, slot, false);
}

/**
 * @param idPrefix a unique beginning of the slot's id
 * @throws E_NOT_FOUND, E_AMBIGUOUS; E_SLOT_LIMIT for the last slot that works
 */
export async function removeSlot(vault: Vault, idPrefix: string): Promise<SlotSummary> {
  const { home, slotId } = opened(vault);
  const found = await slotsOf(vault);
  const matches = found.filter(({ id }) => id.startsWith(idPrefix));
  const [match] = matches;
  if (match === undefined || idPrefix === '') {
    throw notFound(
      `no slot begins with ${JSON.stringify(idPrefix)}`,
      'run `disktro key list` to see the slots',
    );
  }
  if (matches.length > 1) {
    throw new DisktroError('E_AMBIGUOUS', `${matches.length} slots begin with ${idPrefix}`, {
      details: { matches: matches.map(({ id }) => id) },
    });
  }
  const remaining = found.filter(({ id, slot }) => id !== match.id && slot !== undefined);
  if (remaining.length === 0) {
    throw new DisktroError(
      'E_SLOT_LIMIT',
      'the last slot cannot be removed: nothing would open the vault any more',
      {
        hint: 'add another password first: `disktro key add`',
      },
    );
  }
  await removeSlotFile(home.fileSystem, home.paths, match.id);
  await publishSlots(opened(vault));
  return summary(match.id, match.slot, match.id === slotId);
}

/** Replaces the slot that the current password opened. The new one is durable before the old one goes. */
export async function changePassword(
  vault: Vault,
  { newPassword }: { readonly newPassword: string },
): Promise<SlotSummary> {
  const open = opened(vault);
  const current = (await slotsOf(vault)).find(({ id }) => id === open.slotId);
  const isRecovery = current?.slot?.kind === 'recovery';
  const label = isRecovery ? 'password' : (current?.slot?.label ?? 'password');
  const replaced = isRecovery || current === undefined ? [] : [open.slotId];
  const slot = await addSlot(open, 'password', newPassword, label, replaced);
  if (!isRecovery) open.slotId = slot.id;
  return summary(slot.id, slot, true);
}

/** Makes a new recovery code; the old ones stop working. */
export async function newRecoveryCode(
  vault: Vault,
): Promise<{ readonly slot: SlotSummary; readonly recoveryCode: string }> {
  const recoveryCode = formatRecoveryCode(randomBytes(RECOVERY_CODE_BYTES));
  const old = (await slotsOf(vault)).filter(({ slot }) => slot?.kind === 'recovery').map(({ id }) => id);
  const slot = await addSlot(opened(vault), 'recovery', recoveryCode, 'recovery code', old);
  return { slot: summary(slot.id, slot, false), recoveryCode };
}

async function addSlot(
  vault: OpenVault,
  kind: SlotKind,
  secret: string,
  label: string,
  replaced: readonly string[] = [],
): Promise<Slot> {
  const { home, id: vaultId, masterKey } = vault;
  if (label.length > MAX_LABEL_LENGTH) {
    throw usageError(`label: expected at most ${MAX_LABEL_LENGTH} characters, got ${label.length}`);
  }
  const { token } = home.session();
  const count = (await slotsOf(vault)).length - replaced.length;
  if (count >= MAX_SLOTS) {
    throw new DisktroError('E_SLOT_LIMIT', `slots: expected at most ${MAX_SLOTS}, got one more`, {
      hint: 'remove one first: `disktro key remove`',
    });
  }
  const slot = await makeSlot({ vaultId, masterKey, kind, secret, label });
  await writeSlot(home.fileSystem, home.paths, token, slot);
  for (const old of replaced) await removeSlotFile(home.fileSystem, home.paths, old);
  await publishSlots(vault);
  return slot;
}

/** Where the objects are in a bucket, its slots are what a lost home comes back by. */
async function publishSlots(vault: OpenVault): Promise<void> {
  if (vault.home.outer === undefined) return;
  const { publishRecord } = await import('./outer-record.js');
  await publishRecord(vault);
}

function slotsOf(home: Home): Promise<readonly FoundSlot[]> {
  const { fileSystem, paths } = openedHome(home);
  return readSlots(fileSystem, paths);
}

function summary(id: string, slot: Slot | undefined, isOpened: boolean): SlotSummary {
  const { kind = 'password', label = '(damaged)', created = '' } = slot ?? {};
  return { id, kind, label, created, opened: isOpened, damaged: slot === undefined };
}
