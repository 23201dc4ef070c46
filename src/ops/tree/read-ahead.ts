/**
 * A walk, some files ahead of whoever takes it, in batches: threads read the small files in them meanwhile. Without it a
 * disk is asked for one file after another, and most of a first backup is waiting.
 */
import os from 'node:os';
import { Lane } from '../../core/worker/lane.js';
import { SLOT_BYTES, SLOT_FILES, type SmallContent, SmallReadSlot } from './small-read.js';
import type { SmallFile, SmallReadFailure, SmallReadJob } from './small-reader.js';
import type { Found } from './tree-walk.js';

export interface Ahead {
  readonly found: Found;
  /** What was read of it, good until the next batch is asked for; undefined: it was not. @throws the system's error */
  content(): SmallContent | undefined;
}

const THREAD = new URL('./small-reader.js', import.meta.url);
/** Threads that wait for a disk cost little; each takes 10 MiB. */
const THREADS = Math.max(2, Math.min(4, os.availableParallelism()));
const BATCHES_AHEAD = 2 * THREADS;
/** Small files before threads are worth starting. */
const ALONE_FILES = 256;
/** Paths in a batch, whether they are read or not. */
const BATCH_PATHS = 4 * SLOT_FILES;

interface Batch {
  readonly items: readonly Ahead[];
  readonly slot: SmallReadSlot | undefined;
  readonly done: Promise<unknown>;
}

export class ReadAhead {
  readonly #walk: Iterator<Found>;
  readonly #isWanted: (found: Found) => boolean;
  readonly #slots: SmallReadSlot[] = [];
  readonly #lanes: Lane[] = [];
  #wanted = 0;
  #next = 0;

  /** @param isWanted whether a file is small, and will be asked for */
  constructor(walk: Iterable<Found>, isWanted: (found: Found) => boolean) {
    this.#walk = walk[Symbol.iterator]();
    this.#isWanted = isWanted;
  }

  /** Everything in order. @throws E_WORKER */
  async *batches(): AsyncGenerator<readonly Ahead[]> {
    const underWay: Batch[] = [];
    let isEnded = false;
    try {
      for (;;) {
        const most = this.#lanes.length === 0 ? 1 : BATCHES_AHEAD;
        while (!isEnded && underWay.length < most) {
          const batch = this.#take();
          isEnded = batch.items.length === 0;
          underWay.push(batch);
        }
        const first = underWay.shift();
        if (first === undefined) return;
        await first.done;
        yield first.items;
        if (first.slot !== undefined) this.#slots.push(first.slot);
      }
    } finally {
      await Promise.allSettled(underWay.map(({ done }) => done));
      await Promise.all(this.#lanes.map((lane) => lane.close()));
      this.#walk.return?.();
    }
  }

  /** The next paths of the walk; none: it is at its end. */
  #take(): Batch {
    const found: Found[] = [];
    const files: SmallFile[] = [];
    const places = new Map<Found, number>();
    let bytes = 0;
    while (found.length < BATCH_PATHS && files.length < SLOT_FILES && bytes < SLOT_BYTES / 2) {
      const { value, done } = this.#walk.next();
      if (done === true) break;
      found.push(value);
      if (!this.#isWanted(value) || ++this.#wanted <= ALONE_FILES) continue;
      const sizeBytes = value.seen.size;
      if (bytes + sizeBytes + 1 > SLOT_BYTES) continue;
      places.set(value, files.length);
      files.push({ file: value.file, sizeBytes, offset: bytes });
      bytes += sizeBytes + 1;
    }
    if (files.length === 0) {
      return {
        items: found.map((each) => ({ found: each, content: () => undefined })),
        slot: undefined,
        done: Promise.resolve(),
      };
    }
    const slot = this.#slots.pop() ?? new SmallReadSlot();
    const failures = new Map<number, SmallReadFailure>();
    const content = (each: Found): SmallContent | undefined => {
      const index = places.get(each);
      if (index === undefined) return undefined;
      const failure = failures.get(index);
      if (failure !== undefined) throw Object.assign(new Error(failure.message), { code: failure.code });
      return slot.get(index, files[index]?.offset ?? 0);
    };
    const done = this.#read({ memory: slot.memory, files }).then((list) => {
      for (const failure of list) failures.set(failure.index, failure);
    });
    done.catch(() => {});
    return { items: found.map((each) => ({ found: each, content: () => content(each) })), slot, done };
  }

  async #read(job: SmallReadJob): Promise<readonly SmallReadFailure[]> {
    const place = this.#next++ % THREADS;
    this.#lanes[place] ??= new Lane(THREAD, undefined);
    return await this.#lanes[place].run(job);
  }
}
