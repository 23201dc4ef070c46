/**
 * Who is in the cluster, as one node knows it: a state machine over signed records, removals and pings
 * (docs/PROTOCOL.md, "Member records", "Exchange"). It never speaks to anyone itself: clock, chance and the checks of
 * signatures are passed in, messages are values, and no order or repetition of them changes where it ends.
 */
import type { NodeId } from '../core/ids.js';
import { type ExchangeMessage, MAX_MESSAGE_RECORDS } from './exchange-message.js';
import { Liveness, type MemberStatus } from './liveness.js';
import {
  isSameRecord,
  type MemberRecord,
  type RecordCheck,
  type RemovalCheck,
  type SignedRecord,
  type SignedRemoval,
  unsignedText,
} from './member-record.js';
import type { PlacementNode } from './placement.js';

export interface MembershipOptions {
  /** This node's own record. */
  readonly self: SignedRecord;
  /** Milliseconds of any clock, as long as it is always the same one. */
  now(): number;
  /** In [0, 1). */
  random(): number;
  verifyRecord(record: unknown): RecordCheck;
  verifyRemoval(removal: unknown): RemovalCheck;
}

export interface MergeResult {
  /** Members that are new, have a newer record, or are removed now. */
  readonly changed: readonly NodeId[];
  /**
   * Ids with two different records of one `seq`: a cloned disk. The own id also when a record of it came that this
   * node has not made: a clone, or this node was put back to an older state.
   */
  readonly conflicts: readonly NodeId[];
  /** Why records or removals were not taken; older ones than what is known are no refusal. */
  readonly refusals: readonly string[];
}

/** What members.json holds. */
export interface MembershipSnapshot {
  readonly v: 1;
  readonly records: readonly SignedRecord[];
  readonly removals: readonly SignedRemoval[];
  readonly last_seen: Readonly<Record<string, number>>;
}

interface Member {
  record: SignedRecord;
  readonly liveness: Liveness;
}

interface Tally {
  readonly changed: Set<NodeId>;
  readonly conflicts: Set<NodeId>;
  readonly refusals: string[];
}

export class Membership {
  readonly #options: MembershipOptions;
  readonly #members = new Map<NodeId, Member>();
  readonly #removals = new Map<NodeId, SignedRemoval>();
  readonly #selfId: NodeId;
  #ownSeqHeard: number;
  /** What every message tells; made anew when a record was taken. */
  #seqs: Readonly<Record<string, number>> | undefined;
  /** Who is to be spoken to next, each once before anyone twice. */
  readonly #turns: NodeId[] = [];

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.#selfId = options.self.id;
    this.#ownSeqHeard = options.self.seq;
    this.#setRecord(options.self);
  }

  /**
   * Goes on from what {@link snapshot} gave, each record checked anew. Pings start over: a node that was off for a
   * week must not take all others for gone. What cannot be used is left out, also a whole file that is no snapshot.
   */
  static restore(options: MembershipOptions, json: unknown): Membership {
    const membership = new Membership(options);
    const { records, removals, last_seen } = (json ?? {}) as Partial<Record<string, unknown>>;
    membership.merge({
      records: Array.isArray(records) ? records : [],
      removals: Array.isArray(removals) ? removals : [],
    });
    for (const [id, seenMs] of Object.entries(last_seen ?? {})) {
      const member = membership.#members.get(id as NodeId);
      if (Number.isSafeInteger(seenMs)) member?.liveness.noteSeen(Math.min(seenMs, options.now()));
    }
    return membership;
  }

  /** Takes what is newer than what is known. A removal is final and beats any record; a higher `seq` beats a lower. */
  merge(news: { readonly records: readonly unknown[]; readonly removals: readonly unknown[] }): MergeResult {
    const tally: Tally = { changed: new Set(), conflicts: new Set(), refusals: [] };
    for (const removal of news.removals) this.#takeRemoval(removal, tally);
    for (const record of news.records) this.#takeRecord(record, tally);
    return { changed: [...tally.changed], conflicts: [...tally.conflicts], refusals: tally.refusals };
  }

  /**
   * Replaces this node's own record.
   * @throws RangeError unless it is this node's, with a `seq` above its last one
   */
  publish(record: SignedRecord): void {
    const own = this.#members.get(this.#selfId);
    if (record.id !== this.#selfId || (own && record.seq <= own.record.seq)) {
      throw new RangeError(`member record: expected one of ${this.#selfId} with a higher seq`);
    }
    this.#ownSeqHeard = Math.max(this.#ownSeqHeard, record.seq);
    if (own) this.#setRecord(record);
  }

  /** The highest `seq` of this node's own that anyone has told: the next record must be above it to be taken. */
  get ownSeqHeard(): number {
    return this.#ownSeqHeard;
  }

  /** The first message of a contact. */
  exchangeRequest(): ExchangeMessage {
    return this.#message([], []);
  }

  /** The other side of a contact: takes what came, and answers with what the asking node lacks or knows otherwise. */
  answer(request: ExchangeMessage): { readonly response: ExchangeMessage; readonly merged: MergeResult } {
    const merged = this.merge(request);
    const records = [...this.#keptInConflict(request, merged), ...this.#recordsFor(request)];
    return { response: this.#message(records, this.#removalsFor(request)), merged };
  }

  /**
   * Takes the answer to `request`.
   * @returns also a further request, if the answering node lacks something that was not just sent to it, or has more
   *   to tell; a contact stops after `MAX_CONTACT_REQUESTS`
   */
  absorb(
    response: ExchangeMessage,
    request: ExchangeMessage,
  ): { readonly merged: MergeResult; readonly followUp: ExchangeMessage | undefined } {
    const merged = this.merge(response);
    const sent = new Set<unknown>([...request.records, ...request.removals]);
    const records = this.#recordsFor(response).filter((record) => !sent.has(record));
    const removals = this.#removalsFor(response).filter((removal) => !sent.has(removal));
    const isFull =
      response.records.length >= MAX_MESSAGE_RECORDS || response.removals.length >= MAX_MESSAGE_RECORDS;
    const isMore = records.length + removals.length > 0 || (isFull && merged.changed.length > 0);
    return { merged, followUp: isMore ? this.#message(records, removals) : undefined };
  }

  /** The node has answered, or has spoken to this one by itself. */
  noteSeen(id: NodeId): void {
    this.#members.get(id)?.liveness.noteSeen(this.#options.now());
  }

  /** A ping, or any other request, got no answer. When the node was last seen stays as it was. */
  notePingFailed(id: NodeId): void {
    if (id !== this.#selfId) this.#members.get(id)?.liveness.notePingFailed(this.#options.now());
  }

  /** Undefined for who is no member. */
  status(id: NodeId): MemberStatus | undefined {
    return this.#members.get(id)?.liveness.status;
  }

  /** Undefined for who was never seen by this node itself. */
  lastSeenMs(id: NodeId): number | undefined {
    return id === this.#selfId ? this.#options.now() : this.#members.get(id)?.liveness.lastSeenMs;
  }

  record(id: NodeId): SignedRecord | undefined {
    return this.#members.get(id)?.record;
  }

  isRemoved(id: NodeId): boolean {
    return this.#removals.has(id);
  }

  /** All that were not removed, this node included unless it was. */
  members(): readonly SignedRecord[] {
    return Array.from(this.#members.values(), ({ record }) => record);
  }

  /**
   * The nodes that placement may choose: active ones, without those that have been offline for longer than the grace.
   * A shorter absence moves nothing.
   */
  holders(repairGraceMs: number): readonly PlacementNode[] {
    const nowMs = this.#options.now();
    return [...this.#members.values()]
      .filter(({ record, liveness }) => record.status === 'active' && !liveness.isGone(nowMs, repairGraceMs))
      .map(({ record }) => ({ id: record.id, capacityBytes: record.capacity, zone: record.zone }));
  }

  /**
   * An online member to exchange with, never this node; undefined if there is none. All have their turn, in random
   * order, before one has its second: so a dead one is met within twice as many heartbeats as there are members.
   */
  randomPeer(): NodeId | undefined {
    const isOnline = ({ status }: Liveness): boolean => status === 'online';
    for (let isRefilled = false; ; isRefilled = true) {
      for (let id = this.#turns.pop(); id !== undefined; id = this.#turns.pop()) {
        const member = this.#members.get(id);
        if (member && this.#isPeer(member, isOnline)) return id;
      }
      if (isRefilled) return undefined;
      this.#turns.push(...this.#shuffled(this.#peers(isOnline)));
    }
  }

  /** A random member whose last ping failed, to try again beside the exchange: so it is missed soon, or back soon. */
  randomAbsentPeer(): NodeId | undefined {
    const absent = this.#peers(({ status }) => status !== 'online');
    return absent[Math.floor(this.#options.random() * absent.length)];
  }

  /** Whether these, as {@link snapshot} gave them once, hold all that is known now. */
  isAllIn(records: readonly unknown[], removals: readonly unknown[]): boolean {
    const seqs = new Map(records.map((record) => [claimedOf(record).id, claimedOf(record).seq]));
    const removed = new Set(removals.map((removal) => claimedOf(removal).id));
    return (
      this.members().every(({ id, seq }) => (seqs.get(id) ?? 0) >= seq) &&
      [...this.#removals.keys()].every((id) => removed.has(id))
    );
  }

  snapshot(): MembershipSnapshot {
    const seen = [...this.#members].map(([id, { liveness }]) => [id, liveness.lastSeenMs] as const);
    return {
      v: 1,
      records: this.members(),
      removals: [...this.#removals.values()],
      last_seen: Object.fromEntries(seen.filter((pair): pair is [NodeId, number] => pair[1] !== undefined)),
    };
  }

  #isPeer({ record, liveness }: Member, isWanted: (liveness: Liveness) => boolean): boolean {
    const isNode = record.kind === undefined;
    return isNode && record.id !== this.#selfId && record.status !== 'left' && isWanted(liveness);
  }

  #peers(isWanted: (liveness: Liveness) => boolean): NodeId[] {
    return [...this.#members].filter(([, member]) => this.#isPeer(member, isWanted)).map(([id]) => id);
  }

  /** Fisher-Yates. */
  #shuffled(ids: NodeId[]): NodeId[] {
    for (let last = ids.length - 1; last > 0; last--) {
      const other = Math.floor(this.#options.random() * (last + 1));
      [ids[last], ids[other]] = [ids[other] as NodeId, ids[last] as NodeId];
    }
    return ids;
  }

  #setRecord(record: SignedRecord): void {
    const member = this.#members.get(record.id);
    if (member) member.record = record;
    else this.#members.set(record.id, { record, liveness: new Liveness() });
    this.#seqs = undefined;
  }

  #takeRemoval(json: unknown, tally: Tally): void {
    if (this.#removals.has(claimedOf(json).id)) return;
    const check = this.#options.verifyRemoval(json);
    if ('refusal' in check) {
      tally.refusals.push(`removal: ${check.refusal}`);
      return;
    }
    this.#removals.set(check.removal.id, check.removal);
    this.#members.delete(check.removal.id);
    this.#seqs = undefined;
    tally.changed.add(check.removal.id);
  }

  #takeRecord(json: unknown, tally: Tally): void {
    const claimed = claimedOf(json);
    const known = this.#members.get(claimed.id)?.record;
    // Before any signature is checked: most of what comes is known, and a check takes 120 µs.
    if (this.#removals.has(claimed.id) || json === known) return;
    if (known && claimed.seq < known.seq) return;
    if (known && claimed.seq === known.seq && isSameRecord(json, known)) return;
    const check = this.#options.verifyRecord(json);
    if ('refusal' in check) {
      tally.refusals.push(`record: ${check.refusal}`);
      return;
    }
    const { record } = check;
    if (record.id === this.#selfId) {
      this.#ownSeqHeard = Math.max(this.#ownSeqHeard, record.seq);
      tally.conflicts.add(record.id);
    } else if (known && record.seq === known.seq) {
      tally.conflicts.add(record.id);
      // Any rule will do that lets all nodes end with the same one of the two.
      if (unsignedText(record) < unsignedText(known)) this.#replace(record, tally);
    } else {
      this.#replace(record, tally);
    }
  }

  #replace(record: SignedRecord, tally: Tally): void {
    const member = this.#members.get(record.id);
    if (member && record.seq > member.record.seq) member.liveness.noteNews(this.#options.now());
    this.#setRecord(record);
    tally.changed.add(record.id);
  }

  #recordsFor({ seqs, removed }: ExchangeMessage): readonly SignedRecord[] {
    const removedThere = new Set(removed);
    const lacking: SignedRecord[] = [];
    for (const { record } of this.#members.values()) {
      if (lacking.length === MAX_MESSAGE_RECORDS) break;
      if (record.seq > (seqs[record.id] ?? 0) && !removedThere.has(record.id)) lacking.push(record);
    }
    return lacking;
  }

  /** Of two records with one `seq`, the one that is kept here: who shows the other must hear of it, to sign a higher. */
  #keptInConflict({ records }: ExchangeMessage, { conflicts }: MergeResult): readonly SignedRecord[] {
    const kept = conflicts.flatMap((id) => this.#members.get(id)?.record ?? []);
    return kept.filter((record) => !records.some((shown) => isSameRecord(shown, record)));
  }

  #removalsFor({ removed }: ExchangeMessage): readonly SignedRemoval[] {
    const removedThere = new Set(removed);
    const lacking = [...this.#removals.values()].filter(({ id }) => !removedThere.has(id));
    return lacking.slice(0, MAX_MESSAGE_RECORDS);
  }

  /** The own record always goes along: two clones with one `seq` are only found when both show theirs to someone. */
  #message(records: readonly SignedRecord[], removals: readonly SignedRemoval[]): ExchangeMessage {
    const own = this.#members.get(this.#selfId)?.record;
    const others = records.filter((record) => record !== own);
    this.#seqs ??= Object.fromEntries(Array.from(this.#members, ([id, { record }]) => [id, record.seq]));
    return {
      seqs: this.#seqs,
      removed: [...this.#removals.keys()],
      records: (own ? [own, ...others] : others).slice(0, MAX_MESSAGE_RECORDS),
      removals,
    };
  }
}

/** What an unchecked record or removal says it is: good for skipping it, never for taking it. */
function claimedOf(json: unknown): { readonly id: NodeId; readonly seq: number } {
  const { id, seq } = (json ?? {}) as Partial<MemberRecord>;
  return { id: id as NodeId, seq: seq as number };
}
