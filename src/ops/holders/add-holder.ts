/**
 * A bucket or folder becomes a member: it is tried out first, then its record is signed and laid into it as `holder.json`,
 * so that another machine, or one that has lost everything, finds the same holder there. What keys are kept is said.
 */
import { randomBytes } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import path from 'node:path';
import type { NodeId } from '../../core/ids.js';
import { DisktroError, usageError } from '../../errors.js';
import type { SignedRecord } from '../../net/member-record.js';
import type { FileSystem } from '../../store/file-system.js';
import { FolderStore } from '../../store/folder-store.js';
import type { HolderStore } from '../../store/holder-store.js';
import { homePaths } from '../../store/paths.js';
import type { S3Keys } from '../../store/s3-keys.js';
import { formatStoreUrl, parseStoreUrl, type StoreLocation } from '../../store/store-url.js';
import type { Cluster, ClusterOptions } from '../cluster/cluster.js';
import { openCluster } from '../cluster/cluster.js';
import { contactAll } from '../cluster/contact.js';
import { foundCluster } from '../cluster/join.js';
import { NodeFiles } from '../cluster/node-files.js';
import type { OpenHome } from '../home/home.js';
import { KeyRing, type KnownHolder, openStore } from './holder-access.js';
import { noCaKey } from './holder-errors.js';
import { changedStaticRecord, makeStaticRecord, NONCE_BYTES } from './static-member.js';

export interface AddHolderOptions {
  /** `s3://…` or `file:///…`. */
  readonly url: string;
  /** undefined: made from the URL. */
  readonly name?: string | undefined;
  /** undefined: none. */
  readonly zone?: string | undefined;
  /** undefined: a folder's disk; for a bucket as much as the largest node. */
  readonly capacityBytes?: number | undefined;
  /** undefined: its share. */
  readonly role?: 'mirror' | 'share' | undefined;
  readonly version: string;
  /** What this machine is called, where it has no name yet. */
  readonly nodeName: string;
  readonly cluster: ClusterOptions;
  readonly signal?: AbortSignal | undefined;
}

export interface AddedHolder {
  readonly id: NodeId;
  readonly name: string;
  readonly store: string;
  /** Whether the cluster knew it: then this machine may use it from now on. */
  readonly isKnown: boolean;
  /** Options that a known one does not follow: it stays as it was when it was added first. */
  readonly unchanged: readonly string[];
  /** Whether keys of the environment were written into node/holders.json, so that `serve` has them. */
  readonly areKeysKept: boolean;
}

/** Where nothing else is known: placement needs some number. */
const USUAL_CAPACITY_BYTES = 1024 ** 4;

/** @throws E_USAGE, E_CONFIG, E_NOT_FOUND, E_PEER_REFUSED, E_PEER_UNREACHABLE */
export async function addHolder(home: OpenHome, options: AddHolderOptions): Promise<AddedHolder> {
  const location = parseStoreUrl(options.url);
  const ring = await KeyRing.read(home.fileSystem, process.env);
  const found = location.kind === 'bucket' ? ring.find(location.accessKeyId) : undefined;
  if (location.kind === 'folder') await refuseHome(home.fileSystem, location.path);
  const store = openStore(location, home.fileSystem, found?.keys);
  try {
    const files = new NodeFiles(home);
    await files.ensure(options.nodeName);
    await foundCluster(files, Date.now());
    const cluster = await openCluster(home, options.cluster);
    if (cluster === undefined) throw new Error('a node with a certificate has a cluster');
    try {
      await prepare(store);
      const { record, isKnown } = await recordFor(files, cluster, store, location, options);
      const kept = found?.isPassing === true ? found.keys : undefined;
      await remember(files, record.id, options.url, kept);
      await tellAll(files, cluster, record, options.signal);
      const { id, name } = record;
      const unchanged = isKnown ? differences(record, options) : [];
      return { id, name, store: store.where, isKnown, unchanged, areKeysKept: kept !== undefined };
    } finally {
      await cluster.close();
    }
  } finally {
    store.close();
  }
}

/** What lies in a home is its one copy: as a member's it would be counted again. @throws E_USAGE */
async function refuseHome(fileSystem: FileSystem, folder: string): Promise<void> {
  let at = await realpath(folder).catch(() => folder);
  for (; at !== path.dirname(at); at = path.dirname(at)) {
    if ((await fileSystem.stat(homePaths(at).catalog)) === undefined) continue;
    throw usageError(
      `${folder} lies in the home ${at}: what is there is no further copy`,
      'name a folder on another disk',
    );
  }
}

function differences(record: SignedRecord, options: AddHolderOptions): readonly string[] {
  const asked = {
    name: options.name,
    zone: options.zone,
    capacity: options.capacityBytes,
    role: options.role,
  };
  const present = { ...record, role: record.role ?? 'share' };
  return (['name', 'zone', 'capacity', 'role'] as const).filter(
    (field) => asked[field] !== undefined && asked[field] !== present[field],
  );
}

/** Makes the folders of a folder; finds out whether a bucket can be listed. */
async function prepare(store: HolderStore): Promise<void> {
  if (store instanceof FolderStore) await store.makeFolders();
  else await store.list('manifest', { limit: 1 });
  // Its home frees what its own catalog does not know.
  if ((await store.readNote('home.json')) !== undefined) {
    throw new DisktroError('E_PEER_REFUSED', `${store.where}: is all that the home of a vault has`, {
      hint: 'use another prefix',
    });
  }
}

/** The record that lies in the store when it is of this cluster, or a new one. */
async function recordFor(
  files: NodeFiles,
  cluster: Cluster,
  store: HolderStore,
  location: StoreLocation,
  options: AddHolderOptions,
): Promise<{ readonly record: SignedRecord; readonly isKnown: boolean }> {
  const found = await storedRecordOf(store, cluster);
  const identity = await files.read();
  if (found !== undefined) {
    // Who adds it anew has thought better of a removal that did not come to its end.
    const isLeaving = found.status === 'draining' && identity?.caKeyPem !== undefined;
    const record = isLeaving ? changedStaticRecord(found, { status: 'active' }, identity.caKeyPem) : found;
    if (isLeaving) await writeHolderNote(store, record);
    return { record, isKnown: true };
  }
  if (identity?.credentials === undefined || identity.caKeyPem === undefined) throw noCaKey();
  const authority = { certificatePem: identity.credentials.caPem, keyPem: identity.caKeyPem };
  const member = {
    kind: location.kind,
    store: formatStoreUrl(location),
    name: options.name ?? nameOf(location),
    zone: options.zone ?? '',
    role: options.role ?? 'share',
    version: options.version,
    capacityBytes: options.capacityBytes ?? (await usualCapacity(store, cluster)),
  };
  checkName(cluster, member.name);
  const record = await makeStaticRecord(member, authority, randomBytes(NONCE_BYTES), Date.now());
  checkTaken(cluster, record);
  await writeHolderNote(store, record);
  return { record, isKnown: false };
}

/** Two of one name could only be told apart by their ids, and a person has chosen neither. */
function checkName(cluster: Cluster, name: string): void {
  if (!cluster.membership.members().some((member) => member.name === name)) return;
  throw new DisktroError('E_USAGE', `there is a member with the name ${JSON.stringify(name)}`, {
    hint: 'give another one with --name',
  });
}

/** A record that no member takes makes no member. @throws E_USAGE */
export function checkTaken(cluster: Cluster, record: SignedRecord): void {
  const { refusals } = cluster.membership.merge({ records: [record], removals: [] });
  if (cluster.membership.record(record.id) !== undefined) return;
  throw usageError(
    `this store can be no member: ${refusals.join('; ')}`,
    'a name has 1 to 200 characters, a zone at most 100, and no control characters',
  );
}

/**
 * The holder that a store says it is, if it is one of this cluster and was not removed.
 * @throws E_PEER_REFUSED when it belongs to another cluster: two clusters would not know of each other's files
 */
export async function storedRecordOf(
  store: HolderStore,
  cluster: Cluster,
): Promise<SignedRecord | undefined> {
  const record = await readHolderNote(store);
  if (record === undefined) return undefined;
  const { id } = record as { readonly id: NodeId };
  if (cluster.membership.isRemoved(id)) return undefined;
  cluster.membership.merge({ records: [record], removals: [] });
  const taken = cluster.membership.record(id);
  if (taken !== undefined) return taken;
  throw new DisktroError('E_PEER_REFUSED', `${store.where}: holds objects of another cluster`, {
    hint: 'use another prefix or folder; or `disktro recover --from` it, when its machines are gone',
  });
}

/** The record in `holder.json`, unchecked; undefined when there is none. */
export async function readHolderNote(store: HolderStore): Promise<unknown> {
  const note = await store.readNote('holder.json');
  if (note === undefined) return undefined;
  try {
    return (JSON.parse(note.toString('utf8')) as { readonly record?: unknown }).record;
  } catch (cause) {
    throw new DisktroError('E_PEER_REFUSED', `${store.where}: holder.json is not JSON`, { cause });
  }
}

export async function writeHolderNote(store: HolderStore, record: SignedRecord): Promise<void> {
  await store.writeNote('holder.json', Buffer.from(`${JSON.stringify({ v: 1, record })}\n`));
}

/** Notes that this machine may use it; keys only where nothing else will have them later. */
export async function remember(
  files: NodeFiles,
  id: NodeId,
  url: string,
  keys: S3Keys | undefined,
): Promise<void> {
  const others = (await files.holders()).filter((holder) => holder.id !== id);
  const entry: KnownHolder = { id, url, ...(keys === undefined ? {} : { keys }) };
  await files.writeHolders([...others, entry]);
}

/** Members that are away hear of it from others. */
export async function tellAll(
  files: NodeFiles,
  cluster: Cluster,
  record: SignedRecord,
  signal?: AbortSignal,
): Promise<void> {
  cluster.membership.merge({ records: [record], removals: [] });
  await contactAll(cluster, cluster.everyone(), signal);
  await files.writeMembers(cluster.membership.snapshot());
}

/** What placement goes by where nobody says it. */
export async function usualCapacity(store: HolderStore, cluster: Cluster): Promise<number> {
  if (store instanceof FolderStore) {
    const { bytes, freeBytes = 0 } = await store.usage();
    return bytes + freeBytes;
  }
  return Math.max(0, ...cluster.membership.members().map(({ capacity }) => capacity)) || USUAL_CAPACITY_BYTES;
}

/** The last part of the path: what a person recognises. */
function nameOf(location: StoreLocation): string {
  if (location.kind === 'folder') return location.path.split(/[\\/]/).at(-1) ?? 'folder';
  return location.prefix.split('/').at(-1) || location.bucket;
}
