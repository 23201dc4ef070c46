/**
 * The public record of a vault whose objects are in a bucket, beside them: slots and description, signed by the vault, so
 * that a home that is lost comes back from the bucket and a password or recovery code alone.
 */
import { deriveKeys, wipeKeys } from '../../core/keys.js';
import type { Slot } from '../../core/slot-shape.js';
import type { SignedVaultRecord } from '../../net/vault-record.js';
import type { S3Store } from '../../store/s3-store.js';
import { isOwnRecord, signedRecordOf, slotsOfRecord } from '../cluster/vault-record.js';
import type { OpenVault } from './vault.js';
import { readSlots, type VaultFile } from './vault-files.js';

/** The record of a vault that is being made. */
export async function writeFirstRecord(
  store: S3Store,
  made: { readonly vaultFile: VaultFile; readonly slots: readonly Slot[]; readonly masterKey: Uint8Array },
): Promise<void> {
  const { vaultFile, slots, masterKey } = made;
  const keys = deriveKeys(masterKey, vaultFile.vaultId);
  try {
    await store.writeNote(
      `vault/${vaultFile.vaultId}`,
      toBytes(signedRecordOf({ keys, home: { vaultFile } }, { slots }, 0)),
    );
  } finally {
    wipeKeys(keys);
  }
}

/** Makes the record say what slots this home has; writes nothing when it does. */
export async function publishRecord(vault: OpenVault, signal?: AbortSignal): Promise<void> {
  const { outer, fileSystem, paths } = vault.home;
  if (outer === undefined) return;
  const slots = (await readSlots(fileSystem, paths)).flatMap(({ slot }) => slot ?? []);
  const note = await outer.readNote(`vault/${vault.id}`, signal);
  const known = fromBytes(vault, note);
  const ids = (list: readonly Slot[]): string =>
    list
      .map(({ id }) => id)
      .sort()
      .join();
  if (known !== undefined && ids(slotsOfRecord(known)) === ids(slots)) return;
  const record = signedRecordOf(vault, { slots, authority: known?.authority }, known?.version ?? 0);
  await outer.writeNote(`vault/${vault.id}`, toBytes(record), signal);
}

function toBytes(record: SignedVaultRecord): Buffer {
  return Buffer.from(`${JSON.stringify(record)}\n`);
}

function fromBytes(vault: OpenVault, note: Buffer | undefined): SignedVaultRecord | undefined {
  if (note === undefined) return undefined;
  try {
    const json: unknown = JSON.parse(note.toString('utf8'));
    return isOwnRecord(vault, json) ? json : undefined;
  } catch {
    return undefined;
  }
}
