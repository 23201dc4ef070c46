/**
 * Everything back from a bucket or folder alone, with a recovery code or a password (docs/PROTOCOL.md, "Static members"):
 * the vault's record lies in the store, its slot gives the key, and the key opens the rest. No node needs to be left.
 */
import { randomBytes } from 'node:crypto';
import os from 'node:os';
import type { VaultId } from '../../core/ids.js';
import { runPasswordWork } from '../../core/password-work.js';
import { recoveryClaim } from '../../core/slot.js';
import type { Slot } from '../../core/slot-shape.js';
import { DisktroError, isDisktroError, usageError } from '../../errors.js';
import type { Authority } from '../../net/certificates.js';
import { createCertificateRequest, signCertificateRequest } from '../../net/certificates.js';
import type { SignedRecord } from '../../net/member-record.js';
import type { SignedVaultRecord } from '../../net/vault-record.js';
import { nodeFileSystem } from '../../store/file-system.js';
import { FolderStore } from '../../store/folder-store.js';
import type { HolderStore } from '../../store/holder-store.js';
import { S3Store } from '../../store/s3-store.js';
import { parseStoreUrl } from '../../store/store-url.js';
import type { Cluster } from '../cluster/cluster.js';
import { openCluster } from '../cluster/cluster.js';
import { foundCluster } from '../cluster/join.js';
import { NodeFiles } from '../cluster/node-files.js';
import { openAuthority } from '../cluster/sealed-authority.js';
import { isOwnRecord, slotsOfRecord } from '../cluster/vault-record.js';
import { importManifests } from '../copies/import-manifests.js';
import {
  checkTaken,
  readHolderNote,
  remember,
  storedRecordOf,
  usualCapacity,
  writeHolderNote,
} from '../holders/add-holder.js';
import { KeyRing, openStore } from '../holders/holder-access.js';
import { HolderClient } from '../holders/holder-client.js';
import { checkedRecord } from '../holders/holder-records.js';
import { makeStaticRecord, NONCE_BYTES } from '../holders/static-member.js';
import type { OpenHome } from '../home/home.js';
import { OpenVault } from '../home/vault.js';
import { parseVault } from '../home/vault-files.js';
import { homeFor, type RecoverOptions, type RecoverResult, writeVaultOf } from './recover.js';

interface Found {
  readonly record: SignedVaultRecord;
  readonly masterKey: Uint8Array;
  readonly slotId: string;
}

/**
 * @param options `from` is the URL of the store
 * @throws E_WRONG_PASSWORD, E_NOT_FOUND when the store has no vault, E_USAGE when a password could be of several,
 *   E_VAULT_EXISTS, E_CONFIG, E_PEER_UNREACHABLE, E_PEER_REFUSED. Run again it goes on where it was.
 */
export async function recoverFromStore(options: RecoverOptions): Promise<RecoverResult> {
  const startedMs = performance.now();
  const location = parseStoreUrl(options.from);
  const ring = await KeyRing.read(nodeFileSystem, process.env);
  const keys = location.kind === 'bucket' ? ring.find(location.accessKeyId) : undefined;
  const store = openStore(location, nodeFileSystem, keys?.keys);
  try {
    const found = await findVault(store, options);
    const vaultFile = parseVault(found.record.vault_file, 'vault_file');
    if (store instanceof S3Store && (await store.readNote('home.json')) !== undefined) {
      found.masterKey.fill(0);
      const { takeOverBucket } = await import('./take-over-bucket.js');
      return await takeOverBucket(store, found.record, vaultFile, options);
    }
    const home = await homeFor(options, vaultFile);
    await using vault = new OpenVault(home, vaultFile, found);
    if (!isOwnRecord(vault, found.record)) throw foreignRecord(store);
    const cluster = await clusterWith(home, vault, found.record, store, options);
    try {
      await remember(
        new NodeFiles(home),
        cluster.holder,
        options.from,
        keys?.isPassing ? keys.keys : undefined,
      );
      await writeVaultOf(vault, found.record);
      return await takeFiles(vault, options, startedMs);
    } finally {
      await cluster.cluster.close();
    }
  } finally {
    store.close();
  }
}

async function takeFiles(
  vault: OpenVault,
  options: RecoverOptions,
  startedMs: number,
): Promise<RecoverResult> {
  const { home } = vault;
  // Opened anew: now it knows the store and its keys.
  const cluster = await openCluster(home, options.cluster);
  if (cluster === undefined) throw new Error('a node with a certificate has a cluster');
  try {
    const { imported, failed, unreachable } = await importManifests(vault, cluster, options);
    const [failure] = unreachable.values();
    if (failure !== undefined && imported.length === 0) throw failure;
    return {
      home: home.path,
      vaultId: vault.id,
      files: imported.length,
      failed: [...failed.keys()],
      nodes: cluster.reachable().filter((node) => !unreachable.has(node)),
      unreachable: [...unreachable.keys()],
      seconds: (performance.now() - startedMs) / 1000,
    };
  } finally {
    await cluster.close();
  }
}

/** The record whose slot the secret opens. */
async function findVault(store: HolderStore, options: RecoverOptions): Promise<Found> {
  const { secret, vault, signal } = options;
  const holder = new HolderClient('' as HolderClient['id'], store);
  const records: SignedVaultRecord[] = [];
  for (const id of await holder.vaults(signal)) {
    const record = vault === undefined || id === vault ? await checkedRecord(holder, id, signal) : undefined;
    if (record !== undefined) records.push(record);
  }
  if (records.length === 0) {
    throw new DisktroError(
      'E_NOT_FOUND',
      `${store.where}: holds no vault${vault === undefined ? '' : ` ${vault}`}`,
      {
        hint: 'check bucket and prefix, or the folder',
      },
    );
  }
  const claim = recoveryClaim(secret)?.toString('hex');
  if (claim === undefined && records.length > 1) {
    throw usageError(
      `a password alone does not say which of ${records.length} vaults`,
      `give --vault with one of ${records.map(({ id }) => id).join(', ')}, or use the recovery code instead`,
    );
  }
  for (const record of records) {
    const fits = (slot: Slot): boolean =>
      claim === undefined ? slot.kind === 'password' : slot.kind === 'recovery' && slot.claim === claim;
    const slots = slotsOfRecord(record).filter(fits);
    if (slots.length === 0) continue;
    const key = await runPasswordWork({ type: 'unlock', vaultId: record.id, secret, slots }).catch(
      (error) => {
        if (isDisktroError(error, 'E_WRONG_PASSWORD')) return undefined;
        throw error;
      },
    );
    if (key !== undefined) return { record, ...key };
  }
  throw new DisktroError(
    'E_WRONG_PASSWORD',
    `wrong password or recovery code for what is in ${store.where}`,
    {
      hint: 'check the code or the password',
    },
  );
}

/** A member of the cluster that the store belongs to, by the CA that the vault keeps for its owner; else of a new one. */
async function clusterWith(
  home: OpenHome,
  vault: OpenVault,
  record: SignedVaultRecord,
  store: HolderStore,
  options: RecoverOptions,
): Promise<{ readonly cluster: Cluster; readonly holder: SignedRecord['id'] }> {
  const files = new NodeFiles(home);
  const identity = await files.ensure(options.nodeName === '' ? os.hostname() : options.nodeName);
  const sealed = record.authority;
  const authority =
    sealed === undefined ? undefined : openAuthority(vault.masterKey, vault.id as VaultId, sealed);
  const isStranger =
    authority !== undefined &&
    identity.credentials !== undefined &&
    identity.credentials.caPem.trim() !== authority.certificatePem.trim();
  if (isStranger) {
    throw new DisktroError('E_PEER_REFUSED', 'this machine is in another cluster than the vault', {
      hint: 'recover into another home, with --home',
    });
  }
  if (identity.credentials === undefined && authority !== undefined) {
    const csr = await createCertificateRequest(identity.keyPem);
    const { certificatePem } = await signCertificateRequest(csr, authority, Date.now());
    await files.writeCredentials({ certificatePem, caPem: authority.certificatePem }, authority.keyPem);
  }
  const { credentials, caKeyPem } = await foundCluster(files, Date.now());
  const cluster = await openCluster(home, options.cluster);
  if (cluster === undefined || credentials === undefined)
    throw new Error('a node with a certificate has a cluster');
  const own = caKeyPem === undefined ? undefined : { certificatePem: credentials.caPem, keyPem: caKeyPem };
  const member = await memberOf(cluster, store, own);
  cluster.membership.merge({ records: [member], removals: [] });
  await files.writeMembers(cluster.membership.snapshot());
  return { cluster, holder: member.id };
}

/** The record in the store; where that is of a cluster whose CA is lost, a new one takes its place. */
async function memberOf(
  cluster: Cluster,
  store: HolderStore,
  authority: Authority | undefined,
): Promise<SignedRecord> {
  try {
    const known = await storedRecordOf(store, cluster);
    if (known !== undefined) return known;
  } catch (error) {
    if (!isDisktroError(error, 'E_PEER_REFUSED') || authority === undefined) throw error;
  }
  if (authority === undefined) throw foreignRecord(store);
  const { name, zone, capacity, role, version } = ((await readHolderNote(store)) ??
    {}) as Partial<SignedRecord>;
  const made = await makeStaticRecord(
    {
      kind: store instanceof FolderStore ? 'folder' : 'bucket',
      store: store.where,
      name: name ?? 'store',
      zone: zone ?? '',
      capacityBytes: capacity ?? (await usualCapacity(store, cluster)),
      role: role ?? 'share',
      version: version ?? '',
    },
    authority,
    randomBytes(NONCE_BYTES),
    Date.now(),
  );
  checkTaken(cluster, made);
  await writeHolderNote(store, made);
  return made;
}

function foreignRecord(store: HolderStore): DisktroError {
  return new DisktroError('E_PEER_REFUSED', `${store.where}: its record is not signed by the vault`);
}
