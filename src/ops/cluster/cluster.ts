/**
 * The cluster as one process sees it: who belongs to it, how to reach each of them, and where objects belong.
 * Used by commands and by `serve`. Knows no password.
 */
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import type { NodeId, StoreId } from '../../core/ids.js';
import { DisktroError, notFound } from '../../errors.js';
import { type Credentials, certificateToDer, isOfCluster, parseCertificate } from '../../net/certificates.js';
import { distinctName } from '../../net/distinct-name.js';
import type { SignedRecord } from '../../net/member-record.js';
import { signRecord, verifyRecord, verifyRemoval } from '../../net/member-record.js';
import { Membership } from '../../net/membership.js';
import { PeerClient } from '../../net/peer-client.js';
import { Placement } from '../../net/placement.js';
import { type BandwidthLimit, bandwidthLimit } from '../../net/rate-limit.js';
import { type HolderAccess, readHolderAccess } from '../holders/holder-access.js';
import { HolderClient, type ObjectPeer } from '../holders/holder-client.js';
import type { OpenHome } from '../home/home.js';
import type { NodeIdentity } from './node-files.js';
import { NodeFiles } from './node-files.js';

export interface ClusterOptions {
  /** Seconds a node may be gone before its copies no longer count. */
  readonly repairGraceSeconds: number;
  /** Copies wanted of each object. */
  readonly replicaCount: number;
  /** Bytes per second, 0 = no limit. */
  readonly uploadLimit?: number | undefined;
  readonly downloadLimit?: number | undefined;
}

/** How many ranks of an object are looked at: its holders, and who takes the place of those that fail. */
const RANKS = 8;
/** For how long the set of nodes that count is taken to be the same. */
const PLACEMENT_CHECK_MS = 50;

export class Cluster {
  readonly self: NodeId;
  readonly membership: Membership;
  readonly credentials: Credentials;
  readonly options: ClusterOptions;
  /** What goes to members, and what comes from them, whoever began it; undefined: no limit. */
  readonly upload: BandwidthLimit | undefined;
  readonly download: BandwidthLimit | undefined;
  readonly #holders = new Map<NodeId, HolderClient>();
  /** Static members that this machine was told of and cannot use, with why. */
  readonly unusable = new Map<NodeId, DisktroError>();
  readonly #clients = new Map<NodeId, { readonly addresses: string; readonly client: PeerClient }>();
  #placement: { readonly key: string; readonly placement: Placement; readonly checkedMs: number } | undefined;

  constructor(membership: Membership, self: NodeId, credentials: Credentials, options: ClusterOptions) {
    this.membership = membership;
    this.self = self;
    this.credentials = credentials;
    this.options = options;
    this.upload = bandwidthLimit(options.uploadLimit);
    this.download = bandwidthLimit(options.downloadLimit);
  }

  /** The other nodes. */
  everyone(): readonly NodeId[] {
    return this.membership
      .members()
      .flatMap(({ id, kind }) => (id === this.self || kind !== undefined ? [] : [id]));
  }

  /**
   * Other nodes that have joined and never told where they are: they have not run `serve` yet, so they hold nothing for
   * others and can be asked nothing. What they have stored themselves they hold themselves.
   */
  neverServed(): readonly NodeId[] {
    return this.everyone().filter((id) => this.membership.record(id)?.addresses.length === 0);
  }

  /** The other nodes that can be spoken to. */
  served(): readonly NodeId[] {
    return this.everyone().filter((id) => this.membership.record(id)?.addresses.length !== 0);
  }

  /** Buckets and folders that this node can use. */
  holderClients(): readonly HolderClient[] {
    return [...this.#holders.values()].filter(({ id }) => this.membership.record(id) !== undefined);
  }

  /** Nodes that have served and usable stores: all whom this node can give objects to. */
  reachable(): readonly NodeId[] {
    return [...this.served(), ...this.holderClients().map(({ id }) => id)];
  }

  isStatic(id: NodeId): boolean {
    return this.membership.record(id)?.kind !== undefined;
  }

  /** Static members that hold everything, beside the copies that placement asks for. */
  mirrors(): readonly NodeId[] {
    return this.membership
      .members()
      .flatMap(({ id, role, status }) => (role === 'mirror' && status === 'active' ? [id] : []));
  }

  /** Takes the stores that may be used from here, in place of those before. Closes what is not used. */
  useHolders(access: readonly HolderAccess[]): void {
    for (const { store } of this.#holders.values()) store.close();
    this.#holders.clear();
    this.unusable.clear();
    for (const each of access) {
      if ('error' in each) this.unusable.set(each.id, each.error);
      else this.#holders.set(each.id, new HolderClient(each.id, each.store, this));
    }
  }

  /** How to give objects to a member and get them. @throws E_NOT_FOUND, E_PEER_UNREACHABLE */
  peer(id: NodeId): ObjectPeer {
    if (!this.isStatic(id)) return this.client(id);
    const holder = this.#holders.get(id);
    if (holder !== undefined) return holder;
    const cause = this.unusable.get(id);
    throw new DisktroError(
      'E_PEER_UNREACHABLE',
      cause?.message ?? `this machine cannot use ${this.membership.record(id)?.store ?? id}`,
      { hint: cause?.hint ?? 'run `disktro peers add` with its URL here', details: { node: id } },
    );
  }

  /** The node that looks after a static member for all: of those that can use it and are there, the lowest id. */
  tenderOf(holder: NodeId): NodeId | undefined {
    const able = this.membership.members().filter(({ id, status, stores = [] }) => {
      const isThere = id === this.self || this.membership.status(id) === 'online';
      return isThere && status === 'active' && stores.includes(holder);
    });
    return able.map(({ id }) => id).sort()[0];
  }

  /** The other nodes where an object belongs, best first: its holders, then who takes the place of one that fails. */
  ranked(id: StoreId): readonly NodeId[] {
    return this.#ranks()
      .holdersOfObject(id, RANKS)
      .filter((node) => node !== this.self && (!this.isStatic(node) || this.#holders.has(node)));
  }

  /** The nodes that shall hold an object, this one perhaps among them. */
  holders(id: StoreId): readonly NodeId[] {
    return [...this.#ranks().holdersOfObject(id, this.options.replicaCount), ...this.mirrors()];
  }

  /** How to speak to a member. @throws E_NOT_FOUND when it is none */
  client(id: NodeId): PeerClient {
    const record = this.membership.record(id);
    if (record?.kind !== undefined) throw notFound(`${record.name} is a ${record.kind}, and no node`);
    if (record === undefined) throw notFound(`node ${id} is no member of this cluster`);
    if (record.addresses.length === 0) {
      throw new DisktroError('E_PEER_UNREACHABLE', `node ${id} has not told yet where it is`, {
        hint: 'when it is gone for good, `disktro peers remove --force` takes it out',
        details: { node: id },
      });
    }
    const addresses = record.addresses.join(' ');
    const known = this.#clients.get(id);
    if (known !== undefined && known.addresses === addresses) return known.client;
    void known?.client.close();
    const client = new PeerClient({
      nodeId: id,
      addresses: record.addresses,
      credentials: this.credentials,
      uploadLimit: this.upload,
      downloadLimit: this.download,
    });
    this.#clients.set(id, { addresses, client });
    return client;
  }

  /** Whoever of the cluster is at an address. The caller closes it. */
  clientAt(address: string): PeerClient {
    return new PeerClient({ addresses: [address], credentials: this.credentials });
  }

  /** What people call a member; two of one name are told apart. */
  nameOf(id: NodeId): string {
    return distinctName(this.membership.members(), id);
  }

  /** Nodes whose copies count. */
  counted(): readonly NodeId[] {
    return this.membership.holders(this.options.repairGraceSeconds * 1000).map(({ id }) => id);
  }

  /** The member that a person means: an id, a unique prefix of 6 or more letters, a name, or an address of it. */
  find(text: string): NodeId {
    const address = text.replace(/^https?:\/\//, '').replace(/\/+$/, '');
    const members = this.membership.members();
    const exact = members.filter((member) => member.id === text || member.name === text);
    const fitting =
      exact.length > 0
        ? exact
        : members.filter(
            ({ id, addresses, store }) =>
              store === text ||
              (text.length >= 6 && id.startsWith(text)) ||
              addresses.some((own) => isSameAddress(own, address)),
          );
    const [first, ...others] = fitting;
    if (first === undefined) {
      throw notFound(`no node ${JSON.stringify(text)} in this cluster`, 'run `disktro peers` to see them');
    }
    if (others.length === 0) return first.id;
    const names = fitting.map(({ id }) => this.nameOf(id)).join(', ');
    throw new DisktroError('E_AMBIGUOUS', `${JSON.stringify(text)} fits ${fitting.length} nodes: ${names}`, {
      hint: 'name one by its id, or by 6 or more letters of it',
      details: { matches: fitting.map(({ id }) => id) },
    });
  }

  /** The same as long as placement is. */
  placementKey(): string {
    this.#ranks();
    return this.#placement?.key ?? '';
  }

  async close(): Promise<void> {
    await Promise.all([...this.#clients.values()].map(({ client }) => client.close()));
    this.#clients.clear();
    this.useHolders([]);
  }

  /** Worked out anew when another set of nodes counts, which is looked at not for every object. */
  #ranks(): Placement {
    const known = this.#placement;
    const nowMs = performance.now();
    if (known !== undefined && nowMs - known.checkedMs < PLACEMENT_CHECK_MS) return known.placement;
    const mirrors = new Set(this.mirrors());
    const nodes = this.membership
      .holders(this.options.repairGraceSeconds * 1000)
      .filter(({ id }) => !mirrors.has(id));
    const key = JSON.stringify(nodes);
    const placement = known?.key === key ? known.placement : new Placement(nodes, RANKS);
    this.#placement = { key, placement, checkedMs: nowMs };
    return placement;
  }
}

/** The cluster that this home's node belongs to, or undefined. The caller closes it. */
export async function openCluster(home: OpenHome, options: ClusterOptions): Promise<Cluster | undefined> {
  const files = new NodeFiles(home);
  const identity = await files.read();
  if (identity?.credentials === undefined) return undefined;
  const cluster = makeCluster(identity, identity.credentials, await files.members(), options);
  cluster.useHolders(await readHolderAccess(files, home.fileSystem));
  return cluster;
}

/** @param members what members.json holds, unchecked; this node's own record is taken from there when it is */
export function makeCluster(
  identity: NodeIdentity,
  credentials: Credentials,
  members: unknown,
  options: ClusterOptions,
  own?: SignedRecord,
): Cluster {
  const check = recordCheck(credentials);
  const caKey = new X509Certificate(credentials.caPem).publicKey;
  const self = own ?? storedRecord(identity, credentials, members) ?? firstRecord(identity, credentials);
  const membership = Membership.restore(
    {
      self,
      now: Date.now,
      random: Math.random,
      verifyRecord: (json) => verifyRecord(json, check),
      verifyRemoval: (json) => verifyRemoval(json, caKey),
    },
    members,
  );
  return new Cluster(membership, identity.id, credentials, options);
}

function recordCheck(credentials: Credentials) {
  return {
    isOfCluster: (der: Uint8Array, spki: Uint8Array): boolean =>
      isOfCluster(der, credentials.caPem, Date.now()) && parseCertificate(der).spkiDer.equals(spki),
  };
}

export interface NodeMeasures {
  readonly addresses: readonly string[];
  readonly capacityBytes: number;
  readonly freeBytes: number;
  readonly version: string;
  readonly status: SignedRecord['status'];
  /** Static members that it can use. */
  readonly stores?: readonly NodeId[] | undefined;
}

const UNMEASURED: NodeMeasures = {
  addresses: [],
  capacityBytes: 0,
  freeBytes: 0,
  version: '',
  status: 'active',
};

/**
 * What a command says of a node whose `serve` has said nothing yet. Its `seq` is below all that `serve` signs: both may
 * begin at the same moment, and two records with one `seq` are taken for two machines.
 */
function firstRecord(identity: NodeIdentity, credentials: Credentials): SignedRecord {
  return ownRecord({ ...identity, settings: { ...identity.settings, seq: 1 } }, credentials, UNMEASURED);
}

/** What this node says of itself, signed. */
export function ownRecord(
  { id, keyPem, settings }: NodeIdentity,
  credentials: Credentials,
  measures: NodeMeasures,
): SignedRecord {
  const key = createPrivateKey(keyPem);
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  return signRecord(
    {
      v: 1,
      id,
      key: spki.toString('base64'),
      certificate: certificateToDer(credentials.certificatePem).toString('base64'),
      name: settings.name === '' ? id.slice(0, 8) : settings.name,
      addresses: measures.addresses,
      seq: Math.max(1, settings.seq),
      status: measures.status,
      capacity: measures.capacityBytes,
      free: measures.freeBytes,
      zone: settings.zone,
      version: measures.version,
      ...(measures.stores === undefined || measures.stores.length === 0 ? {} : { stores: measures.stores }),
    },
    key,
  );
}

/** To 1 GiB: placement follows the capacity, and must not when a file system counts a block more. */
export function roundedCapacity(bytes: number): number {
  const unit = 1024 ** 3;
  return bytes > unit ? Math.round(bytes / unit) * unit : bytes;
}

function storedRecord(
  identity: NodeIdentity,
  credentials: Credentials,
  members: unknown,
): SignedRecord | undefined {
  const { records } = (members ?? {}) as { readonly records?: unknown };
  if (!Array.isArray(records)) return undefined;
  const mine: unknown = records.find(
    (record: { readonly id?: unknown } | null) => record?.id === identity.id,
  );
  const check = mine === undefined ? undefined : verifyRecord(mine, recordCheck(credentials));
  return check !== undefined && 'record' in check ? check.record : undefined;
}

function isSameAddress(own: string, given: string): boolean {
  const local = (text: string): string => text.replace(/^(localhost|\[::1\]):/, '127.0.0.1:');
  return local(own) === local(given);
}
