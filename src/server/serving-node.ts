/**
 * What a running node is made of, as the routes see it. Holds no key that decrypts (I5).
 */
import type { NodeId } from '../core/ids.js';
import type { MergeResult } from '../net/membership.js';
import type { Cluster } from '../ops/cluster.js';
import type { HeldWriter } from '../ops/held-writer.js';
import type { OpenHome } from '../ops/home.js';
import type { NodeFiles } from '../ops/node-files.js';
import type { BodyBuffers } from './body-buffers.js';
import type { Log } from './log.js';

export interface ServingNode {
  readonly home: OpenHome;
  readonly files: NodeFiles;
  readonly id: NodeId;
  /** undefined as long as this node belongs to no cluster. */
  cluster(): Cluster | undefined;
  readonly writer: HeldWriter;
  readonly log: Log;
  readonly version: string;
  /** Where it listens. */
  readonly port: number;
  readonly deleteGraceSeconds: number;
  /** Where objects that come in lie until they are durable. */
  readonly bodies: BodyBuffers;
  /** Where objects that go out lie until they are sent. */
  readonly sends: BodyBuffers;
  /** No copies come here from now on, the others make theirs elsewhere; or, when false, they come again. */
  drain(isDraining: boolean): Promise<void>;
  /** Told of each object that comes from whoever has just made it and makes its other copies too. */
  noteFresh(): void;
  /** Does what follows from news of members: keeps them, tells of clones, ends what removed nodes have open. */
  noteMerge(merged: MergeResult): Promise<void>;
}

/** Memory that is taken before it is used, and waited for when there is none. */
export class MemoryBudget {
  readonly #waiting: { readonly bytes: number; readonly start: () => void }[] = [];
  readonly #bytes: number;
  #free: number;

  constructor(bytes: number) {
    this.#bytes = bytes;
    this.#free = bytes;
  }

  /** @returns what gives it back, to be called once */
  async take(bytes: number): Promise<() => void> {
    if (bytes > this.#free || this.#waiting.length > 0) {
      await new Promise<void>((start) => this.#waiting.push({ bytes, start }));
    } else this.#free -= bytes;
    return this.#giver(bytes);
  }

  /** Without waiting, and only while half of it all stays free. */
  takeNow(bytes: number): (() => void) | undefined {
    if (this.#free - bytes < this.#bytes / 2) return undefined;
    this.#free -= bytes;
    return this.#giver(bytes);
  }

  #giver(bytes: number): () => void {
    let isGiven = false;
    return () => {
      if (isGiven) return;
      isGiven = true;
      this.#free += bytes;
      this.#serve();
    };
  }

  #serve(): void {
    for (
      let first = this.#waiting[0];
      first !== undefined && first.bytes <= this.#free;
      first = this.#waiting[0]
    ) {
      this.#waiting.shift();
      this.#free -= first.bytes;
      first.start();
    }
  }
}
