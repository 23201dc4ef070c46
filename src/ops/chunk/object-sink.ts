/**
 * Where sealed chunks become durable: filled into batches, each made durable by the store and then entered into the
 * catalog in one transaction. While one batch is being committed the next one fills.
 */

import { commitChunks } from '../../catalog/commits.js';
import type { NewObject, ObjectRow } from '../../catalog/objects.js';
import { MAX_BATCH_BYTES, MAX_BATCH_OBJECTS } from '../../limits.js';
import type { ObjectBatch } from '../../store/object-store.js';
import type { OpenHome } from '../home/home.js';

/** Resolves when the object is acknowledged, to the row that holds its plaintext. */
export interface Acknowledgement {
  readonly committed: Promise<ObjectRow>;
}

interface Entry {
  readonly object: NewObject;
  readonly resolve: (row: ObjectRow) => void;
  readonly reject: (error: unknown) => void;
}

interface Filling {
  readonly batch: ObjectBatch;
  readonly entries: Entry[];
  readonly writes: Promise<void>[];
}

export class ObjectSink {
  readonly #home: OpenHome;
  #filling: Filling | undefined;
  #committing: Promise<void> = Promise.resolve();
  #queued = 0;

  constructor(home: OpenHome) {
    this.#home = home;
  }

  /** When it resolves `bytes` may be reused. Waits while one batch is committing and the next one is full. */
  async add(object: NewObject, bytes: Uint8Array): Promise<Acknowledgement> {
    while (this.#isFull()) {
      if (this.#queued === 0) this.flush();
      else await this.#committing;
    }
    this.#filling ??= { batch: this.#home.store.batch(), entries: [], writes: [] };
    const { batch, entries, writes } = this.#filling;
    const committed = new Promise<ObjectRow>((resolve, reject) => {
      entries.push({ object, resolve, reject });
    });
    committed.catch(() => {});
    const write = batch.write(object.kind, object.storeId, bytes);
    writes.push(write);
    await write;
    return { committed };
  }

  /** Starts committing what has been added so far. */
  flush(): void {
    const filling = this.#filling;
    if (filling === undefined) return;
    this.#filling = undefined;
    this.#queued++;
    this.#committing = this.#committing.then(() => this.#commit(filling)).finally(() => this.#queued--);
  }

  /** Commits everything, or after a failure waits until nothing is under way any more. Never throws. */
  async close(): Promise<void> {
    this.flush();
    await this.#committing;
  }

  #isFull(): boolean {
    const filling = this.#filling;
    return (
      filling !== undefined &&
      (filling.batch.bytes >= MAX_BATCH_BYTES || filling.entries.length >= MAX_BATCH_OBJECTS)
    );
  }

  async #commit({ batch, entries, writes }: Filling): Promise<void> {
    try {
      await Promise.all(writes);
    } catch (error) {
      await Promise.allSettled(writes);
      await batch.abort();
      for (const { reject } of entries) reject(error);
      return;
    }
    try {
      await batch.commit();
      const objects = entries.map(({ object }) => object);
      const rows = commitChunks(this.#home.catalog, this.#home.session().id, objects);
      const isBeaten = (object: NewObject, index: number): boolean => rows[index]?.storeId !== object.storeId;
      await this.#home.store.delete(
        'chunk',
        objects.filter(isBeaten).map(({ storeId }) => storeId),
      );
      entries.forEach(({ resolve }, index) => {
        const row = rows[index];
        if (row !== undefined) resolve(row);
      });
    } catch (error) {
      for (const { reject } of entries) reject(error);
    }
  }
}
