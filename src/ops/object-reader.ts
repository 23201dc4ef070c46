/**
 * Store id in, verified plaintext out. When an object is missing or damaged and another one holds the same plaintext,
 * that one is read instead.
 */
import type { ObjectRow } from '../catalog/objects.js';
import type { BufferPool } from '../core/buffer-pool.js';
import { bufferPool } from '../core/buffer-pool.js';
import type { Engine } from '../core/engine.js';
import type { FileId, StoreId } from '../core/ids.js';
import type { ChunkRef } from '../core/list.js';
import type { Manifest } from '../core/manifest.js';
import { decodeManifest } from '../core/manifest.js';
import type { ObjectKind } from '../core/object.js';
import { maxObjectBytes } from '../core/object.js';
import { isDisktroError } from '../errors.js';
import type { OpenVault } from './vault.js';

/** A chunk's plaintext. The bytes are valid until `release`, to be called once. */
export interface OpenedChunk {
  readonly bytes: Uint8Array;
  release(): void;
}

export class ObjectReader {
  readonly engine: Engine;
  readonly #vault: OpenVault;
  readonly #objects: BufferPool;
  readonly #plaintexts: BufferPool;

  constructor(vault: OpenVault, engine: Engine) {
    this.#vault = vault;
    this.engine = engine;
    // One plaintext more than are being opened: the one that the consumer holds.
    this.#objects = bufferPool(engine.concurrency, maxObjectBytes(vault.sizes.max));
    this.#plaintexts = bufferPool(engine.concurrency + 1, vault.sizes.max);
  }

  /** @throws E_OBJECT_MISSING and every integrity code of openObject */
  async readChunk(ref: ChunkRef): Promise<OpenedChunk> {
    const plaintext = await this.#plaintexts.take();
    const release = (): void => this.#plaintexts.give(plaintext);
    try {
      const length = await this.#openOrTwin(ref, plaintext);
      return { bytes: plaintext.subarray(0, length), release };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** The object of exactly this row, without a look at others that hold the same. */
  async readExactly(row: Pick<ObjectRow, 'kind' | 'storeId'>): Promise<OpenedChunk> {
    const plaintext = await this.#plaintexts.take();
    const release = (): void => this.#plaintexts.give(plaintext);
    try {
      const length = await this.#open(row.kind, row.storeId, undefined, plaintext);
      return { bytes: plaintext.subarray(0, length), release };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** A copy of a list chunk's plaintext. */
  async readListChunk(ref: ChunkRef): Promise<Uint8Array> {
    const chunk = await this.readChunk(ref);
    try {
      return Buffer.from(chunk.bytes);
    } finally {
      chunk.release();
    }
  }

  /** @throws E_OBJECT_MISSING, integrity codes, E_CBOR_INVALID, E_LIST_INVALID, E_MANIFEST_INVALID */
  async readManifest(id: FileId): Promise<Manifest> {
    const plaintext = await this.#plaintexts.take();
    try {
      const length = await this.#open('manifest', id, undefined, plaintext);
      return decodeManifest(Buffer.from(plaintext.subarray(0, length)));
    } finally {
      this.#plaintexts.give(plaintext);
    }
  }

  async #openOrTwin(ref: ChunkRef, target: Uint8Array): Promise<number> {
    try {
      return await this.#open('chunk', ref.storeId, ref.rawBytes, target);
    } catch (error) {
      const twin = isDisktroError(error) ? this.#twinOf(ref) : undefined;
      if (twin === undefined) throw error;
      return this.#open('chunk', twin.storeId, ref.rawBytes, target);
    }
  }

  #twinOf(ref: ChunkRef): ObjectRow | undefined {
    return this.#vault.home.objects.findTwin(ref.plainId, ref.storeId);
  }

  async #open(
    kind: ObjectKind,
    id: StoreId,
    rawBytes: number | undefined,
    output: Uint8Array,
  ): Promise<number> {
    const object = await this.#objects.take();
    try {
      const length = await this.#vault.home.store.read(kind, id, object);
      return await this.engine.run({
        type: 'open',
        kind,
        id,
        input: object.subarray(0, length),
        output,
        maxRawBytes: this.#vault.sizes.max,
        ...(rawBytes === undefined ? {} : { rawBytes }),
      });
    } finally {
      this.#objects.give(object);
    }
  }
}
