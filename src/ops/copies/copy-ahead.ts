/**
 * Begins to copy objects while the rest of their file is still being read. Only a head start: what fails here, or finds
 * no room in the queue, is left to `replicate`, which asks every node what it lacks before a copy counts.
 */
import type { Holding } from '../../catalog/holdings.js';
import type { ObjectRow } from '../../catalog/objects.js';
import type { NodeId } from '../../core/ids.js';
import type { CopiesAhead } from '../chunk/chunk.js';
import type { Cluster } from '../cluster/cluster.js';
import type { ObjectSender } from './object-sender.js';

/** Objects that wait for one node, at most: 64 GiB of them, and little memory. */
const MAX_QUEUED = 65_536;

interface Lane {
  readonly waiting: Holding[];
  readonly running: Set<Promise<void>>;
  isFailed: boolean;
}

export class CopyAhead implements CopiesAhead {
  readonly #cluster: Cluster;
  readonly #sender: ObjectSender;
  readonly #others: number;
  readonly #stop = new AbortController();
  readonly #lanes = new Map<NodeId, Lane>();

  /** @param copies wanted on distinct nodes, this one included */
  constructor(cluster: Cluster, sender: ObjectSender, copies: number, signal: AbortSignal | undefined) {
    this.#cluster = cluster;
    this.#sender = sender;
    this.#others = copies - 1;
    signal?.addEventListener('abort', () => this.#stop.abort(), { signal: this.#stop.signal });
  }

  offer({ storeId: id, kind, storedBytes: bytes }: ObjectRow): void {
    const live = this.#cluster.ranked(id).filter((node) => !this.#laneOf(node).isFailed);
    for (const node of live.slice(0, this.#others)) {
      const lane = this.#laneOf(node);
      if (lane.waiting.length >= MAX_QUEUED) continue;
      this.#sender.expect(bytes);
      lane.waiting.push({ id, kind, bytes });
      if (lane.running.size < this.#sender.streams(node)) this.#run(node, lane);
    }
  }

  async drained(): Promise<void> {
    for (;;) {
      const running = [...this.#lanes.values()].flatMap((lane) => [...lane.running]);
      if (running.length === 0) return;
      await Promise.all(running);
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.drained();
  }

  #laneOf(node: NodeId): Lane {
    let lane = this.#lanes.get(node);
    if (lane === undefined) {
      lane = { waiting: [], running: new Set(), isFailed: false };
      this.#lanes.set(node, lane);
    }
    return lane;
  }

  #run(node: NodeId, lane: Lane): void {
    const work = this.#sendAll(node, lane).finally(() => lane.running.delete(work));
    lane.running.add(work);
  }

  async #sendAll(node: NodeId, lane: Lane): Promise<void> {
    try {
      for (let next = lane.waiting.shift(); next !== undefined; next = lane.waiting.shift()) {
        if (this.#stop.signal.aborted) return;
        await this.#sender.send(node, next, this.#stop.signal);
      }
    } catch {
      // `replicate` meets the same failure, and tells of it.
      lane.isFailed = true;
      lane.waiting.length = 0;
    }
  }
}
