/**
 * What a bucket or a folder is to the cluster: a store of objects that also keeps a few small notes, and that can put
 * whole bytes in the place of wrong ones. No key is held (docs/FORMAT.md, "Buckets and folders").
 */
import { sha256Hex } from '../core/hashes.js';
import type { StoreId, VaultId } from '../core/ids.js';
import type { ObjectKind } from '../core/object.js';
import { integrityError } from '../errors.js';
import type { ObjectStore } from './object-store.js';

/** `holder.json` says which holder this is, `home.json` whose only store; `vault/<id>` is the public record of a vault. */
export type NoteName = 'holder.json' | 'home.json' | `vault/${VaultId}`;

/** @throws from all calls: E_PEER_UNREACHABLE, E_PEER_REFUSED, E_NO_SPACE, E_ABORTED */
export interface HolderStore extends ObjectStore {
  /** The store as a person knows it, for messages. */
  readonly where: string;
  /** @returns whether it is new */
  put(kind: ObjectKind, id: StoreId, bytes: Uint8Array, signal?: AbortSignal): Promise<boolean>;
  /** Stores an object whatever lies under its name. */
  replace(kind: ObjectKind, id: StoreId, bytes: Uint8Array, signal?: AbortSignal): Promise<void>;
  read(kind: ObjectKind, id: StoreId, target: Uint8Array, signal?: AbortSignal): Promise<number>;
  sizes(
    kind: ObjectKind,
    ids: readonly StoreId[],
    signal?: AbortSignal,
  ): Promise<readonly (number | undefined)[]>;
  /** As `sizes`, of each object itself: a listing may lag behind what was acknowledged. A request each. */
  probe(
    kind: ObjectKind,
    ids: readonly StoreId[],
    signal?: AbortSignal,
  ): Promise<readonly (number | undefined)[]>;
  /** What a listing does not show is looked for by itself. @throws E_PEER_REFUSED at the end, when some are locked */
  delete(kind: ObjectKind, ids: readonly StoreId[], signal?: AbortSignal): Promise<number>;
  readNote(name: NoteName, signal?: AbortSignal): Promise<Buffer | undefined>;
  writeNote(name: NoteName, bytes: Uint8Array, signal?: AbortSignal): Promise<void>;
  /** Vaults that have a note here. */
  vaults(signal?: AbortSignal): Promise<readonly VaultId[]>;
  close(): void;
}

/** Notes are JSON: longer ones are not read. */
export const MAX_NOTE_BYTES = 256 * 1024;

/** @throws E_OBJECT_ID */
export function checkObject(id: StoreId, bytes: Uint8Array, where: string): void {
  const actual = sha256Hex(bytes);
  if (actual !== id) throw integrityError('E_OBJECT_ID', `${where}: object ${id} hashes to ${actual}`);
}
