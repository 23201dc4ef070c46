/**
 * Store id in, verified plaintext out. When an object is missing or damaged and another one holds the same plaintext,
 * that one is read instead.
 */
import type { ObjectRow } from '../../catalog/objects.js';
import type { BufferPool } from '../../core/buffer-pool.js';
import { bufferPool } from '../../core/buffer-pool.js';
import type { Engine } from '../../core/engine.js';
import type { FileId, PlainId, StoreId } from '../../core/ids.js';
import type { ChunkRef } from '../../core/list.js';
import type { Manifest } from '../../core/manifest.js';
import { decodeManifest } from '../../core/manifest.js';
import type { ObjectKind } from '../../core/object.js';
import { maxObjectBytes } from '../../core/object.js';
import { DisktroError, isDisktroError } from '../../errors.js';
import type { ObjectSource } from '../copies/peer-source.js';
import type { OpenVault } from '../home/vault.js';

/** A chunk's plaintext. The bytes are valid until `release`, to be called once. */
export interface OpenedChunk {
  readonly bytes: Uint8Array;
  release(): void;
}

/** What comes over a network is waited for, whatever the number of cores. */
const FAR_READS = 8;
/** Chunks of a file that are begun, those included that came before their turn. */
const FAR_AHEAD = 14;

export class ObjectReader {
  readonly engine: Engine;
  /** Chunks that are worth having under way at once. */
  readonly concurrency: number;
  readonly #vault: OpenVault;
  readonly #objects: BufferPool;
  readonly #plaintexts: BufferPool;
  readonly #source: ObjectSource | undefined;
  readonly #signal: AbortSignal | undefined;
  /** Objects that came from other nodes so far. */
  fetched = 0;
  readonly #lostRows: number[] = [];

  /**
   * @param source where objects come from that this home does not have whole
   * @param held chunks that the consumer may hold while it reads further ones
   */
  constructor(vault: OpenVault, engine: Engine, source?: ObjectSource, signal?: AbortSignal, held = 1) {
    this.#vault = vault;
    this.engine = engine;
    this.#source = source;
    this.#signal = signal;
    const isFar = source !== undefined || vault.home.outer !== undefined;
    this.concurrency = isFar ? Math.max(engine.concurrency, FAR_AHEAD) : engine.concurrency;
    const reads = isFar ? Math.max(engine.concurrency, FAR_READS) : engine.concurrency;
    this.#objects = bufferPool(reads, maxObjectBytes(vault.sizes.max));
    this.#plaintexts = bufferPool(this.concurrency + held, vault.sizes.max);
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
      const length = await this.#openOrTwin({ storeId: id }, plaintext, 'manifest');
      return decodeManifest(Buffer.from(plaintext.subarray(0, length)));
    } finally {
      this.#plaintexts.give(plaintext);
    }
  }

  async #openOrTwin(
    ref: Pick<ChunkRef, 'storeId'> & Partial<ChunkRef>,
    target: Uint8Array,
    kind: ObjectKind = 'chunk',
  ): Promise<number> {
    try {
      return await this.#open(kind, ref.storeId, ref.rawBytes, target);
    } catch (error) {
      if (!isDisktroError(error)) throw error;
      const local = this.#told(error, ref.storeId);
      const twin = ref.plainId === undefined ? undefined : this.#twinOf(ref.plainId, ref.storeId);
      if (twin !== undefined) {
        try {
          return await this.#open(kind, twin.storeId, ref.rawBytes, target);
        } catch (twinError) {
          if (this.#source === undefined || !isDisktroError(twinError)) throw twinError;
        }
      }
      if (this.#source === undefined) throw local;
      return this.#fetch(this.#source, local, kind, ref.storeId, ref.rawBytes, target);
    }
  }

  /** @param local why it has to be fetched: told when no other node has it either */
  async #fetch(
    source: ObjectSource,
    local: DisktroError,
    kind: ObjectKind,
    id: StoreId,
    rawBytes: number | undefined,
    output: Uint8Array,
  ): Promise<number> {
    const object = await this.#objects.take();
    try {
      const accept = (bytes: Uint8Array): Promise<number> => this.#unseal(kind, id, rawBytes, bytes, output);
      const raw = await source.fetch(id, object, accept, this.#signal).catch((error: unknown) => {
        throw isDisktroError(error, 'E_OBJECT_MISSING') ? local : error;
      });
      this.fetched++;
      const row = this.#vault.home.objects.find(id);
      if (row?.state === 'present') this.#lostRows.push(row.row);
      return raw;
    } finally {
      this.#objects.give(object);
    }
  }

  /** What is wrong with an object, so that its owner knows what to do. */
  #told(error: DisktroError, id: StoreId): DisktroError {
    if (!error.code.startsWith('E_OBJECT_') || error.code === 'E_OBJECT_MISSING') return error;
    const mend =
      this.#source === undefined ? '' : '`disktro repair` fetches it where another node has it whole; ';
    return new DisktroError(error.code, `object ${id} is damaged`, {
      hint: `${mend}\`disktro verify\` tells all that is damaged and the files that need it`,
      details: { object: id },
      cause: error,
    });
  }

  /** Notes that what had to be fetched is not here whole, so that `serve` brings it back. */
  noteLost(): void {
    const { home } = this.#vault;
    if (!home.isReadOnly) home.objects.markLost(this.#lostRows.splice(0));
  }

  #twinOf(plainId: PlainId, storeId: StoreId): ObjectRow | undefined {
    return this.#vault.home.objects.findTwin(plainId, storeId);
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
      return await this.#unseal(kind, id, rawBytes, object.subarray(0, length), output);
    } finally {
      this.#objects.give(object);
    }
  }

  #unseal(
    kind: ObjectKind,
    id: StoreId,
    rawBytes: number | undefined,
    input: Uint8Array,
    output: Uint8Array,
  ): Promise<number> {
    return this.engine.run({
      type: 'open',
      kind,
      id,
      input,
      output,
      maxRawBytes: this.#vault.sizes.max,
      ...(rawBytes === undefined ? {} : { rawBytes }),
    });
  }
}
