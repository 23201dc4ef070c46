/**
 * Everything back from peers, on a machine that has nothing but a password or the recovery code (docs/PROTOCOL.md,
 * "Recovery"): the key, a place in the cluster, the slots, and a catalog that names every file. The files' own bytes
 * stay where they are until they are asked for, or `repair` gets them.
 */
import os from 'node:os';
import type { NodeId, VaultId } from '../../core/ids.js';
import { DisktroError, isDisktroError } from '../../errors.js';
import { createCertificateRequest, signCertificateRequest } from '../../net/certificates.js';
import { parseInvite } from '../../net/invite.js';
import type { SignedVaultRecord } from '../../net/vault-record.js';
import type { Cluster, ClusterOptions } from '../cluster/cluster.js';
import { openCluster } from '../cluster/cluster.js';
import { contactAll } from '../cluster/contact.js';
import { takeUpInvite } from '../cluster/join.js';
import { NodeFiles } from '../cluster/node-files.js';
import { openAuthority } from '../cluster/sealed-authority.js';
import { fetchRecord, takeRecord } from '../cluster/stored-records.js';
import { isOwnRecord, slotsOfRecord } from '../cluster/vault-record.js';
import type { ImportOptions, ImportResult } from '../copies/import-manifests.js';
import { importManifests } from '../copies/import-manifests.js';
import type { HomeOptions, OpenHome } from '../home/home.js';
import { openNodeHome, vaultIdOfHome } from '../home/home.js';
import { OpenVault } from '../home/vault.js';
import { readSlots, type VaultFile, writeSlot, writeVaultFile } from '../home/vault-files.js';
import type { RecoveredKey, VaultQuestion } from './recover-question.js';
import { askForVault } from './recover-question.js';

export interface RecoverOptions extends HomeOptions, ImportOptions {
  /** `host:port` of any member of the cluster. */
  readonly from: string;
  /** A password or a recovery code. */
  readonly secret: string;
  readonly vault: VaultId | undefined;
  /** What a person calls this machine; empty: its host name. */
  readonly nodeName: string;
  readonly cluster: ClusterOptions;
}

export interface RecoverResult {
  readonly home: string;
  readonly vaultId: string;
  readonly files: number;
  /** Manifests that no member within reach has whole. */
  readonly failed: readonly string[];
  /** Members that answered, and those that did not. */
  readonly nodes: readonly NodeId[];
  readonly unreachable: readonly NodeId[];
  readonly seconds: number;
}

/**
 * @throws E_WRONG_PASSWORD, E_PEER_UNREACHABLE, E_PEER_REFUSED; E_VAULT_EXISTS when the home has another vault;
 *   E_USAGE for a password without a vault. Run again it goes on where it was.
 */
export async function recoverVault(options: RecoverOptions): Promise<RecoverResult> {
  const startedMs = performance.now();
  const { secret, vault, signal } = options;
  const key = await askUntilInvited({ address: options.from, secret, vault, signal });
  const { vaultFile, masterKey, slotId } = key;
  const home = await homeFor(options, vaultFile);
  // From here on the vault closes the home and wipes the keys.
  await using open = new OpenVault(home, vaultFile, { masterKey, slotId });
  const cluster = await joinCluster(home, key, options);
  try {
    const nodes = await reach(cluster, home, options);
    await writeVault(open, cluster, nodes);
    const result = await importManifests(open, cluster, options);
    await new NodeFiles(home).writeMembers(cluster.membership.snapshot());
    const seconds = (performance.now() - startedMs) / 1000;
    return { ...told(home.path, vaultFile.vaultId, result, nodes), seconds };
  } finally {
    await cluster.close();
  }
}

/** Where the vault holds no CA, the member that is asked must be one that may invite: the others are tried as well. */
async function askUntilInvited(question: VaultQuestion): Promise<RecoveredKey> {
  const key = await askForVault(question);
  if (key.authority !== undefined || key.invite !== undefined) return key;
  for (const address of addressesOf(key.records)) {
    try {
      const other = await askForVault({ ...question, address });
      if (other.invite === undefined || other.vaultFile.vaultId !== key.vaultFile.vaultId) continue;
      key.masterKey.fill(0);
      return other;
    } catch (error) {
      if (!isDisktroError(error, 'E_PEER_REFUSED', 'E_PEER_UNREACHABLE', 'E_WRONG_PASSWORD')) throw error;
    }
  }
  return key;
}

/** One address of each member that the answer names, unchecked: what answers there has to know the vault. */
function addressesOf(records: unknown): readonly string[] {
  if (!Array.isArray(records)) return [];
  const firsts = records.map(
    (record: { readonly addresses?: readonly unknown[] } | null) => record?.addresses?.[0],
  );
  return firsts.filter((address): address is string => typeof address === 'string').slice(0, 50);
}

function told(home: string, vaultId: string, result: ImportResult, nodes: readonly NodeId[]) {
  const { imported, failed, unreachable } = result;
  return {
    home,
    vaultId,
    files: imported.length,
    failed: [...failed.keys()],
    nodes: nodes.filter((node) => !unreachable.has(node)),
    unreachable: [...unreachable.keys()],
  };
}

/** A home without another vault, opened for the one that is coming. */
export async function homeFor(options: HomeOptions, vaultFile: VaultFile): Promise<OpenHome> {
  const home = await openNodeHome(options);
  const present = await vaultIdOfHome(home);
  if (present === undefined || present === vaultFile.vaultId) {
    home.adoptVault(vaultFile);
    return home;
  }
  await home.close();
  throw new DisktroError('E_VAULT_EXISTS', `there is another vault at ${options.home} already`, {
    hint: 'name an empty folder with --home',
  });
}

/** A member already, by what the vault holds for its owner, or by the invite that came along. */
async function joinCluster(home: OpenHome, key: RecoveredKey, options: RecoverOptions): Promise<Cluster> {
  const files = new NodeFiles(home);
  const identity = await files.ensure(options.nodeName === '' ? os.hostname() : options.nodeName);
  const before = await openCluster(home, options.cluster);
  if (before !== undefined && before.everyone().length > 0) return before;
  await before?.close();
  const { vaultFile, masterKey, authority: sealed, invite, records, removals } = key;
  const authority = sealed === undefined ? undefined : openAuthority(masterKey, vaultFile.vaultId, sealed);
  if (authority !== undefined) {
    const csr = await createCertificateRequest(identity.keyPem);
    const { certificatePem } = await signCertificateRequest(csr, authority, Date.now());
    const credentials = { certificatePem, caPem: authority.certificatePem };
    await files.writeCredentials(credentials, authority.keyPem);
  } else if (invite !== undefined) {
    await takeUpInvite(files, parseInvite(invite, Date.now()), options.signal);
  } else {
    throw new DisktroError(
      'E_PEER_REFUSED',
      'this node may not let machines join, and the vault holds no CA',
      {
        hint: 'recover --from the machine that the cluster began on',
      },
    );
  }
  await files.writeMembers({ v: 1, records, removals });
  const cluster = await openCluster(home, options.cluster);
  if (cluster === undefined) throw new Error('a node with a certificate has a cluster');
  return cluster;
}

/** Shows this machine to all members. @returns those that answered */
async function reach(
  cluster: Cluster,
  home: OpenHome,
  { signal }: RecoverOptions,
): Promise<readonly NodeId[]> {
  const everyone = cluster.everyone();
  const failures = await contactAll(cluster, everyone, signal);
  await new NodeFiles(home).writeMembers(cluster.membership.snapshot());
  const reached = everyone.filter((node) => !failures.has(node));
  if (reached.length > 0) return reached;
  const [failure] = failures.values();
  throw failure ?? new DisktroError('E_PEER_UNREACHABLE', 'no member of the cluster is known');
}

/** The newest record that the vault's own key has signed gives the slots. vault.json comes last, as at `init`. */
async function writeVault(vault: OpenVault, cluster: Cluster, nodes: readonly NodeId[]): Promise<void> {
  let newest: SignedVaultRecord | undefined;
  for (const node of nodes) {
    try {
      const record = await fetchRecord(cluster, node, vault.id);
      if (isOwnRecord(vault, record) && record.version > (newest?.version ?? 0)) newest = record;
    } catch (error) {
      if (!isDisktroError(error, 'E_PEER_REFUSED', 'E_PEER_UNREACHABLE')) throw error;
    }
  }
  if (newest === undefined) {
    throw new DisktroError('E_PEER_REFUSED', 'no member has a record that this vault has signed');
  }
  await writeVaultOf(vault, newest);
}

/** The slots of a record that the vault has signed, and then vault.json. */
export async function writeVaultOf({ home, id }: OpenVault, record: SignedVaultRecord): Promise<void> {
  await home.fileSystem.makeFolder(home.paths.slots);
  const present = new Set((await readSlots(home.fileSystem, home.paths)).map(({ id }) => id));
  const slots = slotsOfRecord(record);
  for (const slot of slots) {
    if (!present.has(slot.id)) await writeSlot(home.fileSystem, home.paths, home.token, slot);
  }
  takeRecord(home, id, record);
  await new NodeFiles(home).writeAgreedSlots(slots.map(({ id }) => id));
  if (home.vaultFile !== undefined)
    await writeVaultFile(home.fileSystem, home.paths, home.token, home.vaultFile);
}
