/**
 * Plaintext in, chunk reference out: deduplicates, seals and stores one chunk after another, several at a time.
 * A plaintext that is already here, or on its way, is never sealed again.
 */
import { randomBytes } from 'node:crypto';
import { reviveObject } from '../../catalog/commits.js';
import type { ObjectRow } from '../../catalog/objects.js';
import type { BufferPool } from '../../core/buffer-pool.js';
import { bufferPool } from '../../core/buffer-pool.js';
import type { Compression } from '../../core/codec.js';
import { checkCompression } from '../../core/codecs.js';
import type { Engine } from '../../core/engine.js';
import type { PlainId, StoreId } from '../../core/ids.js';
import type { ChunkRef } from '../../core/list.js';
import { ListWriter } from '../../core/list.js';
import { maxObjectBytes, SALT_BYTES } from '../../core/object.js';
import type { OpenVault } from '../home/vault.js';
import { ObjectSink } from './object-sink.js';

/** Of data chunks; `storedBytes` counts list chunks too. */
export interface WriterStats {
  newChunks: number;
  storedBytes: number;
  dedupedBytes: number;
}

export interface Plaintext {
  readonly bytes: Uint8Array;
  /** Objects that these bytes name, when they are a list chunk. */
  readonly children?: readonly StoreId[];
  /** Told once when `bytes` is no longer needed. */
  readonly release?: () => void;
}

/** A chunk on its way: the reference comes when it is durable and in the catalog. */
export interface PendingChunk {
  readonly rawBytes: number;
  readonly ref: Promise<ChunkRef>;
}

export class ChunkWriter {
  readonly stats: WriterStats = { newChunks: 0, storedBytes: 0, dedupedBytes: 0 };
  readonly #vault: OpenVault;
  readonly #engine: Engine;
  readonly #compression: Compression;
  readonly #sink: ObjectSink;
  readonly #sealed: BufferPool;
  readonly #onStored: (object: ObjectRow) => void;
  readonly #onTheWay = new Map<PlainId, Promise<ChunkRef>>();

  /**
   * @param onStored told of each object that has become durable here
   * @throws E_USAGE, E_CONFIG when it cannot compress so
   */
  constructor(
    vault: OpenVault,
    engine: Engine,
    compression: Compression,
    onStored: (object: ObjectRow) => void = () => {},
  ) {
    checkCompression(compression);
    this.#onStored = onStored;
    this.#vault = vault;
    this.#engine = engine;
    this.#compression = compression;
    this.#sink = new ObjectSink(vault.home);
    this.#sealed = bufferPool(engine.concurrency + 1, maxObjectBytes(vault.sizes.max));
  }

  get engine(): Engine {
    return this.#engine;
  }

  /** Resolves when the bytes have been taken in: hashed, found known or sealed and written. Always releases them. */
  async write(plaintext: Plaintext): Promise<PendingChunk> {
    const { bytes } = plaintext;
    const rawBytes = bytes.byteLength;
    try {
      const plainId = await this.#engine.run({ type: 'plain-id', input: bytes });
      const earlier = this.#onTheWay.get(plainId);
      if (earlier !== undefined) {
        this.#countKnown(plaintext);
        return { rawBytes, ref: earlier };
      }
      const taken = deferred<unknown>();
      const ref = this.#store(plainId, plaintext, () => taken.resolve(undefined));
      this.#onTheWay.set(plainId, ref);
      ref.then(taken.resolve, taken.reject).finally(() => this.#onTheWay.delete(plainId));
      await taken.promise;
      return { rawBytes, ref };
    } finally {
      plaintext.release?.();
    }
  }

  /**
   * The same plaintext as in an earlier manifest, if its object is still here: kept from gc as by {@link write}.
   * @returns undefined when it is gone and its bytes have to be read again
   */
  async recall(ref: ChunkRef): Promise<ChunkRef | undefined> {
    const known = await this.#known(ref.plainId);
    return known === undefined ? undefined : { ...ref, storeId: known };
  }

  /** Stores the long lists of a manifest. */
  listWriter(): ListWriter {
    return new ListWriter(
      this.#vault.keys.chunker,
      (bytes, children) => this.write({ bytes, children }),
      () => this.flush(),
    );
  }

  flush(): void {
    this.#sink.flush();
  }

  async close(): Promise<void> {
    await this.#sink.close();
  }

  /** Seals one object outside the batches; the callback uses the bytes before the buffer is reused. */
  async sealManifest<T>(bytes: Uint8Array, use: (id: StoreId, object: Uint8Array) => Promise<T>): Promise<T> {
    const output = await this.#sealed.take();
    try {
      const { id, length } = await this.#seal('manifest', bytes, output);
      return await use(id, output.subarray(0, length));
    } finally {
      this.#sealed.give(output);
    }
  }

  async #store(plainId: PlainId, plaintext: Plaintext, taken: () => void): Promise<ChunkRef> {
    const { bytes, children } = plaintext;
    const known = await this.#known(plainId);
    if (known !== undefined) {
      this.#countKnown(plaintext);
      return { storeId: known, plainId, rawBytes: bytes.byteLength };
    }
    const output = await this.#sealed.take();
    let committed: Promise<ObjectRow>;
    try {
      const { id: storeId, length } = await this.#seal('chunk', bytes, output);
      const object = {
        storeId,
        kind: 'chunk',
        plainId,
        storedBytes: length,
        children: children ?? [],
      } as const;
      ({ committed } = await this.#sink.add(object, output.subarray(0, length)));
      if (children === undefined) this.stats.newChunks++;
      this.stats.storedBytes += length;
    } finally {
      this.#sealed.give(output);
    }
    taken();
    const row = await committed;
    this.#onStored(row);
    return { storeId: row.storeId, plainId, rawBytes: bytes.byteLength };
  }

  #seal(kind: 'chunk' | 'manifest', input: Uint8Array, output: Uint8Array) {
    const salt = randomBytes(SALT_BYTES);
    return this.#engine.run({ type: 'seal', kind, input, output, salt, compression: this.#compression });
  }

  /** List chunks are no data: they count only in what is stored. */
  #countKnown({ bytes, children }: Plaintext): void {
    if (children === undefined) this.stats.dedupedBytes += bytes.byteLength;
  }

  /** The object that already holds this plaintext, if its file is really there and gc has not got it. */
  async #known(plainId: PlainId): Promise<StoreId | undefined> {
    const { objects, store, catalog } = this.#vault.home;
    const row = objects.findPlain(plainId);
    if (row === undefined) return undefined;
    if (row.isTombstoned && !reviveObject(catalog, row.row)) return undefined;
    const [size] = await store.sizes('chunk', [row.storeId]);
    if (size === row.storedBytes) return row.storeId;
    objects.markLost([row.row]);
    return undefined;
  }
}

interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T | PromiseLike<T>) => void;
  readonly reject: (error: unknown) => void;
}

function deferred<T>(): Deferred<T> {
  let resolve: Deferred<T>['resolve'] = () => {};
  let reject: Deferred<T>['reject'] = () => {};
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
