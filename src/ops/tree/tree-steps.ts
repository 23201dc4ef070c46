/**
 * What a tree's content becomes on its way to the vault: chunks to store, and places in the manifest's chunk list, in
 * one order. A place is taken when the first file needs it, so that an unchanged tree gives the same list again.
 */

import type { ChunkRef, ListWriter } from '../../core/list.js';
import { encodeRef } from '../../core/list.js';
import { mapOrdered } from '../../core/pipeline.js';
import { MAX_BATCH_OBJECTS, MAX_UNCOMMITTED } from '../../limits.js';
import type { ChunkWriter, Plaintext } from '../chunk/chunk-writer.js';

/** Where a chunk stands in the list; what it refers to is known later. */
export class Place {
  readonly index: number;
  readonly ref: Promise<ChunkRef>;
  #resolve: (ref: ChunkRef | Promise<ChunkRef>) => void = () => {};
  #reject: (error: unknown) => void = () => {};

  constructor(index: number) {
    this.index = index;
    this.ref = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.ref.catch(() => {});
  }

  settle(ref: ChunkRef | Promise<ChunkRef>): void {
    this.#resolve(ref);
  }

  fail(error: unknown): void {
    this.#reject(error);
  }
}

export interface Step {
  /** To be stored; `place` is told where it went. */
  readonly store?: { readonly plaintext: Plaintext; readonly place: Place };
  /** What comes next in the list. */
  readonly listed?: Place;
}

/** Stores and lists until the steps end. @param stored told of each chunk that was taken in */
export async function runSteps(
  steps: AsyncIterable<Step>,
  writer: ChunkWriter,
  list: ListWriter,
  signal: AbortSignal | undefined,
  stored: () => void,
): Promise<void> {
  const storing = mapOrdered(writer.engine.concurrency, async (step: Step) => {
    if (step.store !== undefined) await storeStep(writer, step.store);
    return step;
  });
  const durable = mapOrdered(MAX_UNCOMMITTED, async ({ listed }: Step) => listed?.ref);
  const taken = flushing(storing(steps, { signal }), writer, stored);
  for await (const ref of durable(taken, { signal })) {
    if (ref !== undefined) await list.push(encodeRef(ref), ref.storeId);
  }
}

async function storeStep(
  writer: ChunkWriter,
  { plaintext, place }: NonNullable<Step['store']>,
): Promise<void> {
  try {
    const { ref } = await writer.write(plaintext);
    place.settle(ref);
  } catch (error) {
    place.fail(error);
    throw error;
  }
}

/** A step must not wait longer for its batch than the stage behind has room. */
async function* flushing(
  steps: AsyncIterable<Step>,
  writer: ChunkWriter,
  stored: () => void,
): AsyncGenerator<Step> {
  let count = 0;
  try {
    for await (const step of steps) {
      if (step.store !== undefined) stored();
      if (++count % MAX_BATCH_OBJECTS === 0) writer.flush();
      yield step;
    }
  } finally {
    writer.flush();
  }
}
