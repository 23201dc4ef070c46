/**
 * Where objects lie: a folder, memory, a peer, a bucket. One interface, one contract suite for all of them.
 * A store knows names, kinds and lengths; it holds no key and looks into no object.
 */
import type { StoreId } from '../core/ids.js';
import type { ObjectKind } from '../core/object.js';

export interface ObjectSize {
  readonly id: StoreId;
  readonly bytes: number;
}

export interface StoreUsage {
  readonly objects: number;
  readonly bytes: number;
  /** Room left for more, in bytes; undefined where the store cannot tell. */
  readonly freeBytes: number | undefined;
}

export interface ListOptions {
  /** 0 to 64 hex digits. */
  readonly prefix?: string;
  /** Only ids greater than this one: the last of the page before. */
  readonly after?: StoreId;
  /** At most this many; default 1,000. */
  readonly limit?: number;
}

/** Objects that become durable together. Several may be written at once; `commit` or `abort` ends it. */
export interface ObjectBatch {
  /** Bytes written so far. */
  readonly bytes: number;
  readonly objects: number;
  /**
   * Takes one object whose name is `id`. When it resolves `bytes` may be reused; the object is not durable yet.
   * @throws E_NO_SPACE, E_READ_ONLY, E_IO
   */
  write(kind: ObjectKind, id: StoreId, bytes: Uint8Array): Promise<void>;
  /** When it resolves every object is there under its name and survives power loss (I2). On failure none is promised. */
  commit(): Promise<void>;
  /** Removes what was written. Never throws. */
  abort(): Promise<void>;
}

export interface ObjectStore {
  /** A batch of durable writes. */
  batch(): ObjectBatch;

  /** Stores one object durably. @returns whether it is new */
  put(kind: ObjectKind, id: StoreId, bytes: Uint8Array): Promise<boolean>;

  /**
   * Reads a whole object into the front of `target`, unverified.
   * @returns its length
   * @throws E_OBJECT_MISSING; E_OBJECT_LENGTH when it is longer than `target`
   */
  read(kind: ObjectKind, id: StoreId, target: Uint8Array): Promise<number>;

  /**
   * Reads an object or `length` bytes of it from `offset` on (fewer when it ends before), unverified.
   * @throws E_OBJECT_MISSING
   */
  get(
    kind: ObjectKind,
    id: StoreId,
    range?: { readonly offset: number; readonly length: number },
  ): Promise<Buffer>;

  /** The length of each object in bytes, undefined for those that are not here; in the order asked. */
  sizes(kind: ObjectKind, ids: readonly StoreId[]): Promise<readonly (number | undefined)[]>;

  /** Ids in ascending order, a page at a time. */
  list(kind: ObjectKind, options?: ListOptions): Promise<readonly ObjectSize[]>;

  /** Deletes durably those that are here. @returns how many were */
  delete(kind: ObjectKind, ids: readonly StoreId[]): Promise<number>;

  usage(): Promise<StoreUsage>;
}

export const DEFAULT_PAGE = 1000;
