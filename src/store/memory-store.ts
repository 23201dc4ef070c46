/** Objects in memory: for tests and for programs that keep nothing. Forgets everything when it goes. */
import type { StoreId } from '../core/ids.js';
import type { ObjectKind } from '../core/object.js';
import { integrityError, missingObject } from '../errors.js';
import { MemoryBatch } from './memory-batch.js';
import type { ListOptions, ObjectBatch, ObjectSize, ObjectStore, StoreUsage } from './object-store.js';
import { DEFAULT_PAGE } from './object-store.js';

export class MemoryStore implements ObjectStore {
  readonly #objects: Readonly<Record<ObjectKind, Map<StoreId, Buffer>>> = {
    chunk: new Map(),
    manifest: new Map(),
  };

  batch(): ObjectBatch {
    return new MemoryBatch(this);
  }

  async put(kind: ObjectKind, id: StoreId, bytes: Uint8Array): Promise<boolean> {
    const isNew = !this.#objects[kind].has(id);
    if (isNew) this.#objects[kind].set(id, Buffer.from(bytes));
    return isNew;
  }

  async read(kind: ObjectKind, id: StoreId, target: Uint8Array): Promise<number> {
    const object = this.#object(kind, id);
    if (object.byteLength > target.byteLength) {
      throw integrityError(
        'E_OBJECT_LENGTH',
        `object ${id}: longer than the ${target.byteLength} bytes it may have`,
      );
    }
    target.set(object);
    return object.byteLength;
  }

  async get(kind: ObjectKind, id: StoreId, range?: { offset: number; length: number }): Promise<Buffer> {
    const object = this.#object(kind, id);
    const { offset, length } = range ?? { offset: 0, length: object.byteLength };
    return Buffer.from(object.subarray(offset, offset + length));
  }

  async sizes(kind: ObjectKind, ids: readonly StoreId[]): Promise<readonly (number | undefined)[]> {
    return ids.map((id) => this.#objects[kind].get(id)?.byteLength);
  }

  async list(kind: ObjectKind, options: ListOptions = {}): Promise<readonly ObjectSize[]> {
    const { prefix = '', after = '', limit = DEFAULT_PAGE } = options;
    const ids = [...this.#objects[kind].keys()].filter((id) => id > after && id.startsWith(prefix)).sort();
    return ids.slice(0, limit).map((id) => ({ id, bytes: this.#object(kind, id).byteLength }));
  }

  async delete(kind: ObjectKind, ids: readonly StoreId[]): Promise<number> {
    return ids.filter((id) => this.#objects[kind].delete(id)).length;
  }

  async usage(): Promise<StoreUsage> {
    const all = [...this.#objects.chunk.values(), ...this.#objects.manifest.values()];
    const bytes = all.reduce((sum, object) => sum + object.byteLength, 0);
    return { objects: all.length, bytes, freeBytes: undefined };
  }

  #object(kind: ObjectKind, id: StoreId): Buffer {
    const object = this.#objects[kind].get(id);
    if (object === undefined) throw missingObject(id);
    return object;
  }
}
