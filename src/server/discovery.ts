/**
 * Where members are that this node has lost sight of: at addresses from the configuration, and on the local network. An
 * address is a rumour: it is tried, and only who shows a certificate of this cluster there is learned from.
 */
import { X509Certificate } from 'node:crypto';
import { isIPv4 } from 'node:net';
import { sha256Hex } from '../core/hashes.js';
import { isDisktroError } from '../errors.js';
import type { Mdns, Sighting } from '../net/mdns.js';
import { isNodeId } from '../net/node-id.js';
import type { Cluster } from '../ops/cluster/cluster.js';
import { contact, contactAt } from '../ops/cluster/contact.js';
import { isAnyHost } from './own-addresses.js';
import type { ServingNode } from './serving-node.js';

export interface DiscoveryOptions {
  /** `host:port`, with or without `http://`; tried at start and while no member is online. */
  readonly peers?: readonly string[];
  /** Whether the local network is searched; default: no. */
  readonly isMdnsOn?: boolean;
  readonly host: string;
  readonly port: number;
}

type Node = Pick<ServingNode, 'cluster' | 'id' | 'log' | 'noteMerge'>;

/** Of addresses from the network; one more is forgotten, it will be heard again. */
const MOST_TRIES = 4;
const TRY_MS = 5_000;

export class Discovery {
  readonly #node: Node;
  readonly #options: DiscoveryOptions;
  readonly #stop = new AbortController();
  readonly #tries = new Set<Promise<void>>();
  /** The cluster that the peers were tried in and that is searched for. */
  #cluster: Cluster | undefined;
  #mdns: Mdns | undefined;

  constructor(node: Node, options: DiscoveryOptions) {
    this.#node = node;
    this.#options = options;
  }

  /** One look round: to be called at start, in a new cluster, and then every heartbeat. */
  async look(signal: AbortSignal): Promise<void> {
    const cluster = this.#node.cluster();
    if (cluster === undefined) return;
    const isNew = cluster !== this.#cluster;
    if (isNew) {
      this.#cluster = cluster;
      await this.#search(cluster);
    } else if (this.#isAnyAbsent(cluster)) this.#mdns?.query();
    if (isNew || !this.#isAnyOnline(cluster)) {
      const { peers = [] } = this.#options;
      await Promise.all(peers.map((address) => this.#try(cluster, address, signal)));
    }
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#mdns?.close();
    await Promise.all(this.#tries);
  }

  /** Announces this node under its present cluster. */
  async #search(cluster: Cluster): Promise<void> {
    const { isMdnsOn = false, host, port } = this.#options;
    await this.#mdns?.close();
    this.#mdns = undefined;
    const isEverywhere = isAnyHost(host);
    if (!isMdnsOn || this.#stop.signal.aborted || !(isEverywhere || isIPv4(host))) return;
    // Loaded only here: commands and most tests need nothing of it.
    const { startMdns } = await import('../net/mdns.js');
    if (this.#stop.signal.aborted) return;
    this.#mdns = startMdns({
      self: this.#node.id,
      port,
      caFingerprint: sha256Hex(new X509Certificate(cluster.credentials.caPem).raw),
      isMember: (node) => cluster.membership.record(node) !== undefined,
      onFound: (sighting) => this.#found(cluster, sighting),
      onTrouble: (message) => this.#node.log.debug(message),
      ...(isEverywhere ? {} : { interface: host }),
    });
  }

  #found(cluster: Cluster, { node, addresses }: Sighting): void {
    const { membership } = cluster;
    const isThere = membership.status(node) === 'online' && membership.lastSeenMs(node) !== undefined;
    if (isThere || membership.isRemoved(node) || this.#tries.size >= MOST_TRIES) return;
    const trying = this.#tryAll(cluster, addresses).finally(() => this.#tries.delete(trying));
    this.#tries.add(trying);
  }

  async #tryAll(cluster: Cluster, addresses: readonly string[]): Promise<void> {
    for (const address of addresses) {
      if (await this.#try(cluster, address, this.#stop.signal)) return;
    }
  }

  /** @returns whether a member is there. Never rejects. */
  async #try(cluster: Cluster, address: string, signal: AbortSignal): Promise<boolean> {
    const { log } = this.#node;
    const both = AbortSignal.any([signal, AbortSignal.timeout(TRY_MS)]);
    try {
      const id = await contactAt(cluster, address, both, (merged) => this.#node.noteMerge(merged));
      if (!isNodeId(id) || id === this.#node.id || cluster.membership.record(id) === undefined) return false;
      // It has told its own address with its record: from now on it is known by that.
      for (const merged of await contact(cluster, id, both)) await this.#node.noteMerge(merged);
      log.debug(`node ${id.slice(0, 8)} found at ${address}`);
      return true;
    } catch (error) {
      if (!isDisktroError(error)) log.warning(`looking for a peer at ${address}: ${String(error)}`);
      else log.debug(`no peer at ${address}: ${error.message}`);
      return false;
    }
  }

  #isAnyOnline(cluster: Cluster): boolean {
    return cluster.everyone().some((node) => cluster.membership.status(node) === 'online');
  }

  #isAnyAbsent(cluster: Cluster): boolean {
    const others = cluster.everyone();
    return others.length === 0 || others.some((node) => cluster.membership.status(node) !== 'online');
  }
}
