/**
 * A peer as a store of objects, so that one kind of code reads from a folder and from another machine. Adds what is
 * not there; never deletes (docs/PROTOCOL.md, "Deleting" takes the vault's signature).
 *
 * On the wire an object goes by its id alone: only `list` keeps the kinds apart, all else finds either.
 */
import type { StoreId } from '../core/ids.js';
import type { ObjectKind } from '../core/object.js';
import { abortedError, DisktroError } from '../errors.js';
import type { ListOptions, ObjectBatch, ObjectSize, ObjectStore, StoreUsage } from '../store/object-store.js';
import { type Digests, spansOf } from './digest.js';
import type { GroupEntry } from './peer-answers.js';
import type { PeerClient } from './peer-client.js';

/** As store/object-store.ts has it, which may only be imported as a type. */
const DEFAULT_PAGE = 1000;
/** Uploads of one batch at once: as many as the client has connections. */
const WRITES_AT_ONCE = 6;
const HEX_OF_GROUP = 3;
/** Listed in one request. */
const SPAN_IDS = 10_000;

export class PeerStore implements ObjectStore {
  readonly #client: PeerClient;
  readonly #signal: AbortSignal | undefined;

  /** @param client stays the caller's to close */
  constructor(client: PeerClient, signal?: AbortSignal) {
    this.#client = client;
    this.#signal = signal;
  }

  /** Objects are sent as they are written; `abort` takes nothing back that has arrived. */
  batch(): ObjectBatch {
    return new PeerBatch(this.#client, this.#signal);
  }

  async put(kind: ObjectKind, id: StoreId, bytes: Uint8Array): Promise<boolean> {
    return (await this.#client.putObject(kind, id, bytes, this.#signal)) === 'new';
  }

  async read(_: ObjectKind, id: StoreId, target: Uint8Array): Promise<number> {
    return this.#client.getObject(id, target, { signal: this.#signal });
  }

  async get(
    _: ObjectKind,
    id: StoreId,
    range?: { readonly offset: number; readonly length: number },
  ): Promise<Buffer> {
    return this.#client.readObject(id, { signal: this.#signal, range });
  }

  async sizes(_: ObjectKind, ids: readonly StoreId[]): Promise<readonly (number | undefined)[]> {
    const { missing: lacking } = await this.#client.lacking(ids, this.#signal);
    const missing = new Set(lacking);
    return Promise.all(
      ids.map((id) => (missing.has(id) ? undefined : this.#client.headObject(id, this.#signal))),
    );
  }

  async list(kind: ObjectKind, options: ListOptions = {}): Promise<readonly ObjectSize[]> {
    const { prefix = '', after = '', limit = DEFAULT_PAGE } = options;
    const page: ObjectSize[] = [];
    const digests = await this.#client.digests(this.#signal, 'all');
    for (const group of ascending(digests)) {
      if (page.length >= limit) break;
      const head = group.toString(16).padStart(HEX_OF_GROUP, '0');
      const isOutside = !(head.startsWith(prefix.slice(0, HEX_OF_GROUP)) || prefix.startsWith(head));
      if (isOutside || head < after.slice(0, HEX_OF_GROUP)) continue;
      for (const { id, bytes } of await this.#entries(kind, group)) {
        if (page.length < limit && id > after && id.startsWith(prefix)) page.push({ id, bytes });
      }
    }
    return page;
  }

  /** @throws E_PEER_REFUSED always */
  async delete(): Promise<number> {
    throw new DisktroError('E_PEER_REFUSED', 'a peer deletes nothing without the signature of the vault', {
      details: { node: this.#client.nodeId },
    });
  }

  /** Reads the list of all objects. */
  async usage(): Promise<StoreUsage> {
    let objects = 0;
    let bytes = 0;
    const digests = await this.#client.digests(this.#signal, 'all');
    for (const span of spansOf(ascending(digests), [digests], SPAN_IDS)) {
      for (const entry of await this.#client.groups(span, this.#signal, 'all')) {
        objects++;
        bytes += entry.bytes;
      }
    }
    return { objects, bytes, freeBytes: undefined };
  }

  async #entries(kind: ObjectKind, group: number): Promise<readonly GroupEntry[]> {
    const entries = await this.#client.groups({ first: group, last: group }, this.#signal, 'all');
    return entries.filter((entry) => entry.kind === kind);
  }
}

function ascending(digests: Digests): readonly number[] {
  return [...digests.keys()].sort((a, b) => a - b);
}

/** Copies are held while they are on their way: at most {@link WRITES_AT_ONCE} at a time. */
class PeerBatch implements ObjectBatch {
  readonly #client: PeerClient;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #underWay = new Set<Promise<void>>();
  #failure: unknown;
  #hasFailed = false;
  #bytes = 0;
  #objects = 0;

  constructor(client: PeerClient, signal: AbortSignal | undefined) {
    this.#client = client;
    this.#signal = signal === undefined ? this.#stop.signal : AbortSignal.any([signal, this.#stop.signal]);
  }

  get bytes(): number {
    return this.#bytes;
  }

  get objects(): number {
    return this.#objects;
  }

  async write(kind: ObjectKind, id: StoreId, bytes: Uint8Array): Promise<void> {
    // Taken before the first wait: the copy has to be of what was given.
    const copy = Buffer.from(bytes);
    this.#bytes += copy.byteLength;
    this.#objects++;
    while (this.#underWay.size >= WRITES_AT_ONCE) await Promise.race(this.#underWay);
    this.#throwIfFailed();
    const upload = this.#client.putObject(kind, id, copy, this.#signal).then(
      () => {},
      (error: unknown) => {
        this.#failure ??= error;
        this.#hasFailed = true;
      },
    );
    this.#underWay.add(upload);
    void upload.finally(() => this.#underWay.delete(upload));
  }

  async commit(): Promise<void> {
    await Promise.all(this.#underWay);
    this.#throwIfFailed();
  }

  async abort(): Promise<void> {
    this.#stop.abort(abortedError());
    await Promise.all(this.#underWay);
  }

  #throwIfFailed(): void {
    if (this.#hasFailed) throw this.#failure;
  }
}
