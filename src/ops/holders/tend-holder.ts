/**
 * Anti-entropy for a bucket or folder, done for all by one node (docs/PROTOCOL.md, "Static members"): what belongs there
 * and is not there goes there, from this node or fetched from the one that has it. Never deletes; needs no key.
 *
 * What it costs: a whole comparison lists the store once (a request for 1,000 objects), and asks nodes only for groups
 * in which they differ from this one. Between those, only what is new is asked about.
 */
import { forgetCopies, nodesOf, notCopiedTo, noteCopies } from '../../catalog/copies.js';
import type { Holding } from '../../catalog/holdings.js';
import type { NodeId, StoreId } from '../../core/ids.js';
import { mapOrdered } from '../../core/pipeline.js';
import { isDisktroError, throwIfAborted } from '../../errors.js';
import { type Digests, differingGroups, digestGroups, type GroupSpan, spansOf } from '../../net/digest.js';
import { checkObject } from '../../store/holder-store.js';
import type { ObjectSize } from '../../store/object-store.js';
import { OBJECT_KINDS } from '../../store/paths.js';
import type { Cluster } from '../cluster/cluster.js';
import { MAX_HELD_OBJECT_BYTES } from '../copies/held-writer.js';
import { readWhole } from '../copies/scrub.js';
import { idsOf, sharedHoldings, spanRange } from '../copies/shared-holdings.js';
import type { OpenHome } from '../home/home.js';
import type { HolderClient } from './holder-client.js';
import { exchangeWithHolder } from './holder-records.js';

export interface TendContext {
  readonly home: OpenHome;
  readonly cluster: Cluster;
  readonly signal?: AbortSignal | undefined;
  readonly onFailure?: ((node: NodeId, error: unknown) => void) | undefined;
}

export interface TendResult {
  /** Objects that were sent, with their bytes; and those that could not be. */
  readonly sent: number;
  readonly bytes: number;
  readonly failed: number;
  /** Objects that this node knew to be there, and that are gone. */
  readonly lost: number;
}

const STREAMS = 4;
const PAGE = 2_000;
const SPAN_IDS = 2_000;
const LIST_PAGE = 10_000;
const FULL_EVERY_MS = 24 * 60 * 60 * 1000;

/** Looks after one holder as long as it lives: remembers what was compared. */
export class HolderTending {
  readonly #holder: HolderClient;
  readonly #seen = new Map<NodeId, Digests>();
  #fullAtMs = 0;

  constructor(holder: HolderClient) {
    this.#holder = holder;
  }

  /** One round; the first one, and one a day, compares everything. @throws E_ABORTED, and what this home's disk does */
  async round(context: TendContext): Promise<TendResult> {
    const { home, cluster, signal, onFailure } = context;
    const round = new Round(context, this.#holder, this.#seen);
    try {
      await this.#holder.ping(signal);
      cluster.membership.noteSeen(this.#holder.id);
      await exchangeWithHolder(home, this.#holder, signal);
      if (Date.now() - this.#fullAtMs > FULL_EVERY_MS) {
        await round.compareAll();
        this.#fullAtMs = Date.now();
      }
      await round.sendOwn();
      await round.relay();
    } catch (error) {
      if (!isOfMember(error)) throw error;
      if (isDisktroError(error, 'E_PEER_UNREACHABLE')) cluster.membership.notePingFailed(this.#holder.id);
      onFailure?.(this.#holder.id, error);
    }
    return round.result;
  }
}

class Round {
  readonly #context: TendContext;
  readonly #holder: HolderClient;
  readonly #seen: Map<NodeId, Digests>;
  readonly #result = { sent: 0, bytes: 0, failed: 0, lost: 0 };

  constructor(context: TendContext, holder: HolderClient, seen: Map<NodeId, Digests>) {
    this.#context = context;
    this.#holder = holder;
    this.#seen = seen;
  }

  get result(): TendResult {
    return { ...this.#result };
  }

  /** Lists the whole store and holds it against what this node knows to be there. */
  async compareAll(): Promise<void> {
    const { home } = this.#context;
    this.#seen.clear();
    const here = sharedHoldings(home.catalog, undefined, undefined)[Symbol.iterator]();
    let mine = here.next();
    for await (const { sizes, through } of this.#listed()) {
      const [known, cut, unseen]: [StoreId[], StoreId[], Holding[]] = [[], [], []];
      for (; !mine.done && (through === undefined || mine.value.id <= through); mine = here.next()) {
        const { id, bytes } = mine.value;
        const size = sizes.get(id);
        if (size === undefined) unseen.push(mine.value);
        else if (size === bytes) known.push(id);
        else cut.push(id);
      }
      noteCopies(home.catalog, this.#holder.id, known);
      const gone = [...cut, ...(await this.#gone(unseen))];
      this.#result.lost += forgetCopies(home.catalog, this.#holder.id, gone);
    }
  }

  /** Of what a listing does not show, those that were there once and are no more: a listing may lag. */
  async #gone(unseen: readonly Holding[]): Promise<StoreId[]> {
    const { home, signal } = this.#context;
    const gone: StoreId[] = [];
    for (const kind of OBJECT_KINDS) {
      const told = unseen.filter((holding) => holding.kind === kind).map(({ id }) => id);
      const noted = told.filter((id) => nodesOf(home.catalog, id).includes(this.#holder.id));
      gone.push(...(await this.#holder.absent(kind, noted, signal)));
    }
    return gone;
  }

  /** What is here, belongs there and is not known to be there. */
  async sendOwn(): Promise<void> {
    const { home, signal } = this.#context;
    let after: StoreId | undefined;
    for (;;) {
      throwIfAborted(signal);
      const page = notCopiedTo(home.catalog, this.#holder.id, after, PAGE);
      after = page.at(-1)?.id;
      if (after === undefined) return;
      await this.#give(
        page.filter(({ id }) => this.#belongs(id)),
        ({ kind, id }) => readWhole(home, kind, id),
      );
    }
  }

  /** What other nodes have and this one has not: of those that cannot use the store themselves, and of all now and then. */
  async relay(): Promise<void> {
    const { home, cluster, signal } = this.#context;
    const mine = digestGroups(idsOf(sharedHoldings(home.catalog, undefined, undefined)));
    for (const node of cluster.everyone()) {
      if (cluster.membership.status(node) !== 'online') continue;
      try {
        const theirs = await cluster.client(node).digests(signal, 'all');
        const seen = this.#seen.get(node);
        const changed = new Set(seen === undefined ? theirs.keys() : differingGroups(seen, theirs));
        const groups = differingGroups(mine, theirs).filter(
          (group) => changed.has(group) && theirs.has(group),
        );
        const failedBefore = this.#result.failed;
        for (const span of spansOf(groups, [mine, theirs], SPAN_IDS)) await this.#relaySpan(node, span);
        if (this.#result.failed === failedBefore) this.#seen.set(node, theirs);
      } catch (error) {
        if (!isOfMember(error) || isOf(error, this.#holder.id)) throw error;
        this.#context.onFailure?.(node, error);
      }
    }
  }

  async #relaySpan(node: NodeId, span: GroupSpan): Promise<void> {
    const { home, cluster, signal } = this.#context;
    const own = new Set(idsOf(sharedHoldings(home.catalog, undefined, undefined, spanRange(span))));
    const entries = await cluster.client(node).groups(span, signal, 'all');
    const wanted = entries.filter(({ id }) => !own.has(id) && this.#belongs(id));
    await this.#give(wanted, async ({ id, bytes }) => {
      const buffer = Buffer.allocUnsafeSlow(Math.min(bytes, MAX_HELD_OBJECT_BYTES));
      const length = await cluster.client(node).getObject(id, buffer, { signal });
      checkObject(id, buffer.subarray(0, length), `node ${node}`);
      return buffer.subarray(0, length);
    });
  }

  /** Asks which of these are not there, and sends them. An object that cannot be read is passed over. */
  async #give(holdings: readonly Holding[], read: (holding: Holding) => Promise<Buffer>): Promise<void> {
    const { home, signal } = this.#context;
    if (holdings.length === 0) return;
    const ids = holdings.map(({ id }) => id);
    const lengths = new Map(holdings.map(({ id, bytes }) => [id, bytes]));
    const missing = new Set(await this.#holder.missing(ids, signal, lengths));
    noteCopies(
      home.catalog,
      this.#holder.id,
      ids.filter((id) => !missing.has(id)),
    );
    const send = mapOrdered(STREAMS, async (holding: Holding) => {
      const object = await read(holding).catch((error: unknown) => {
        if (!isDisktroError(error) || isDisktroError(error, 'E_ABORTED')) throw error;
        this.#result.failed++;
        return undefined;
      });
      if (object === undefined) return;
      await this.#holder.putObject(holding.kind, holding.id, object, signal);
      noteCopies(home.catalog, this.#holder.id, [holding.id]);
      this.#result.sent++;
      this.#result.bytes += object.byteLength;
    });
    const lacking = holdings.filter(({ id }) => missing.has(id));
    // Chunks first: where a manifest is listed, what it needs is there.
    const ordered = [...lacking].sort((a, b) => (a.kind < b.kind ? -1 : a.kind > b.kind ? 1 : 0));
    for await (const _ of send(ordered, { signal }));
  }

  #belongs(id: StoreId): boolean {
    return this.#context.cluster.holders(id).includes(this.#holder.id);
  }

  /** All that is there, of both kinds in one order of ids. `through`: up to where it is complete; undefined: to the end. */
  async *#listed(): AsyncGenerator<{
    readonly sizes: ReadonlyMap<StoreId, number>;
    readonly through: StoreId | undefined;
  }> {
    const { signal } = this.#context;
    const lists = OBJECT_KINDS.map((kind) => ({
      kind,
      page: [] as ObjectSize[],
      last: undefined as StoreId | undefined,
      isOver: false,
    }));
    for (;;) {
      throwIfAborted(signal);
      for (const list of lists) {
        const { kind, last, isOver } = list;
        if (isOver || list.page.length >= LIST_PAGE) continue;
        const options = { limit: LIST_PAGE, ...(last === undefined ? {} : { after: last }) };
        const page = await this.#holder.listObjects(kind, options);
        list.page.push(...page);
        list.last = page.at(-1)?.id ?? last;
        list.isOver = page.length < LIST_PAGE;
      }
      const through = lists
        .flatMap(({ isOver, last }) => (isOver || last === undefined ? [] : last))
        .sort()[0];
      const sizes = new Map<StoreId, number>();
      for (const { page } of lists) {
        const count = through === undefined ? page.length : page.filter(({ id }) => id <= through).length;
        for (const { id, bytes } of page.splice(0, count)) sizes.set(id, bytes);
      }
      yield { sizes, through };
      if (through === undefined) return;
    }
  }
}

/** What a node or the store does wrong ends its part; the rest is about this home. */
function isOfMember(error: unknown): boolean {
  return (
    isDisktroError(error, 'E_PEER_UNREACHABLE', 'E_PEER_REFUSED', 'E_NOT_FOUND') ||
    (isDisktroError(error, 'E_NO_SPACE') && error.details?.node !== undefined)
  );
}

function isOf(error: unknown, node: NodeId): boolean {
  return isDisktroError(error) && error.details?.node === node;
}
