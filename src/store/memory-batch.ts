/**
 * A batch for stores without temporary names, such as a bucket: its objects are kept in memory until `commit`, and then
 * put side by side. As much as one batch may hold (limits.ts), no more.
 */
import type { StoreId } from '../core/ids.js';
import type { ObjectKind } from '../core/object.js';
import { mapOrdered } from '../core/pipeline.js';
import type { ObjectBatch, ObjectStore } from './object-store.js';

const PUTS_AT_ONCE = 16;

interface Waiting {
  readonly kind: ObjectKind;
  readonly id: StoreId;
  readonly bytes: Buffer;
}

export class MemoryBatch implements ObjectBatch {
  readonly #store: Pick<ObjectStore, 'put'>;
  readonly #waiting: Waiting[] = [];
  #bytes = 0;

  constructor(store: Pick<ObjectStore, 'put'>) {
    this.#store = store;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get objects(): number {
    return this.#waiting.length;
  }

  async write(kind: ObjectKind, id: StoreId, bytes: Uint8Array): Promise<void> {
    this.#waiting.push({ kind, id, bytes: Buffer.from(bytes) });
    this.#bytes += bytes.byteLength;
  }

  async commit(): Promise<void> {
    const put = mapOrdered(PUTS_AT_ONCE, ({ kind, id, bytes }: Waiting) => this.#store.put(kind, id, bytes));
    for await (const _ of put(this.#waiting, { signal: undefined }));
  }

  async abort(): Promise<void> {
    this.#waiting.length = 0;
  }
}
