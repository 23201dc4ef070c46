/**
 * What a running node is made of, as the routes see it. Holds no key that decrypts (I5).
 */
import type { NodeId } from '../core/ids.js';
import type { MergeResult } from '../net/membership.js';
import type { Cluster } from '../ops/cluster/cluster.js';
import type { NodeFiles } from '../ops/cluster/node-files.js';
import type { HeldWriter } from '../ops/copies/held-writer.js';
import type { OpenHome } from '../ops/home/home.js';
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
