/**
 * Copies objects of this home to the nodes where they belong, and says how many copies are confirmed. A node that
 * fails is replaced by the next in rank. A copy counts when its node has said that it is durable there.
 */
import { noteCopies } from '../../catalog/copies.js';
import type { Holding } from '../../catalog/holdings.js';
import type { NodeId, StoreId } from '../../core/ids.js';
import { mapOrdered } from '../../core/pipeline.js';
import { DisktroError, isDisktroError, throwIfAborted } from '../../errors.js';
import type { Copier } from '../chunk/chunk.js';
import type { Cluster } from '../cluster/cluster.js';
import type { OpenHome } from '../home/home.js';
import type { OpenVault } from '../home/vault.js';
import { CopyAhead } from './copy-ahead.js';
import { ObjectSender, type ReplicateProgress } from './object-sender.js';
import { withdrawOn } from './withdraw-deletions.js';

export interface ReplicateOptions {
  /** Copies wanted on distinct nodes, this one included. */
  readonly copies: number;
  /** Only these nodes, whatever the rank; default: where each object belongs. */
  readonly only?: readonly NodeId[] | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: ReplicateProgress) => void) | undefined;
  /** Told once for each node that failed. */
  readonly onFailure?: ((node: NodeId, error: unknown) => void) | undefined;
  /** What has sent some of the objects already; `onProgress` is its then. */
  readonly sender?: ObjectSender | undefined;
}

export interface ReplicateResult {
  /** The fewest copies that any of the objects has now, this node's own included. */
  readonly confirmed: number;
  readonly sentBytes: number;
  /** Nodes that failed, with what they failed of. */
  readonly failures: ReadonlyMap<NodeId, unknown>;
}

/** What `chunk` is given to make its copies with. */
export function copierOf(
  vault: OpenVault,
  cluster: Cluster,
  options: Pick<ReplicateOptions, 'only' | 'onProgress' | 'onFailure'> = {},
): Required<Copier> {
  const sender = new ObjectSender(vault.home, cluster, options.onProgress, true);
  return {
    ahead: (copies, signal) => new CopyAhead(cluster, sender, copies, signal),
    async copy(objects, copies, signal) {
      const holdings = objects.map(({ storeId, kind, storedBytes }) => ({
        id: storeId,
        kind,
        bytes: storedBytes,
      }));
      return (await replicate(vault, cluster, holdings, { ...options, copies, signal, sender })).confirmed;
    },
  };
}

/** Ids asked about in one request. */
const ASK_IDS = 2_000;
/** Copies noted in one transaction. */
const NOTE_IDS = 256;

/** @throws E_ABORTED; a node's failure is in the result */
export async function replicate(
  vault: OpenVault,
  cluster: Cluster,
  objects: readonly Holding[],
  options: ReplicateOptions,
): Promise<ReplicateResult> {
  const work = new Replication(vault, cluster, options);
  // A manifest goes last: where it is listed, what it needs is there.
  const chunks = objects.filter(({ kind }) => kind === 'chunk');
  const manifests = objects.filter(({ kind }) => kind === 'manifest');
  const confirmed = [await work.run(chunks), await work.run(manifests)];
  return { confirmed: Math.min(...confirmed), sentBytes: work.sentBytes, failures: work.failures };
}

class Replication {
  readonly failures = new Map<NodeId, unknown>();
  readonly #vault: OpenVault;
  readonly #home: OpenHome;
  readonly #cluster: Cluster;
  readonly #options: ReplicateOptions;
  readonly #sender: ObjectSender;
  readonly #mirrors: readonly NodeId[];

  constructor(vault: OpenVault, cluster: Cluster, options: ReplicateOptions) {
    this.#vault = vault;
    this.#home = vault.home;
    this.#cluster = cluster;
    this.#options = options;
    this.#sender = options.sender ?? new ObjectSender(vault.home, cluster, options.onProgress);
    const usable = cluster.holderClients().map(({ id }) => id);
    this.#mirrors = cluster.mirrors().filter((node) => usable.includes(node));
  }

  get sentBytes(): number {
    return this.#sender.sentBytes;
  }

  /** @returns the fewest copies that any of these objects has, this node's own included */
  async run(objects: readonly Holding[]): Promise<number> {
    const confirmed = new Map<StoreId, Set<NodeId>>(objects.map(({ id }) => [id, new Set()]));
    for (;;) {
      const tasks = this.#assign(objects, confirmed);
      if (tasks.size === 0) break;
      await Promise.all([...tasks].map(([node, list]) => this.#serveNode(node, list, confirmed)));
    }
    return objects.length === 0 ? Number.MAX_SAFE_INTEGER : 1 + fewest(confirmed);
  }

  /** For each node the objects it is to hold and has not confirmed; nodes that failed are passed over. */
  #assign(
    objects: readonly Holding[],
    confirmed: ReadonlyMap<StoreId, ReadonlySet<NodeId>>,
  ): Map<NodeId, Holding[]> {
    const { copies, only } = this.#options;
    const tasks = new Map<NodeId, Holding[]>();
    for (const object of objects) {
      const has = confirmed.get(object.id);
      const candidates = (only ?? this.#cluster.ranked(object.id)).filter((node) => !this.failures.has(node));
      const mirrors = this.#mirrors.filter((node) => !this.failures.has(node));
      const wanted =
        only === undefined ? new Set([...candidates.slice(0, copies - 1), ...mirrors]) : candidates;
      for (const node of wanted) {
        if (has?.has(node) === true) continue;
        const list = tasks.get(node) ?? [];
        list.push(object);
        tasks.set(node, list);
      }
    }
    return tasks;
  }

  async #serveNode(
    node: NodeId,
    objects: readonly Holding[],
    confirmed: ReadonlyMap<StoreId, Set<NodeId>>,
  ): Promise<void> {
    const { signal } = this.#options;
    const noted: StoreId[] = [];
    const confirm = (id: StoreId): void => {
      confirmed.get(id)?.add(node);
      noted.push(id);
      if (noted.length >= NOTE_IDS) noteCopies(this.#home.catalog, node, noted.splice(0));
    };
    try {
      for (let from = 0; from < objects.length; from += ASK_IDS) {
        throwIfAborted(signal);
        const page = objects.slice(from, from + ASK_IDS);
        const missing = await this.#missingAt(
          node,
          page.map(({ id }) => id),
        );
        const lacking = page.filter(({ id }) => missing.has(id));
        this.#sender.expect(lacking.reduce((sum, { bytes }) => sum + bytes, 0));
        for (const { id } of page) if (!missing.has(id)) confirm(id);
        const sending = mapOrdered(this.#sender.streams(node), async (object: Holding) => {
          await this.#sender.send(node, object, signal);
          confirm(object.id);
        });
        for await (const _ of sending(lacking, { signal }));
      }
    } catch (error) {
      if (isDisktroError(error, 'E_ABORTED') || !isOfPeer(error)) throw error;
      this.failures.set(node, error);
      this.#options.onFailure?.(node, error);
    } finally {
      if (noted.length > 0) noteCopies(this.#home.catalog, node, noted);
    }
  }

  /**
   * What a node is to be sent. What this vault has had deleted there, and relies on now, is no copy before the deletion is
   * taken back. @throws E_PEER_REFUSED when it is not
   */
  async #missingAt(node: NodeId, ids: readonly StoreId[]): Promise<ReadonlySet<StoreId>> {
    const { signal } = this.#options;
    const peer = this.#cluster.peer(node);
    let { missing, deleted } = await peer.lacking(ids, signal);
    if (deleted.length > 0) {
      await withdrawOn(this.#vault, this.#cluster, node, deleted, signal);
      ({ missing, deleted } = await peer.lacking(ids, signal));
    }
    if (deleted.length === 0) return new Set(missing);
    const message = `${deleted.length} objects were deleted there, and it does not take that back`;
    throw new DisktroError('E_PEER_REFUSED', message, { details: { node } });
  }
}

/** What a peer did wrong, or its network; the rest is about this home. */
function isOfPeer(error: unknown): boolean {
  return isDisktroError(error, 'E_PEER_UNREACHABLE', 'E_PEER_REFUSED') || isFullPeer(error);
}

function isFullPeer(error: unknown): boolean {
  return isDisktroError(error, 'E_NO_SPACE') && error.details?.node !== undefined;
}

function fewest(confirmed: ReadonlyMap<StoreId, ReadonlySet<NodeId>>): number {
  let least = Number.MAX_SAFE_INTEGER;
  for (const nodes of confirmed.values()) least = Math.min(least, nodes.size);
  return least;
}
