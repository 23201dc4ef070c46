/**
 * Agrees with the cluster on the public record of this machine's vault (docs/PROTOCOL.md): what changed here and what
 * changed on another machine of the same vault are put together, signed anew, and given to every member.
 */
import type { NodeId } from '../../core/ids.js';
import { privateKeyOfSeed, spkiOfSeed } from '../../core/seed-key.js';
import type { Slot } from '../../core/slot-shape.js';
import { isDisktroError } from '../../errors.js';
import { MAX_SLOTS } from '../../limits.js';
import type { SignedVaultRecord } from '../../net/vault-record.js';
import { signVaultRecord, verifyVaultRecord } from '../../net/vault-record.js';
import { checkedRecord, exchangeWithHolder } from '../holders/holder-records.js';
import type { OpenVault } from '../home/vault.js';
import { parseSlot, readSlots, removeSlotFile, vaultFileToJson, writeSlot } from '../home/vault-files.js';
import { askForAuthority } from './ask-authority.js';
import type { Cluster } from './cluster.js';
import { NodeFiles } from './node-files.js';
import { openAuthority, sealAuthority } from './sealed-authority.js';
import { exchangeRecords, fetchRecord, storedRecord, takeRecord, versionsOf } from './stored-records.js';

export interface RecordAgreement {
  /** Members that have the record now. */
  readonly told: readonly NodeId[];
  readonly failures: ReadonlyMap<NodeId, unknown>;
  /** Whether the record holds the CA: without it, recovering needs a member that may invite. */
  readonly hasAuthority: boolean;
}

/** @throws E_ABORTED; what members do wrong is in the result */
export async function agreeOnRecord(
  vault: OpenVault,
  cluster: Cluster,
  signal?: AbortSignal,
): Promise<RecordAgreement> {
  const failures = new Map<NodeId, unknown>();
  const known = await newestRecord(vault, cluster, failures, signal);
  const first = await updated(vault, cluster, known);
  takeRecord(vault.home, vault.id, first);
  const told = await tell(vault, cluster, failures, signal);
  if (first.authority !== undefined) return { told, failures, hasAuthority: true };
  // Who has the CA's key gives it only to a vault whose record it has seen.
  const keyPem = await askForAuthority(vault, cluster, told, signal);
  if (keyPem === undefined) return { told, failures, hasAuthority: false };
  takeRecord(vault.home, vault.id, await updated(vault, cluster, first, keyPem));
  return { told: await tell(vault, cluster, failures, signal), failures, hasAuthority: true };
}

async function tell(
  vault: OpenVault,
  cluster: Cluster,
  failures: Map<NodeId, unknown>,
  signal: AbortSignal | undefined,
): Promise<readonly NodeId[]> {
  const told: NodeId[] = [];
  const reachable = cluster.everyone().filter((node) => !failures.has(node));
  await Promise.all(
    reachable.map(async (node) => {
      try {
        await exchangeRecords(vault.home, cluster, node, signal);
        told.push(node);
      } catch (error) {
        if (isDisktroError(error, 'E_ABORTED')) throw error;
        failures.set(node, error);
      }
    }),
  );
  for (const holder of cluster.holderClients()) {
    if (failures.has(holder.id)) continue;
    try {
      await exchangeWithHolder(vault.home, holder, signal);
    } catch (error) {
      if (isDisktroError(error, 'E_ABORTED')) throw error;
      failures.set(holder.id, error);
    }
  }
  return told;
}

/** Whether a record is this vault's own: of its id, and signed by the key that only its owner can derive. */
export function isOwnRecord(vault: OpenVault, json: unknown): json is SignedVaultRecord {
  const check = verifyVaultRecord(json);
  return 'record' in check && check.record.id === vault.id && check.record.verify_key === verifyKeyOf(vault);
}

/** The slots of a record, those that can be read. */
export function slotsOfRecord(record: SignedVaultRecord): readonly Slot[] {
  return record.slots.flatMap((json) => {
    try {
      return parseSlot(json, String((json as { readonly id?: unknown }).id));
    } catch {
      return [];
    }
  });
}

/** Of this node's own and of all that members have: another machine of the vault may have made it. */
async function newestRecord(
  vault: OpenVault,
  cluster: Cluster,
  failures: Map<NodeId, unknown>,
  signal: AbortSignal | undefined,
): Promise<SignedVaultRecord | undefined> {
  let newest = storedRecord(vault.home, vault.id);
  if (newest !== undefined && !isOwnRecord(vault, newest)) newest = undefined;
  const ask = async (node: NodeId): Promise<void> => {
    const version = (await versionsOf(cluster, node, signal)).get(vault.id) ?? 0;
    if (version <= (newest?.version ?? 0)) return;
    take(await fetchRecord(cluster, node, vault.id, signal));
  };
  const take = (json: unknown): void => {
    if (isOwnRecord(vault, json) && json.version > (newest?.version ?? 0)) newest = json;
  };
  const noteFailure = (node: NodeId) => (error: unknown) => {
    if (isDisktroError(error, 'E_ABORTED')) throw error;
    failures.set(node, error);
  };
  const holders = cluster.holderClients();
  await Promise.all([
    ...cluster.everyone().map((node) => ask(node).catch(noteFailure(node))),
    ...holders.map((holder) =>
      checkedRecord(holder, vault.id, signal).then(take).catch(noteFailure(holder.id)),
    ),
  ]);
  return newest;
}

/** The record that says all: `known` when nothing has changed, else a new one. This machine's slots follow it. */
async function updated(
  vault: OpenVault,
  cluster: Cluster,
  known: SignedVaultRecord | undefined,
  caKeyPem?: string,
): Promise<SignedVaultRecord> {
  const files = new NodeFiles(vault.home);
  const here = (await readSlots(vault.home.fileSystem, vault.home.paths)).flatMap(({ slot }) => slot ?? []);
  const slots = mergeSlots(here, await files.agreedSlots(), known === undefined ? [] : slotsOfRecord(known));
  const keyPem = caKeyPem ?? (await files.read())?.caKeyPem;
  const authority = authorityFor(vault, cluster, keyPem, known);
  const isSame =
    known !== undefined &&
    sameIds(slots, slotsOfRecord(known)) &&
    known.authority === authority &&
    known.slots.length === slots.length;
  const record = isSame ? known : signedRecordOf(vault, { slots, authority }, known?.version ?? 0);
  await followSlots(vault, here, slots);
  await files.writeAgreedSlots(slots.map(({ id }) => id));
  return record;
}

/**
 * Both machines' changes since they last agreed: what was removed on either is gone, what was added on either is there.
 * @param agreed ids; undefined when this machine has never agreed with anybody
 */
export function mergeSlots(
  here: readonly Slot[],
  agreed: readonly string[] | undefined,
  known: readonly Slot[],
): readonly Slot[] {
  if (known.length === 0) return here;
  const base = new Set(agreed ?? []);
  const hereIds = new Set(here.map(({ id }) => id));
  const added = here.filter(({ id }) => !base.has(id) && !known.some((slot) => slot.id === id));
  const kept = known.filter(({ id }) => hereIds.has(id) || !base.has(id));
  const merged = [...kept, ...added];
  // Too many, or none, because both sides were busy: this machine's are those that its person knows.
  return merged.length > MAX_SLOTS || merged.length === 0 ? here : merged;
}

function sameIds(a: readonly Slot[], b: readonly Slot[]): boolean {
  const ids = new Set(b.map(({ id }) => id));
  return a.length === b.length && a.every(({ id }) => ids.has(id));
}

/** What a record says, besides whose it is. */
export interface RecordContents {
  readonly slots: readonly Slot[];
  readonly authority?: string | undefined;
}

/** A record of a vault that is newer than the one that was known. */
export function signedRecordOf(
  vault: Pick<OpenVault, 'keys'> & { readonly home: Pick<OpenVault['home'], 'vaultFile'> },
  { slots, authority }: RecordContents,
  knownVersion: number,
): SignedVaultRecord {
  const { vaultFile } = vault.home;
  if (vaultFile === undefined) throw new Error('an open vault has a vault.json');
  const record = {
    v: 1 as const,
    id: vaultFile.vaultId,
    verify_key: verifyKeyOf(vault),
    // Times, so that machines that have not heard of each other's changes seldom choose the same.
    version: Math.max(knownVersion + 1, Date.now()),
    vault_file: vaultFileToJson(vaultFile),
    slots,
    ...(authority === undefined ? {} : { authority }),
  };
  return signVaultRecord(record, privateKeyOfSeed(vault.keys.signing));
}

/** What is sealed already stays, unless it is of another cluster. */
function authorityFor(
  vault: OpenVault,
  cluster: Cluster,
  keyPem: string | undefined,
  known: SignedVaultRecord | undefined,
): string | undefined {
  const { caPem } = cluster.credentials;
  if (known?.authority !== undefined) {
    const opened = openAuthority(vault.masterKey, vault.id, known.authority);
    if (opened?.certificatePem === caPem) return known.authority;
  }
  if (keyPem === undefined) return undefined;
  return sealAuthority(vault.masterKey, vault.id, { certificatePem: caPem, keyPem });
}

/** New slots are there before old ones go. */
async function followSlots(
  { home }: OpenVault,
  here: readonly Slot[],
  wanted: readonly Slot[],
): Promise<void> {
  if (sameIds(here, wanted)) return;
  const hereIds = new Set(here.map(({ id }) => id));
  const wantedIds = new Set(wanted.map(({ id }) => id));
  for (const slot of wanted)
    if (!hereIds.has(slot.id)) await writeSlot(home.fileSystem, home.paths, home.token, slot);
  for (const { id } of here) if (!wantedIds.has(id)) await removeSlotFile(home.fileSystem, home.paths, id);
}

function verifyKeyOf({ keys }: Pick<OpenVault, 'keys'>): string {
  return spkiOfSeed(keys.signing).toString('base64');
}
