/**
 * Lists of any length in bounded memory (docs/FORMAT.md, "Lists"). A list is `[depth, count, items]`: at depth 0 the
 * items stand there; at depth n they are chunk references, whose plaintexts hold whole items of depth n − 1.
 * Where such a list chunk ends depends on its items alone, so unchanged stretches of a list are stored once.
 */
import { integrityError } from '../errors.js';
import { LIST_CHUNK_AVERAGE_BYTES, MAX_INLINE_LIST_BYTES, MAX_LIST_DEPTH, MAX_RAW_BYTES } from '../limits.js';
import type { CborValue } from './cbor.js';
import { decodeCbor, decodeCborSequence, encodeCbor } from './cbor.js';
import { hmacSha256 } from './hashes.js';
import type { PlainId, StoreId } from './ids.js';
import { idToBytes, plainIdFromBytes, storeIdFromBytes } from './ids.js';
import { mapOrdered } from './pipeline.js';

/** Where a plaintext went. */
export interface ChunkRef {
  readonly storeId: StoreId;
  readonly plainId: PlainId;
  readonly rawBytes: number;
}

export interface EncodedList {
  readonly depth: number;
  /** Items at depth 0, all together. */
  readonly count: number;
  readonly items: readonly CborValue[];
}

/** A list chunk on its way: its reference is known when it is durable. */
export interface PendingListChunk {
  readonly ref: ChunkRef | Promise<ChunkRef>;
}
/** Takes in one list chunk; `children` are the objects that its items name. */
export type StoreListChunk = (
  plaintext: Uint8Array,
  children: readonly StoreId[],
) => Promise<PendingListChunk>;
/** Reads one list chunk back, verified. */
export type LoadListChunk = (ref: ChunkRef) => Promise<Uint8Array>;

export const encodeRef = (ref: ChunkRef): CborValue => [
  idToBytes(ref.storeId),
  idToBytes(ref.plainId),
  ref.rawBytes,
];

/** @throws E_LIST_INVALID */
export function decodeRef(value: CborValue): ChunkRef {
  if (Array.isArray(value) && value.length === 3) {
    const [storeId, plainId, rawBytes] = value as CborValue[];
    const isLength = typeof rawBytes === 'number' && Number.isInteger(rawBytes) && rawBytes >= 0;
    if (isIdBytes(storeId) && isIdBytes(plainId) && isLength && rawBytes <= MAX_RAW_BYTES) {
      return { storeId: storeIdFromBytes(storeId), plainId: plainIdFromBytes(plainId), rawBytes };
    }
  }
  throw integrityError(
    'E_LIST_INVALID',
    'list: expected [store id, plain id, raw length] as a chunk reference',
  );
}

const isIdBytes = (value: CborValue | undefined): value is Uint8Array =>
  value instanceof Uint8Array && value.byteLength === 32;

interface Item {
  readonly encoded: Uint8Array;
  readonly child: StoreId | undefined;
}

/** A list chunk whose reference has not gone to the list above yet. */
interface Group {
  readonly taken: Promise<PendingListChunk>;
  ref: ChunkRef | undefined;
}

/** Half the average is the least, twice the average the most that a list chunk holds, but for its last item. */
const MIN_BYTES = LIST_CHUNK_AVERAGE_BYTES / 2;
const MAX_BYTES = LIST_CHUNK_AVERAGE_BYTES * 2;
/** Chance of a boundary per byte behind the minimum, times 2^32. */
const BOUNDARY_PER_BYTE = 2 ** 32 / (LIST_CHUNK_AVERAGE_BYTES - MIN_BYTES);

/** List chunks that are loaded ahead. */
const LEAVES_AHEAD = 3;
/** List chunks under way at once: waiting for each to be durable would cost an fsync every 64 KiB. */
const MAX_PENDING_GROUPS = 64;

/** Collects items one by one; stores what no longer fits inline as it goes. */
export class ListWriter {
  readonly #boundaryKey: Uint8Array;
  readonly #store: StoreListChunk;
  readonly #hurry: () => void;
  readonly #pending: Group[] = [];
  #count = 0;
  #inline: Item[] = [];
  #inlineBytes = 0;
  #group: Item[] = [];
  #groupBytes = 0;
  #above: ListWriter | undefined;
  #failure: { readonly error: unknown } | undefined;

  /**
   * @param boundaryKey the vault's chunker key
   * @param hurry told before the writer waits for what it has given to `store`
   */
  constructor(boundaryKey: Uint8Array, store: StoreListChunk, hurry: () => void = () => {}) {
    this.#boundaryKey = boundaryKey;
    this.#store = store;
    this.#hurry = hurry;
  }

  /** Items so far: the index that the next one gets. */
  get count(): number {
    return this.#count;
  }

  /** @param child the object that the item names, if it names one */
  async push(value: CborValue, child?: StoreId): Promise<void> {
    await this.pushEncoded(encodeCbor(value), child);
  }

  /** An item as its deterministic CBOR. Waits only where the result is a promise. */
  pushEncoded(encoded: Uint8Array, child?: StoreId): Promise<void> | undefined {
    if (encoded.byteLength > MAX_INLINE_LIST_BYTES) {
      throw integrityError(
        'E_LIST_INVALID',
        `list item: expected at most ${MAX_INLINE_LIST_BYTES} bytes, got ${encoded.byteLength}`,
      );
    }
    const item: Item = { encoded, child };
    this.#count++;
    if (this.#above !== undefined) return this.#spill(this.#above, item);
    this.#inline.push(item);
    this.#inlineBytes += encoded.byteLength;
    return this.#inlineBytes <= MAX_INLINE_LIST_BYTES ? undefined : this.#deepen();
  }

  async finish(): Promise<EncodedList> {
    if (this.#above === undefined) {
      const items = this.#inline.map(({ encoded }) => decodeCbor(encoded));
      return { depth: 0, count: this.#count, items };
    }
    await this.#storeGroup(this.#above);
    await Promise.all(this.#pending.map(({ taken }) => taken));
    while (this.#pending.length > 0) await this.#settleOldest(this.#above);
    const above = await this.#above.finish();
    return { depth: above.depth + 1, count: this.#count, items: above.items };
  }

  async #deepen(): Promise<void> {
    const above = new ListWriter(this.#boundaryKey, this.#store, this.#hurry);
    this.#above = above;
    const inline = this.#inline;
    this.#inline = [];
    for (const earlier of inline) await this.#spill(above, earlier);
  }

  #spill(above: ListWriter, item: Item): Promise<void> | undefined {
    this.#group.push(item);
    this.#groupBytes += item.encoded.byteLength;
    if (this.#groupBytes < MIN_BYTES) return undefined;
    const isEnd = this.#groupBytes >= MAX_BYTES || this.#isBoundary(item.encoded);
    return isEnd ? this.#storeGroup(above) : undefined;
  }

  #isBoundary(encoded: Uint8Array): boolean {
    const hash = hmacSha256(this.#boundaryKey, encoded).readUInt32LE(0);
    return hash < encoded.byteLength * BOUNDARY_PER_BYTE;
  }

  async #storeGroup(above: ListWriter): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.#group.length === 0) return;
    const group = this.#group;
    this.#group = [];
    this.#groupBytes = 0;
    const children = group.map((item) => item.child).filter((child) => child !== undefined);
    const taken = this.#store(Buffer.concat(group.map((item) => item.encoded)), children);
    const stored: Group = { taken, ref: undefined };
    taken
      .then(async ({ ref }) => {
        stored.ref = await ref;
      })
      .catch((error: unknown) => {
        this.#failure ??= { error };
      });
    this.#pending.push(stored);
    if (this.#pending.length > MAX_PENDING_GROUPS) await this.#settleOldest(above);
  }

  async #settleOldest(above: ListWriter): Promise<void> {
    const oldest = this.#pending.shift();
    if (oldest === undefined) return;
    const { ref } = await oldest.taken;
    if (oldest.ref === undefined) this.#hurry();
    const settled = await ref;
    await above.push(encodeRef(settled), settled.storeId);
  }
}

export function encodeList({ depth, count, items }: EncodedList): CborValue {
  return [depth, count, items];
}

/** @throws E_LIST_INVALID */
export function decodeList(value: CborValue | undefined): EncodedList {
  if (Array.isArray(value) && value.length === 3) {
    const [depth, count, items] = value as [CborValue, CborValue, CborValue];
    const isDepth =
      typeof depth === 'number' && Number.isInteger(depth) && depth >= 0 && depth <= MAX_LIST_DEPTH;
    const isCount = typeof count === 'number' && Number.isSafeInteger(count) && count >= 0;
    if (isDepth && isCount && Array.isArray(items) && (depth > 0 || items.length === count)) {
      return { depth, count, items };
    }
  }
  throw integrityError('E_LIST_INVALID', `list: expected [depth 0 to ${MAX_LIST_DEPTH}, count, items]`);
}

/** A list chunk as it is met on the way down. */
export interface ListChunkVisit {
  readonly ref: ChunkRef;
  /** 1 when its items are the list's own, more when they are references to further list chunks. */
  readonly depth: number;
  readonly items: readonly CborValue[];
}

/** The items at depth 0, in order, loading one list chunk per depth at a time. */
export async function* readList(
  list: EncodedList,
  load: LoadListChunk,
  visit?: (chunk: ListChunkVisit) => void,
): AsyncGenerator<CborValue> {
  let count = 0;
  for await (const item of descend(list.items, list.depth, load, visit)) {
    // At once, not at the end: a list chunk that is named many times would expand without end.
    if (++count > list.count) break;
    yield item;
  }
  if (count !== list.count) {
    throw integrityError('E_LIST_INVALID', `list: expected ${list.count} items, got ${count}`);
  }
}

/** The items at depth 0 as they are encoded, a list chunk at a time: for who knows their shape. */
export async function* readListBytes(list: EncodedList, load: LoadListChunk): AsyncGenerator<Uint8Array> {
  if (list.depth === 0) {
    yield Buffer.concat(list.items.map(encodeCbor));
    return;
  }
  const leaves = descend(list.items, list.depth - 1, load, undefined);
  yield* mapOrdered(LEAVES_AHEAD, async (item: CborValue) => load(decodeRef(item)))(leaves, {});
}

async function* descend(
  items: readonly CborValue[],
  depth: number,
  load: LoadListChunk,
  visit: ((chunk: ListChunkVisit) => void) | undefined,
): AsyncGenerator<CborValue> {
  if (depth === 0) {
    yield* items;
    return;
  }
  for (const item of items) {
    const ref = decodeRef(item);
    const inner = [...decodeCborSequence(await load(ref))];
    if (inner.length === 0)
      throw integrityError('E_LIST_INVALID', 'list: a list chunk holds at least one item');
    visit?.({ ref, depth, items: inner });
    yield* descend(inner, depth - 1, load, visit);
  }
}
