/**
 * A bucket or folder as operations speak to members: asks what is missing, puts, gets, lists. Every failure is the
 * holder's, with its node id, never one of this home. Knows the store's notes: which holder it is, records of vaults.
 */
import type { NodeId, StoreId, VaultId } from '../../core/ids.js';
import { isVaultId } from '../../core/ids.js';
import type { ObjectKind } from '../../core/object.js';
import { MIN_OBJECT_BYTES, OBJECT_HEADER_BYTES, vaultOf } from '../../core/object.js';
import { mapOrdered } from '../../core/pipeline.js';
import { DisktroError, isDisktroError } from '../../errors.js';
import type { Lacking } from '../../net/peer-answers.js';
import type { BandwidthLimit } from '../../net/rate-limit.js';
import { checkObject, type HolderStore } from '../../store/holder-store.js';
import type { ListOptions, ObjectSize } from '../../store/object-store.js';

/** What operations ask of any member: of a node over the network, of a holder in its store. */
export interface ObjectPeer {
  /** Which of these it lacks, in the order asked. What is in neither list is a copy. */
  lacking(ids: readonly StoreId[], signal?: AbortSignal): Promise<Lacking>;
  /** When it resolves the object is durable there. `isFresh`: who sends it has just made it and its other copies too. */
  putObject(
    kind: ObjectKind,
    id: StoreId,
    bytes: Uint8Array,
    signal?: AbortSignal,
    isFresh?: boolean,
  ): Promise<'new' | 'had'>;
  /** Into the front of `target`, unverified. @returns its length. @throws E_OBJECT_MISSING, E_OBJECT_LENGTH */
  getObject(
    id: StoreId,
    target: Uint8Array,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<number>;
  listManifests(vault: VaultId, signal?: AbortSignal): Promise<{ id: StoreId; bytes: number }[]>;
}

export interface HolderLimits {
  readonly upload?: BandwidthLimit | undefined;
  readonly download?: BandwidthLimit | undefined;
}

const HEADERS_AT_ONCE = 16;
/** Each try at an engine that is down takes as long as its patience: a command must not wait for it again and again. */
const LEFT_ALONE_MS = 15_000;
const CHECK_AGAIN_MS = 30_000;
const MAX_LISTED = 10_000_000;

export class HolderClient implements ObjectPeer {
  readonly id: NodeId;
  readonly store: HolderStore;
  readonly #limits: HolderLimits;
  #checkedMs = Number.NEGATIVE_INFINITY;
  #failure: DisktroError | undefined;
  #failedMs = 0;
  /** Whose each manifest is, as far as it was read: their headers do not change. */
  readonly #vaults = new Map<StoreId, VaultId | undefined>();

  constructor(id: NodeId, store: HolderStore, limits: HolderLimits = {}) {
    this.id = id;
    this.store = store;
    this.#limits = limits;
  }

  /** Whether the store is there and is this holder: a disk may not be mounted, a bucket emptied. @throws E_PEER_UNREACHABLE */
  async ping(signal?: AbortSignal): Promise<void> {
    const found = holderIdOf(await this.#try(() => this.store.readNote('holder.json', signal)));
    if (found === this.id) {
      this.#checkedMs = performance.now();
      this.#failure = undefined;
      return;
    }
    throw new DisktroError('E_PEER_UNREACHABLE', `${this.store.where}: this is not the holder it was`, {
      hint: 'is the disk mounted? A store that was emptied is taken out by `disktro peers remove --force` and added again',
      details: { node: this.id },
    });
  }

  /** What is deleted in a store is gone. */
  async lacking(ids: readonly StoreId[], signal?: AbortSignal): Promise<Lacking> {
    return { missing: await this.missing(ids, signal), deleted: [] };
  }

  /** @param lengths of objects, as far as they are known: what has another one was cut, and is not there */
  async missing(
    ids: readonly StoreId[],
    signal?: AbortSignal,
    lengths: ReadonlyMap<StoreId, number> = new Map(),
  ): Promise<StoreId[]> {
    const isWhole = (id: StoreId, size: number | undefined): boolean =>
      size !== undefined && size >= MIN_OBJECT_BYTES && size === (lengths.get(id) ?? size);
    await this.#check(signal);
    return this.#try(async () => {
      let absent = [...new Set(ids)];
      // On the wire an object goes by its id alone, and most are chunks.
      for (const kind of ['chunk', 'manifest'] as const) {
        if (absent.length === 0) break;
        const sizes = await this.store.sizes(kind, absent, signal);
        absent = absent.filter((id, index) => !isWhole(id, sizes[index]));
      }
      return absent;
    });
  }

  async putObject(
    kind: ObjectKind,
    id: StoreId,
    bytes: Uint8Array,
    signal?: AbortSignal,
  ): Promise<'new' | 'had'> {
    await this.#check(signal);
    await this.#limits.upload?.take(bytes.byteLength, signal);
    return this.#try(async () => ((await this.store.put(kind, id, bytes, signal)) ? 'new' : 'had'));
  }

  async getObject(
    id: StoreId,
    target: Uint8Array,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<number> {
    return this.#try(async () => {
      const length = await this.store.read('chunk', id, target, signal).catch((error: unknown) => {
        if (!isDisktroError(error, 'E_OBJECT_MISSING')) throw error;
        return this.store.read('manifest', id, target, signal);
      });
      await this.#limits.download?.take(length, signal);
      return length;
    });
  }

  /** Where the holder has several vaults, the headers of manifests are read, each once. */
  async listManifests(vault: VaultId, signal?: AbortSignal): Promise<{ id: StoreId; bytes: number }[]> {
    await this.ping(signal);
    return this.#try(async () => {
      const [listed, vaults] = await Promise.all([
        this.store.list('manifest', { limit: MAX_LISTED }),
        this.store.vaults(signal),
      ]);
      if (vaults.length === 1 && vaults[0] === vault) return [...listed];
      const unread = listed.filter(({ id }) => !this.#vaults.has(id));
      const read = mapOrdered(HEADERS_AT_ONCE, async ({ id }: { readonly id: StoreId }) => {
        this.#vaults.set(id, await this.#vaultOf(id));
      });
      for await (const _ of read(unread, { signal }));
      return listed.filter(({ id }) => this.#vaults.get(id) === vault);
    });
  }

  /** Of a known kind, and verified. @throws as {@link getObject}; E_OBJECT_ID when other bytes lie under its name */
  async readObject(kind: ObjectKind, id: StoreId, target: Uint8Array, signal?: AbortSignal): Promise<number> {
    return this.#try(async () => {
      const length = await this.store.read(kind, id, target, signal);
      await this.#limits.download?.take(length, signal);
      checkObject(id, target.subarray(0, length), this.store.where);
      return length;
    });
  }

  /** A page of ids in ascending order. */
  async listObjects(kind: ObjectKind, options: ListOptions): Promise<readonly ObjectSize[]> {
    return this.#try(() => this.store.list(kind, options));
  }

  /** Puts whole bytes in the place of wrong ones. */
  async replaceObject(kind: ObjectKind, id: StoreId, bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
    await this.#limits.upload?.take(bytes.byteLength, signal);
    await this.#try(() => this.store.replace(kind, id, bytes, signal));
  }

  /** Those that are not there, though a listing may not show them yet. */
  async absent(kind: ObjectKind, ids: readonly StoreId[], signal?: AbortSignal): Promise<StoreId[]> {
    const sizes = await this.#try(() => this.store.probe(kind, ids, signal));
    return ids.filter((_, index) => sizes[index] === undefined);
  }

  /**
   * Objects of either kind, manifests first: none must list what is gone. Most are chunks, and those that are seen to be
   * need not be looked for among manifests.
   * @throws E_PEER_REFUSED for objects that are locked: they stay
   */
  async deleteObjects(ids: readonly StoreId[]): Promise<void> {
    await this.ping();
    await this.#try(async () => {
      const chunks = await this.store.sizes('chunk', ids);
      const others = ids.filter((_, index) => chunks[index] === undefined);
      await this.store.delete('manifest', others);
      await this.store.delete('chunk', ids);
    });
  }

  /** The public records of vaults, unchecked. */
  async vaultRecord(vault: VaultId, signal?: AbortSignal): Promise<unknown> {
    const bytes = await this.#try(() => this.store.readNote(`vault/${vault}`, signal));
    return bytes === undefined ? undefined : jsonOf(bytes);
  }

  async writeVaultRecord(vault: VaultId, record: unknown, signal?: AbortSignal): Promise<void> {
    const bytes = Buffer.from(`${JSON.stringify(record)}\n`);
    await this.#try(() => this.store.writeNote(`vault/${vault}`, bytes, signal));
  }

  async vaults(signal?: AbortSignal): Promise<readonly VaultId[]> {
    return (await this.#try(() => this.store.vaults(signal))).filter(isVaultId);
  }

  close(): void {
    this.store.close();
  }

  /** Copies that go to another disk at the same place would be counted and not be there. */
  async #check(signal: AbortSignal | undefined): Promise<void> {
    const nowMs = performance.now();
    if (this.#failure !== undefined && nowMs - this.#failedMs < LEFT_ALONE_MS) throw this.#failure;
    if (nowMs - this.#checkedMs > CHECK_AGAIN_MS) await this.ping(signal);
  }

  async #vaultOf(id: StoreId): Promise<VaultId | undefined> {
    try {
      return vaultOf(await this.store.get('manifest', id, { offset: 0, length: OBJECT_HEADER_BYTES }));
    } catch (error) {
      if (isDisktroError(error, 'E_OBJECT_MISSING')) return undefined;
      throw error;
    }
  }

  /** What the disk or the engine does wrong is the holder's: this home goes on with others. */
  async #try<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!isDisktroError(error)) throw error;
      const failure = ofHolder(error, this.id, this.store.where);
      if (failure.code === 'E_PEER_UNREACHABLE')
        [this.#failure, this.#failedMs] = [failure, performance.now()];
      throw failure;
    }
  }
}

/** The node id that `holder.json` names; undefined when there is none. */
function holderIdOf(note: Uint8Array | undefined): unknown {
  const json =
    note === undefined ? undefined : (jsonOf(note) as { readonly record?: { readonly id?: unknown } });
  return json?.record?.id;
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
}

const CODES: Readonly<Record<string, 'E_PEER_UNREACHABLE' | 'E_PEER_REFUSED'>> = {
  E_IO: 'E_PEER_UNREACHABLE',
  E_READ_ONLY: 'E_PEER_REFUSED',
};

function ofHolder(error: DisktroError, node: NodeId, where: string): DisktroError {
  if (error.code === 'E_ABORTED') return error;
  const code = CODES[error.code] ?? error.code;
  const message = error.message.startsWith(where) ? error.message : `${where}: ${error.message}`;
  return new DisktroError(code, message, {
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    details: { ...error.details, node },
    cause: error,
  });
}
