/**
 * Where an object comes from when this home does not have it whole: the nodes that should hold it, in the order in
 * which they most likely do. A slow one is overtaken by the next; what a liar sends is not taken.
 */
import { nodesOf } from '../../catalog/copies.js';
import type { NodeId, StoreId } from '../../core/ids.js';
import { DisktroError, isDisktroError, missingObject, throwIfAborted } from '../../errors.js';
import type { Cluster } from '../cluster/cluster.js';
import type { OpenHome } from '../home/home.js';

/** Fetches whole objects. */
export interface ObjectSource {
  /**
   * Gets an object from one node after another, until `accept` takes its bytes.
   * @param room where the bytes may go; not to be touched until the promise settles
   * @param accept throws an integrity code when the bytes are not that object's: then the next node is asked
   * @throws E_OBJECT_MISSING when every node says so, E_PEER_UNREACHABLE when one that may have it is out of reach,
   *   E_PEER_REFUSED when what came was something else; what else `accept` throws
   */
  fetch<T>(
    id: StoreId,
    room: Uint8Array,
    accept: (bytes: Uint8Array) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T>;
}

/** A first answer that takes longer than 19 of 20 did gets a rival, but not before this. */
const LEAST_HEDGE_MS = 150;
const FIRST_HEDGE_MS = 1_500;
const REMEMBERED_TIMES = 200;

interface Attempt {
  readonly node: NodeId;
  readonly buffer: Uint8Array;
  readonly stop: AbortController;
  readonly length: Promise<number>;
}

export class PeerSource implements ObjectSource {
  readonly #home: OpenHome;
  readonly #cluster: Cluster;
  readonly #onFetched: (node: NodeId, bytes: number) => void;
  readonly #except: ReadonlySet<NodeId>;
  readonly #timesMs: number[] = [];

  /**
   * @param onFetched told of each object that came whole, with the node it came from
   * @param except members that are not asked
   */
  constructor(
    home: OpenHome,
    cluster: Cluster,
    onFetched: (node: NodeId, bytes: number) => void = () => {},
    except: ReadonlySet<NodeId> = new Set(),
  ) {
    this.#home = home;
    this.#except = except;
    this.#cluster = cluster;
    this.#onFetched = onFetched;
  }

  async fetch<T>(
    id: StoreId,
    room: Uint8Array,
    accept: (bytes: Uint8Array) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    const nodes = this.#candidates(id);
    const failures = new Map<NodeId, unknown>();
    const running = new Set<Attempt>();
    try {
      while (nodes.length > 0 || running.size > 0) {
        throwIfAborted(signal);
        const node = nodes.shift();
        if (node !== undefined) {
          const isRoomFree = [...running].every(({ buffer }) => buffer !== room);
          running.add(
            this.#start(node, id, isRoomFree ? room : Buffer.allocUnsafeSlow(room.byteLength), signal),
          );
        }
        const won = await this.#firstOf(running, nodes.length > 0, failures);
        if (won === undefined) continue;
        running.delete(won);
        try {
          const length = await won.length;
          const taken = await accept(won.buffer.subarray(0, length));
          this.#onFetched(won.node, length);
          return taken;
        } catch (error) {
          if (!isDisktroError(error) || !error.code.startsWith('E_OBJECT_')) throw error;
          failures.set(won.node, liar(won.node, id, error));
        }
      }
    } finally {
      // Whoever still writes into the caller's buffer has to stop before it is used again.
      for (const { stop } of running) stop.abort();
      await Promise.allSettled([...running].map(({ length }) => length));
    }
    throw this.#worstOf(id, failures);
  }

  /** Nodes that said they have it, then those that should, then the rest. */
  #candidates(id: StoreId): NodeId[] {
    const known = new Set(nodesOf(this.#home.catalog, id));
    const all = this.#cluster.reachable();
    // In the order of rank, which is another one for each object: so all holders have their share of the work.
    const ranked = [...new Set([...this.#cluster.ranked(id), ...all])].filter(
      (node) => !this.#except.has(node),
    );
    const order = [...ranked.filter((node) => known.has(node)), ...ranked];
    // A bucket comes last of those that are there: it is far away, and reading costs.
    const cost = (node: NodeId): number =>
      this.#cluster.membership.status(node) !== 'online' ? 2 : this.#cluster.isStatic(node) ? 1 : 0;
    return [...new Set(order)].sort((a, b) => cost(a) - cost(b));
  }

  #start(node: NodeId, id: StoreId, buffer: Uint8Array, signal: AbortSignal | undefined): Attempt {
    const stop = new AbortController();
    const both = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
    const startedMs = performance.now();
    const length = this.#get(node, id, buffer, both).then((bytes) => {
      this.#timesMs.push(performance.now() - startedMs);
      if (this.#timesMs.length > REMEMBERED_TIMES) this.#timesMs.shift();
      return bytes;
    });
    length.catch(() => {});
    return { node, buffer, stop, length };
  }

  async #get(node: NodeId, id: StoreId, buffer: Uint8Array, signal: AbortSignal): Promise<number> {
    return this.#cluster
      .peer(node)
      .getObject(id, buffer, { signal })
      .catch((error: unknown) => {
        // From now on it is asked last: a dead node first in rank would hold up every object anew.
        if (isDisktroError(error, 'E_PEER_UNREACHABLE')) this.#cluster.membership.notePingFailed(node);
        throw error;
      });
  }

  /** The attempt that succeeds, or undefined when it is time for the next node: one failed, or all are slow. */
  async #firstOf(
    running: Set<Attempt>,
    hasMore: boolean,
    failures: Map<NodeId, unknown>,
  ): Promise<Attempt | undefined> {
    const outcomes = [...running].map((attempt) =>
      attempt.length.then(
        () => attempt,
        (error: unknown) => {
          running.delete(attempt);
          failures.set(attempt.node, error);
          return undefined;
        },
      ),
    );
    if (!hasMore) return Promise.race(outcomes);
    const pause = timer(this.#hedgeMs());
    try {
      return await Promise.race([...outcomes, pause.over]);
    } finally {
      pause.cancel();
    }
  }

  /** Out of reach before missing: who cannot be asked may have it. */
  #worstOf(id: StoreId, failures: ReadonlyMap<NodeId, unknown>): unknown {
    const away = [...failures].filter(([, error]) => isDisktroError(error, 'E_PEER_UNREACHABLE'));
    const [first] = away;
    if (first === undefined) {
      const refusal = [...failures.values()].find((error) => isDisktroError(error, 'E_PEER_REFUSED'));
      return refusal ?? missingObject(id);
    }
    const nodes = away.map(([node]) => node);
    const names = nodes.map((node) => this.#cluster.nameOf(node)).sort();
    const verb = names.length === 1 ? 'is' : 'are';
    return new DisktroError(
      'E_PEER_UNREACHABLE',
      `object ${id} is not here, and ${names.join(', ')} ${verb} out of reach`,
      { hint: 'bring one of them up and try again', details: { object: id, nodes, names }, cause: first[1] },
    );
  }

  #hedgeMs(): number {
    if (this.#timesMs.length < 20) return FIRST_HEDGE_MS;
    const sorted = [...this.#timesMs].sort((a, b) => a - b);
    return Math.max(LEAST_HEDGE_MS, sorted[Math.floor(sorted.length * 0.95)] ?? FIRST_HEDGE_MS);
  }
}

function timer(ms: number): { readonly over: Promise<undefined>; cancel(): void } {
  let handle: NodeJS.Timeout | undefined;
  const over = new Promise<undefined>((resolve) => {
    handle = setTimeout(() => resolve(undefined), ms);
  });
  return { over, cancel: () => clearTimeout(handle) };
}

function liar(node: NodeId, id: StoreId, cause: DisktroError): DisktroError {
  return new DisktroError('E_PEER_REFUSED', `node ${node} sent something else than object ${id}`, {
    details: { node, id },
    cause,
  });
}
