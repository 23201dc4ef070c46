/**
 * Anti-entropy: what this node and the others should both hold is compared, and what one of them lacks is sent
 * (docs/PROTOCOL.md, "Comparing and repairing"). Needs no vault's key. Also learns which copies are where.
 */
import { forgetCopies, noteCopies, underCopied } from '../../catalog/copies.js';
import type { Holding } from '../../catalog/holdings.js';
import { addedInSessions, lostOwnObjects } from '../../catalog/holdings.js';
import { liveSessions } from '../../catalog/sessions.js';
import { bufferPool } from '../../core/buffer-pool.js';
import type { NodeId, StoreId } from '../../core/ids.js';
import { mapOrdered } from '../../core/pipeline.js';
import { isDisktroError, throwIfAborted } from '../../errors.js';
import type { Digests, GroupSpan } from '../../net/digest.js';
import { differingGroups, digestGroupOf, spansOf } from '../../net/digest.js';
import { planRepair } from '../../net/repair-plan.js';
import type { Cluster } from '../cluster/cluster.js';
import { exchangeRecords } from '../cluster/stored-records.js';
import type { OpenHome } from '../home/home.js';
import type { HeldWriter } from './held-writer.js';
import { MAX_HELD_OBJECT_BYTES } from './held-writer.js';
import { PeerSource } from './peer-source.js';
import { placesOf } from './places.js';
import { readWhole } from './scrub.js';
import { sharedDigests } from './shared-digests.js';
import { idsOf, sharedHoldings, spanRange } from './shared-holdings.js';

export interface RepairContext {
  readonly home: OpenHome;
  readonly cluster: Cluster;
  readonly writer: HeldWriter;
  readonly signal?: AbortSignal | undefined;
  readonly onFailure?: ((node: NodeId, error: unknown) => void) | undefined;
}

export interface RepairResult {
  readonly pushed: number;
  readonly fetched: number;
  readonly bytes: number;
  /** Objects that could not be sent or fetched: the next round tries again. */
  readonly failed: number;
}

const STREAMS = 4;
const EXCESS_PAGE = 2_000;
/** Objects about to be sent that are asked about at once. */
const ASKED_AGAIN = 16;
/** Ids that are listed and settled at once. */
const SPAN_IDS = 4_000;

interface Compared {
  readonly node: NodeId;
  readonly differing: ReadonlySet<number>;
  /** This node's and the other's, of what both should hold. */
  readonly digests: readonly [Digests, Digests];
}

/** One round with every member that is online. A member's failure ends its part only. */
export async function repairOnce(context: RepairContext): Promise<RepairResult> {
  const { cluster } = context;
  const live = cluster.everyone().filter((node) => cluster.membership.status(node) === 'online');
  const stores = cluster.holderClients().map(({ id }) => id);
  const usable = stores.filter((id) => cluster.membership.status(id) === 'online');
  const round = new Round(context, new Set([...live, ...usable]));
  const compared: Compared[] = [];
  for (const node of live) {
    await round.exchangeRecords(node);
    const outcome = await round.compare(node);
    if (outcome !== undefined) compared.push(outcome);
  }
  const groups = [...new Set(compared.flatMap(({ differing }) => [...differing]))].sort((a, b) => a - b);
  const sizes = compared.flatMap(({ digests }) => digests);
  for (const span of spansOf(groups, sizes, SPAN_IDS)) await round.settle(span, compared);
  await round.spreadExcess();
  await round.fetchLost();
  return round.result;
}

class Round {
  readonly #context: RepairContext;
  readonly #live: ReadonlySet<NodeId>;
  /** Nodes that had no room left in this round. */
  readonly #full = new Set<NodeId>();
  readonly #result = { pushed: 0, fetched: 0, bytes: 0, failed: 0 };

  constructor(context: RepairContext, live: ReadonlySet<NodeId>) {
    this.#context = context;
    this.#live = live;
  }

  get result(): RepairResult {
    return { ...this.#result };
  }

  /** Records of vaults are few and small: all of them are compared every time. */
  async exchangeRecords(node: NodeId): Promise<void> {
    const { home, cluster, signal } = this.#context;
    await this.#ask(node, () => exchangeRecords(home, cluster, node, signal));
  }

  /** @returns undefined when the node does not answer */
  async compare(node: NodeId): Promise<Compared | undefined> {
    const { home, cluster, signal } = this.#context;
    throwIfAborted(signal);
    const mine = sharedDigests(home.catalog, cluster, node);
    const theirs = await this.#ask(node, () => cluster.client(node).digests(signal));
    if (theirs === undefined) return undefined;
    const differing = new Set(differingGroups(mine, theirs));
    this.#noteEqual(node, mine, differing);
    return { node, differing, digests: [mine, theirs] };
  }

  /** Brings some groups of ids in order: asks those that differ what they have, and does this node's part. */
  async settle(span: GroupSpan, compared: readonly Compared[]): Promise<void> {
    const { home, cluster } = this.#context;
    const mine = new Map<StoreId, Holding>();
    for (const holding of sharedHoldings(home.catalog, undefined, undefined, spanRange(span)))
      mine.set(holding.id, holding);
    // Each as it lists them itself: what one says of an object must not spoil what another has.
    const theirs = new Map<NodeId, ReadonlyMap<StoreId, Holding>>();
    const have = new Map<NodeId, Set<StoreId>>([[cluster.self, new Set(mine.keys())]]);
    for (const { node, differing } of compared) {
      const isDiffering = [...differing].some((group) => group >= span.first && group <= span.last);
      const listed = isDiffering ? await this.#list(node, span) : undefined;
      if (listed !== undefined) theirs.set(node, listed);
      if (listed !== undefined) have.set(node, new Set(listed.keys()));
      else if (!isDiffering) have.set(node, this.#sharedOf(node, mine));
    }
    const plan = planRepair({
      self: cluster.self,
      holdersOf: (id) => cluster.holders(id),
      isLive: (node) => have.has(node),
      have,
    });
    for (const [node, ids] of plan.push) {
      await this.#push(
        node,
        ids.flatMap((id) => mine.get(id) ?? []),
      );
    }
    for (const [node, ids] of plan.fetch)
      await this.#fetch(
        node,
        ids.flatMap((id) => theirs.get(node)?.get(id) ?? []),
      );
    for (const [node, ids] of have) {
      if (node !== cluster.self)
        this.#note(
          node,
          [...ids].filter((id) => mine.has(id)),
        );
    }
  }

  /** Objects that belong elsewhere and are not known to be there in enough copies: their holders are asked. */
  async spreadExcess(): Promise<void> {
    const { home, cluster } = this.#context;
    let after: StoreId | undefined;
    for (;;) {
      const page = underCopied(home.catalog, wantedCopies(cluster), cluster.counted(), after, EXCESS_PAGE);
      after = page.at(-1)?.id;
      if (after === undefined) return;
      let full: number;
      do {
        full = this.#full.size;
        for (const [node, holdings] of this.#places(page)) await this.#offer(node, holdings);
      } while (this.#full.size > full);
    }
  }

  #places(page: readonly Holding[]): ReadonlyMap<NodeId, readonly Holding[]> {
    const { cluster } = this.#context;
    const byNode = new Map<NodeId, Holding[]>();
    for (const holding of page) {
      for (const node of placesOf(cluster, holding.id, this.#full)) {
        if (node === cluster.self || !this.#canAsk(node)) continue;
        const holdings = byNode.get(node);
        if (holdings === undefined) byNode.set(node, [holding]);
        else holdings.push(holding);
      }
    }
    return byNode;
  }

  /** What this node's own files need and has been lost here comes back from whoever has it. */
  async fetchLost(): Promise<void> {
    const { home, cluster, writer, signal } = this.#context;
    const source = new PeerSource(home, cluster);
    // Of what an import or a rebuild has entered the length is not known.
    const rooms = bufferPool(STREAMS, MAX_HELD_OBJECT_BYTES);
    const get = mapOrdered(STREAMS, async ({ id, kind }: Holding) => {
      const room = await rooms.take();
      try {
        if (writer.has(id)) return;
        // A damaged file is replaced, never moved aside here: a push may have put a whole one in its place meanwhile.
        await source.fetch(id, room, (object) => writer.put(kind, id, object), signal);
        this.#result.fetched++;
        this.#result.bytes += home.objects.find(id)?.storedBytes ?? 0;
      } catch (error) {
        if (isDisktroError(error, 'E_ABORTED')) throw error;
        this.#result.failed++;
      } finally {
        rooms.give(room);
      }
    });
    // Others push what this node lacks from the lowest id on: who comes from the other end meets them once.
    const lost = lostOwnObjects(home.catalog).toSorted((a, b) => (a.id < b.id ? 1 : -1));
    for await (const _ of get(lost, { signal }));
  }

  /** A store that cannot be used from here is asked about through the node that looks after it. */
  #canAsk(node: NodeId): boolean {
    const { cluster } = this.#context;
    return this.#live.has(node) || (cluster.isStatic(node) && this.#live.has(cluster.tenderOf(node) ?? node));
  }

  async #offer(node: NodeId, holdings: readonly Holding[]): Promise<void> {
    if (!this.#live.has(node)) return this.#askTender(node, holdings);
    await this.#push(node, (await this.#lackingOf(node, holdings)) ?? []);
  }

  /** What is missing in the store its tender fetches by itself. */
  async #askTender(store: NodeId, holdings: readonly Holding[]): Promise<void> {
    const { cluster, signal } = this.#context;
    const tender = cluster.tenderOf(store);
    if (tender === undefined) return;
    const ids = holdings.map(({ id }) => id);
    const answer = await this.#ask(tender, () => cluster.client(tender).lacking(ids, signal, store));
    if (answer === undefined) return;
    const lacking = new Set(answer.missing);
    this.#note(
      store,
      ids.filter((id) => !lacking.has(id)),
    );
  }

  async #push(node: NodeId, found: readonly Holding[]): Promise<void> {
    const { home, cluster, signal } = this.#context;
    let isFailing = false;
    const send = mapOrdered(STREAMS, async ({ id, kind }: Holding) => {
      if (isFailing) return;
      try {
        const object = await readWhole(home, kind, id);
        const isNew = (await cluster.peer(node).putObject(kind, id, object, signal)) === 'new';
        this.#note(node, [id]);
        // Who had it may see other holders than this node does: that is no news to run another round for.
        if (!isNew) return;
        this.#result.pushed++;
        this.#result.bytes += object.byteLength;
      } catch (error) {
        if (isDisktroError(error, 'E_NO_SPACE')) this.#full.add(node);
        isFailing = this.#isFailed(node, error);
      }
    });
    for await (const _ of send(this.#stillLacking(node, this.#notBusy(found)), { signal }));
  }

  /** Others may send the same meanwhile, to whom the cluster looks otherwise: each few are asked about once more. */
  async *#stillLacking(node: NodeId, holdings: readonly Holding[]): AsyncGenerator<Holding> {
    for (let start = 0; start < holdings.length; start += ASKED_AGAIN) {
      const lacking = await this.#lackingOf(node, holdings.slice(start, start + ASKED_AGAIN));
      if (lacking === undefined) return;
      yield* lacking;
    }
  }

  /** Those that a member would take; notes which it has. None when it does not answer. */
  async #lackingOf(node: NodeId, holdings: readonly Holding[]): Promise<readonly Holding[] | undefined> {
    const { home, cluster, signal } = this.#context;
    const ids = holdings.map(({ id }) => id);
    const answer = await this.#ask(node, () => cluster.peer(node).lacking(ids, signal));
    if (answer === undefined) return undefined;
    const [missing, deleted] = [new Set(answer.missing), new Set(answer.deleted)];
    this.#note(
      node,
      ids.filter((id) => !missing.has(id) && !deleted.has(id)),
    );
    forgetCopies(home.catalog, node, [...missing, ...deleted]);
    return holdings.filter(({ id }) => missing.has(id));
  }

  /** Without what a process that is still at work has just added: it makes the copies itself. */
  #notBusy(holdings: readonly Holding[]): readonly Holding[] {
    const { catalog, paths } = this.#context.home;
    const sessions = liveSessions(catalog, paths.temporary).map(({ id }) => id);
    if (sessions.length === 0) return holdings;
    const busy = addedInSessions(
      catalog,
      sessions,
      holdings.map(({ id }) => id),
    );
    return holdings.filter(({ id }) => !busy.has(id));
  }

  async #fetch(node: NodeId, holdings: readonly Holding[]): Promise<void> {
    const { cluster, writer, signal } = this.#context;
    let isFailing = false;
    const get = mapOrdered(STREAMS, async ({ id, kind, bytes }: Holding) => {
      if (isFailing) return;
      try {
        if (writer.has(id)) return;
        const buffer = Buffer.allocUnsafeSlow(Math.min(bytes, MAX_HELD_OBJECT_BYTES));
        const length = await cluster.client(node).getObject(id, buffer, { signal });
        await writer.put(kind, id, buffer.subarray(0, length));
        this.#result.fetched++;
        this.#result.bytes += length;
      } catch (error) {
        isFailing = this.#isFailed(node, error);
      }
    });
    for await (const _ of get(holdings, { signal }));
  }

  /** @returns whether the node is to be left alone for this round */
  #isFailed(node: NodeId, error: unknown): boolean {
    if (isDisktroError(error, 'E_ABORTED')) throw error;
    this.#result.failed++;
    this.#noteFailure(node, error);
    return isDisktroError(error, 'E_PEER_UNREACHABLE', 'E_NO_SPACE');
  }

  #noteFailure(node: NodeId, error: unknown): void {
    if (isDisktroError(error, 'E_PEER_UNREACHABLE')) this.#context.cluster.membership.notePingFailed(node);
    this.#context.onFailure?.(node, error);
  }

  async #ask<T>(node: NodeId, question: () => Promise<T | undefined>): Promise<T | undefined> {
    try {
      return await question();
    } catch (error) {
      if (isDisktroError(error, 'E_ABORTED')) throw error;
      this.#noteFailure(node, error);
      return undefined;
    }
  }

  async #list(node: NodeId, span: GroupSpan): Promise<Map<StoreId, Holding> | undefined> {
    const { cluster, signal } = this.#context;
    return this.#ask(node, async () => {
      const entries = await cluster.client(node).groups(span, signal);
      return new Map(entries.map((entry) => [entry.id, entry]));
    });
  }

  /** Where the digests are equal, the other has of the shared ones what this node has. */
  #sharedOf(node: NodeId, mine: ReadonlyMap<StoreId, Holding>): Set<StoreId> {
    const { cluster } = this.#context;
    const isShared = (id: StoreId): boolean => {
      const holders = cluster.holders(id);
      return holders.includes(node) && holders.includes(cluster.self);
    };
    return new Set([...mine.keys()].filter(isShared));
  }

  #noteEqual(node: NodeId, mine: Digests, differing: ReadonlySet<number>): void {
    const { home, cluster } = this.#context;
    const known = notedDigests(node);
    const news = [...mine].filter(
      ([group, { digest }]) => !differing.has(group) && known.get(group) !== digest,
    );
    const groups = new Set(news.map(([group]) => group));
    for (const span of spansOf([...groups], [mine], SPAN_IDS)) {
      const ids = idsOf(sharedHoldings(home.catalog, cluster, node, spanRange(span)));
      this.#note(
        node,
        [...ids].filter((id) => groups.has(digestGroupOf(id))),
      );
    }
    for (const [group, { digest }] of news) known.set(group, digest);
  }

  #note(node: NodeId, ids: readonly StoreId[]): void {
    noteCopies(this.#context.home.catalog, node, ids);
  }
}

/** Copies of each object, this node's included; a node that leaves does not count its own. */
export function wantedCopies(cluster: Cluster): number {
  const counted = cluster.counted();
  const isLeaving = !counted.includes(cluster.self);
  if (!isLeaving) return Math.min(cluster.options.replicaCount, counted.length);
  // With nobody in sight there is not one copy elsewhere: it may not leave.
  return Math.max(1, Math.min(cluster.options.replicaCount, counted.length)) + 1;
}

/** Which groups were noted already as equal, and at which digest: what has not changed is not written again. */
const noted = new Map<NodeId, Map<number, string>>();

function notedDigests(node: NodeId): Map<number, string> {
  const known = noted.get(node) ?? new Map<number, string>();
  noted.set(node, known);
  return known;
}
