/**
 * Where an object comes from when this home does not have it whole: the nodes that should hold it, in the order in
 * which they most likely do. A slow one is overtaken by the next; what a liar sends is not taken.
 */
import { nodesOf } from '../catalog/copies.js';
import { sha256Hex } from '../core/hashes.js';
import type { NodeId, StoreId } from '../core/ids.js';
import { DisktroError, isDisktroError, missingObject, throwIfAborted } from '../errors.js';
import type { Cluster } from './cluster.js';
import type { OpenHome } from './home.js';

/** Fetches whole objects whose bytes hash to their id. */
export interface ObjectSource {
  /**
   * Fills the front of `target`. @returns the object's length
   * @throws E_OBJECT_MISSING when every node says so, E_PEER_UNREACHABLE when one that may have it is out of reach,
   *   E_PEER_REFUSED when what came was something else
   */
  fetch(id: StoreId, target: Uint8Array, signal?: AbortSignal): Promise<number>;
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
  readonly #timesMs: number[] = [];

  constructor(home: OpenHome, cluster: Cluster) {
    this.#home = home;
    this.#cluster = cluster;
  }

  async fetch(id: StoreId, target: Uint8Array, signal?: AbortSignal): Promise<number> {
    const nodes = this.#candidates(id);
    const failures: unknown[] = [];
    const running = new Set<Attempt>();
    try {
      while (nodes.length > 0 || running.size > 0) {
        throwIfAborted(signal);
        const node = nodes.shift();
        if (node !== undefined)
          running.add(this.#start(node, id, running.size === 0 ? target : undefined, target, signal));
        const won = await this.#firstOf(running, nodes.length > 0, failures);
        if (won === undefined) continue;
        const length = await won.length;
        // Whoever else still writes into the caller's buffer has to stop before it is used.
        await this.#stopAll(running, won);
        if (won.buffer !== target) target.set(won.buffer.subarray(0, length));
        return length;
      }
    } finally {
      await this.#stopAll(running, undefined);
    }
    throw worstOf(id, failures);
  }

  /** Nodes that said they have it, then those that should, then the rest. */
  #candidates(id: StoreId): NodeId[] {
    const known = nodesOf(this.#home.catalog, id);
    const all = this.#cluster.everyone();
    const ranked = this.#cluster.ranked(id);
    const order = [...known.filter((node) => all.includes(node)), ...ranked, ...all];
    const live = (node: NodeId): number => (this.#cluster.membership.status(node) === 'online' ? 0 : 1);
    return [...new Set(order)].sort((a, b) => live(a) - live(b));
  }

  #start(
    node: NodeId,
    id: StoreId,
    own: Uint8Array | undefined,
    target: Uint8Array,
    signal: AbortSignal | undefined,
  ): Attempt {
    const stop = new AbortController();
    const both = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
    const buffer = own ?? Buffer.alloc(target.byteLength);
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
    const length = await this.#cluster
      .client(node)
      .getObject(id, buffer, { signal })
      .catch((error: unknown) => {
        // From now on it is asked last: a dead node first in rank would hold up every object anew.
        if (isDisktroError(error, 'E_PEER_UNREACHABLE')) this.#cluster.membership.notePingFailed(node);
        throw error;
      });
    if (sha256Hex(buffer.subarray(0, length)) === id) return length;
    throw new DisktroError('E_PEER_REFUSED', `node ${node} sent something else than object ${id}`, {
      details: { node, id },
    });
  }

  /** The attempt that succeeds, or undefined when it is time for the next node: one failed, or all are slow. */
  async #firstOf(running: Set<Attempt>, hasMore: boolean, failures: unknown[]): Promise<Attempt | undefined> {
    const outcomes = [...running].map((attempt) =>
      attempt.length.then(
        () => attempt,
        (error: unknown) => {
          running.delete(attempt);
          failures.push(error);
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

  #hedgeMs(): number {
    if (this.#timesMs.length < 20) return FIRST_HEDGE_MS;
    const sorted = [...this.#timesMs].sort((a, b) => a - b);
    return Math.max(LEAST_HEDGE_MS, sorted[Math.floor(sorted.length * 0.95)] ?? FIRST_HEDGE_MS);
  }

  async #stopAll(running: Set<Attempt>, except: Attempt | undefined): Promise<void> {
    const others = [...running].filter((attempt) => attempt !== except);
    for (const { stop } of others) stop.abort();
    await Promise.allSettled(others.map(({ length }) => length));
    running.clear();
  }
}

function timer(ms: number): { readonly over: Promise<undefined>; cancel(): void } {
  let handle: NodeJS.Timeout | undefined;
  const over = new Promise<undefined>((resolve) => {
    handle = setTimeout(() => resolve(undefined), ms);
  });
  return { over, cancel: () => clearTimeout(handle) };
}

/** Out of reach before missing: who cannot be asked may have it. */
function worstOf(id: StoreId, failures: readonly unknown[]): unknown {
  const of = (code: 'E_PEER_UNREACHABLE' | 'E_PEER_REFUSED') =>
    failures.find((error) => isDisktroError(error, code));
  return of('E_PEER_UNREACHABLE') ?? of('E_PEER_REFUSED') ?? missingObject(id);
}
