/**
 * Objects of this home to members, one at a time for whoever calls: reads into buffers that are used again, counts what
 * goes where, and knows its own bad copy from a peer's refusal.
 */
import type { Holding } from '../../catalog/holdings.js';
import type { BufferPool } from '../../core/buffer-pool.js';
import { bufferPool } from '../../core/buffer-pool.js';
import { sha256Hex } from '../../core/hashes.js';
import type { NodeId, StoreId } from '../../core/ids.js';
import { integrityError } from '../../errors.js';
import type { Cluster } from '../cluster/cluster.js';
import type { OpenHome } from '../home/home.js';

export interface ReplicateProgress {
  readonly sentBytes: number;
  readonly totalBytes: number;
  /** Bytes sent to each node so far. */
  readonly nodes: ReadonlyMap<NodeId, number>;
}

/** Requests under way to one node, and to a bucket, which is further away and takes them side by side. */
const STREAMS_TO_NODE = 4;
const STREAMS_TO_HOLDER = 8;
/** Objects of a vault with the default chunk size fit; larger ones get a buffer of their own. */
const USUAL_OBJECT_BYTES = 5 * 1024 * 1024;

export class ObjectSender {
  readonly #home: OpenHome;
  readonly #cluster: Cluster;
  readonly #onProgress: ((progress: ReplicateProgress) => void) | undefined;
  readonly #isFresh: boolean;
  readonly #buffers: Map<NodeId, BufferPool> = new Map();
  readonly #sent = new Map<NodeId, number>();
  #totalBytes = 0;
  #sentBytes = 0;

  /** @param isFresh what it sends has just been made, and all copies of it go through here */
  constructor(
    home: OpenHome,
    cluster: Cluster,
    onProgress: ((progress: ReplicateProgress) => void) | undefined,
    isFresh = false,
  ) {
    this.#home = home;
    this.#cluster = cluster;
    this.#onProgress = onProgress;
    this.#isFresh = isFresh;
  }

  get sentBytes(): number {
    return this.#sentBytes;
  }

  /** How many objects are worth sending there at once. */
  streams(node: NodeId): number {
    return this.#cluster.isStatic(node) ? STREAMS_TO_HOLDER : STREAMS_TO_NODE;
  }

  /** Told of what is going to be sent, for the progress. */
  expect(bytes: number): void {
    this.#totalBytes += bytes;
  }

  /**
   * Resolves when the node has it durably.
   * @throws what a peer client throws; E_OBJECT_ID when the copy here is bad
   */
  async send(node: NodeId, { kind, id, bytes }: Holding, signal: AbortSignal | undefined): Promise<void> {
    const buffers = this.#buffersOf(node);
    const buffer = await buffers.take();
    try {
      const room = buffer.byteLength >= bytes ? buffer : Buffer.alloc(bytes);
      const length = await this.#home.store.read(kind, id, room);
      const object = room.subarray(0, length);
      try {
        await this.#cluster.peer(node).putObject(kind, id, object, signal, this.#isFresh);
      } catch (error) {
        this.#checkOwn(id, object);
        throw error;
      }
      this.#sentBytes += length;
      this.#sent.set(node, (this.#sent.get(node) ?? 0) + length);
      this.#onProgress?.({ sentBytes: this.#sentBytes, totalBytes: this.#totalBytes, nodes: this.#sent });
    } finally {
      buffers.give(buffer);
    }
  }

  /** When a peer refuses an object it may be this node's copy that is bad: hashed only then. @throws E_OBJECT_ID */
  #checkOwn(id: StoreId, object: Uint8Array): void {
    if (sha256Hex(object) === id) return;
    const row = this.#home.objects.find(id);
    if (row !== undefined) this.#home.objects.markLost([row.row]);
    throw integrityError('E_OBJECT_ID', `object ${id} is damaged here`, {
      hint: 'run `disktro repair`, or `disktro chunk` on the same data again',
    });
  }

  #buffersOf(node: NodeId): BufferPool {
    let buffers = this.#buffers.get(node);
    if (buffers === undefined) {
      buffers = bufferPool(this.streams(node), USUAL_OBJECT_BYTES);
      this.#buffers.set(node, buffers);
    }
    return buffers;
  }
}
