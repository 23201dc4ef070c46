/**
 * The public records of vaults as a node keeps them, and how they spread: two nodes compare versions and give each other
 * what is newer (docs/PROTOCOL.md, "The vault's public record"). Holds no key.
 */
import { storeVaultRecord, vaultRecord, vaultsWithRecords } from '../../catalog/holdings.js';
import type { NodeId, VaultId } from '../../core/ids.js';
import { isVaultId } from '../../core/ids.js';
import { DisktroError } from '../../errors.js';
import type { SignedVaultRecord } from '../../net/vault-record.js';
import { MAX_VAULT_RECORD_BYTES, verifyVaultRecord } from '../../net/vault-record.js';
import type { OpenHome } from '../home/home.js';
import type { Cluster } from './cluster.js';

/** Vaults that one node keeps records of: a member that makes up vaults must not fill the catalog. */
const MAX_RECORDS = 1_000;

export type RecordOutcome = 'new' | 'had';

/** The record of a vault as this node has it, checked again. */
export function storedRecord({ catalog }: OpenHome, vault: VaultId): SignedVaultRecord | undefined {
  const text = vaultRecord(catalog, vault);
  if (text === undefined) return undefined;
  const check = verifyVaultRecord(JSON.parse(text));
  return 'record' in check ? check.record : undefined;
}

/**
 * Takes a record in: the first one of a vault binds its key, later ones must be of that key and newer.
 * @throws E_PEER_REFUSED
 */
export function takeRecord(home: OpenHome, vault: VaultId, json: unknown): RecordOutcome {
  const refuse = (why: string): never => {
    throw new DisktroError('E_PEER_REFUSED', `record of vault ${vault}: ${why}`);
  };
  const check = verifyVaultRecord(json);
  if ('refusal' in check) return refuse(check.refusal);
  const { record } = check;
  if (record.id !== vault) return refuse('it is of another vault');
  const known = storedRecord(home, vault);
  if (known !== undefined && known.verify_key !== record.verify_key)
    return refuse('it is signed by another key');
  if (known !== undefined && known.version > record.version) return refuse('there is a newer one');
  if (known?.version === record.version) {
    return known.signature === record.signature ? 'had' : refuse('there is another one of this version');
  }
  if (known === undefined && vaultsWithRecords(home.catalog).length >= MAX_RECORDS)
    return refuse('too many vaults');
  storeVaultRecord(home.catalog, vault, JSON.stringify(record));
  return 'new';
}

/** Which records are here: vault → version. */
export function recordVersions(home: OpenHome): Readonly<Record<string, number>> {
  const versions: Record<string, number> = {};
  for (const vault of vaultsWithRecords(home.catalog)) {
    const record = storedRecord(home, vault);
    if (record !== undefined) versions[vault] = record.version;
  }
  return versions;
}

/** Gives a member the records that it lacks and takes those that this node lacks. @returns how many moved */
export async function exchangeRecords(
  home: OpenHome,
  cluster: Cluster,
  node: NodeId,
  signal?: AbortSignal,
): Promise<number> {
  const client = cluster.client(node);
  const theirs = await versionsOf(cluster, node, signal);
  const mine = recordVersions(home);
  let moved = 0;
  for (const vault of new Set([...Object.keys(mine), ...theirs.keys()])) {
    const [here, there] = [mine[vault] ?? 0, theirs.get(vault) ?? 0];
    if (here > there) {
      await client.json('PUT', `/vault?id=${vault}`, storedRecord(home, vault as VaultId), { signal });
      moved++;
    } else if (there > here) {
      const record = await fetchRecord(cluster, node, vault as VaultId, signal);
      if (takeRecord(home, vault as VaultId, record) === 'new') moved++;
    }
  }
  return moved;
}

/** Which records a member has. What is no vault and no version is passed over. */
export async function versionsOf(
  cluster: Cluster,
  node: NodeId,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const answer = (await cluster.client(node).json('GET', '/vaults', undefined, { signal })) as {
    readonly vaults?: unknown;
  };
  const entries = Object.entries((answer?.vaults ?? {}) as Record<string, unknown>).slice(0, MAX_RECORDS);
  return new Map(
    entries.filter(
      (entry): entry is [string, number] => isVaultId(entry[0]) && Number.isSafeInteger(entry[1]),
    ),
  );
}

/** One record as a member tells it, unchecked. */
export async function fetchRecord(
  cluster: Cluster,
  node: NodeId,
  vault: VaultId,
  signal?: AbortSignal,
): Promise<unknown> {
  // The JSON of a record may be longer than its canonical form by its escapes.
  const options = { signal, maxBytes: 2 * MAX_VAULT_RECORD_BYTES };
  return cluster.client(node).json('GET', `/vault?id=${vault}`, undefined, options);
}
