/**
 * Takes objects in for the cluster. They are looked at before they are written (envelope, name), become durable in
 * groups, and are acknowledged when they are durable and in the catalog. Holds no key.
 */
import { enterHoldings, findHolding, heldTotals, isDeletionNoted } from '../../catalog/holdings.js';
import { sha256Hex } from '../../core/hashes.js';
import type { StoreId, VaultId } from '../../core/ids.js';
import type { ObjectKind } from '../../core/object.js';
import { MIN_OBJECT_BYTES, maxObjectBytes, vaultOf } from '../../core/object.js';
import { DisktroError, fileSystemError, integrityError } from '../../errors.js';
import { MAX_BATCH_BYTES, MAX_BATCH_OBJECTS, MAX_RAW_BYTES } from '../../limits.js';
import type { OpenHome } from '../home/home.js';

export interface HeldLimits {
  /** Most bytes held for others; 0 = no limit. */
  readonly quotaBytes: number;
  /** Bytes of the disk that stay free. */
  readonly reserveBytes: number;
}

interface Arrival {
  readonly kind: ObjectKind;
  readonly id: StoreId;
  readonly vault: VaultId;
  readonly bytes: Uint8Array;
  readonly resolve: (outcome: 'new' | 'had') => void;
  readonly reject: (error: unknown) => void;
}

/** The longest object that is taken in. */
export const MAX_HELD_OBJECT_BYTES = maxObjectBytes(MAX_RAW_BYTES);

export class HeldWriter {
  readonly #home: OpenHome;
  readonly #limits: HeldLimits;
  readonly #arrivals: Arrival[] = [];
  #heldBytes: number | undefined;
  /** Of objects that were let in and are not durable yet. */
  #arrivingBytes = 0;
  #space = { atMs: Number.NEGATIVE_INFINITY, freeBytes: 0, letIn: 0 };
  #work: Promise<void> | undefined;

  constructor(home: OpenHome, limits: HeldLimits) {
    this.#home = home;
    this.#limits = limits;
  }

  /** Whether it is here already, whole as far as the catalog knows. @throws E_PEER_REFUSED when its vault had it deleted */
  has(id: StoreId): boolean {
    if (isDeletionNoted(this.#home.catalog, id)) {
      throw new DisktroError('E_PEER_REFUSED', `object ${id}: its vault had it deleted`);
    }
    return findHolding(this.#home.catalog, id) !== undefined;
  }

  /**
   * Stores one object durably. `bytes` may be reused when it resolves.
   * @throws E_OBJECT_LENGTH, E_OBJECT_MAGIC, E_OBJECT_ID when it is not that object; E_NO_SPACE, E_READ_ONLY, E_IO
   */
  async put(kind: ObjectKind, id: StoreId, bytes: Uint8Array): Promise<'new' | 'had'> {
    if (this.has(id)) return 'had';
    const vault = checkedVault(id, bytes);
    await this.#letIn(id, bytes.byteLength);
    return new Promise((resolve, reject) => {
      this.#arrivals.push({ kind, id, vault, bytes, resolve, reject });
      this.#work ??= this.#drain().finally(() => {
        this.#work = undefined;
      });
    });
  }

  /** Resolves when everything that has arrived is acknowledged or refused. */
  async idle(): Promise<void> {
    await this.#work;
  }

  /** While one group becomes durable the next one gathers. */
  async #drain(): Promise<void> {
    // One turn of the loop, so that what came together is written together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#arrivals.length > 0) await this.#store(this.#nextGroup());
  }

  #nextGroup(): readonly Arrival[] {
    let bytes = 0;
    let count = 0;
    for (const arrival of this.#arrivals) {
      if (count > 0 && (count >= MAX_BATCH_OBJECTS || bytes + arrival.bytes.byteLength > MAX_BATCH_BYTES))
        break;
      bytes += arrival.bytes.byteLength;
      count++;
    }
    return this.#arrivals.splice(0, count);
  }

  async #store(group: readonly Arrival[]): Promise<void> {
    let settle: (arrival: Arrival) => void;
    try {
      const refused = await this.#write(group);
      settle = ({ id, bytes, resolve, reject }) => {
        this.#heldBytes = (this.#heldBytes ?? 0) + bytes.byteLength;
        if (refused.has(id))
          reject(new DisktroError('E_LOCKED', `object ${id} is being freed here just now`));
        else resolve('new');
      };
    } catch (error) {
      settle = ({ reject }) => reject(error);
    }
    for (const arrival of group) {
      this.#arrivingBytes -= arrival.bytes.byteLength;
      settle(arrival);
    }
  }

  /** @returns ids that cannot be entered now */
  async #write(group: readonly Arrival[]): Promise<ReadonlySet<StoreId>> {
    const { store, catalog } = this.#home;
    const unique = [...new Map(group.map((arrival) => [arrival.id, arrival])).values()];
    const batch = store.batch();
    try {
      await Promise.all(unique.map(({ kind, id, bytes }) => batch.write(kind, id, bytes)));
    } catch (error) {
      await batch.abort();
      throw error;
    }
    await batch.commit();
    const rows = unique.map(({ kind, id, vault, bytes }) => ({ kind, id, vault, bytes: bytes.byteLength }));
    return new Set(enterHoldings(catalog, rows));
  }

  /** What was let in since the disk was asked counts as taken. */
  async #freeBytes(wanted: number): Promise<number> {
    const isFresh = performance.now() - this.#space.atMs < SPACE_MS && this.#space.letIn < SPACE_BYTES;
    if (!isFresh) {
      const { freeBytes } = await this.#home.fileSystem.space(this.#home.path).catch((error: unknown) => {
        throw fileSystemError(error, 'looking for room on the disk');
      });
      this.#space = { atMs: performance.now(), freeBytes, letIn: 0 };
    }
    const free = this.#space.freeBytes - this.#space.letIn;
    this.#space.letIn += wanted;
    return free;
  }

  /** From here until it is stored or refused an object takes its room. @throws E_NO_SPACE, E_IO */
  async #letIn(id: StoreId, bytes: number): Promise<void> {
    this.#arrivingBytes += bytes;
    try {
      // What files here need is not held for others: it comes back however much those take up.
      if (this.#home.objects.find(id)?.isHeld !== false) this.#checkQuota();
      const { reserveBytes } = this.#limits;
      if ((await this.#freeBytes(bytes)) - bytes < reserveBytes)
        throw new DisktroError('E_NO_SPACE', 'this node is full');
    } catch (error) {
      this.#arrivingBytes -= bytes;
      throw error;
    }
  }

  #checkQuota(): void {
    const { quotaBytes } = this.#limits;
    const isOver = (heldBytes: number): boolean =>
      quotaBytes > 0 && heldBytes + this.#arrivingBytes > quotaBytes;
    // What was freed since is not known here: counted anew before anything is refused.
    if (this.#heldBytes === undefined || isOver(this.#heldBytes))
      this.#heldBytes = heldTotals(this.#home.catalog).bytes;
    if (isOver(this.#heldBytes)) throw new DisktroError('E_NO_SPACE', 'the quota of this node is used up');
  }
}

/** The disk is asked again after this many ms, or when as many bytes were let in on one answer. */
const SPACE_MS = 250;
const SPACE_BYTES = 16 * 1024 * 1024;

function checkedVault(id: StoreId, bytes: Uint8Array): VaultId {
  const length = bytes.byteLength;
  if (length < MIN_OBJECT_BYTES || length > MAX_HELD_OBJECT_BYTES) {
    throw integrityError(
      'E_OBJECT_LENGTH',
      `object length: expected ${MIN_OBJECT_BYTES} to ${MAX_HELD_OBJECT_BYTES} bytes, got ${length}`,
    );
  }
  const vault = vaultOf(bytes);
  if (vault === undefined) throw integrityError('E_OBJECT_MAGIC', 'object does not begin with "DSK1"');
  const actual = sha256Hex(bytes);
  if (actual !== id) throw integrityError('E_OBJECT_ID', `object hashes to ${actual}, expected ${id}`);
  return vault;
}
