/** What a home asks of the store that holds its own objects, wherever that is: on its disk or in a bucket. */
import type { StoreId } from '../core/ids.js';
import type { ObjectKind } from '../core/object.js';
import type { ObjectStore } from './object-store.js';

export interface HomeStore extends ObjectStore {
  /** Moves an object out of the store, to `quarantine/`, where nothing reads it. */
  quarantine(kind: ObjectKind, id: StoreId): Promise<void>;
  /** When it was stored by the store's own clock, ms since 1970; undefined when it is not here. */
  storedMs(kind: ObjectKind, id: StoreId): Promise<number | undefined>;
  close(): void;
}
