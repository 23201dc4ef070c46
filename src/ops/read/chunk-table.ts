/**
 * The chunk list of a manifest with random access: extents name chunks by number, and a list is read forwards only.
 * Bounded memory: a list that is too long for it lies in a scratch file that has no name and goes with the process.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { idToBytes, plainIdFromBytes, storeIdFromBytes } from '../../core/ids.js';
import type { ChunkRef } from '../../core/list.js';
import { decodeRef, readList } from '../../core/list.js';
import type { Manifest } from '../../core/manifest.js';
import { fileSystemError, integrityError, throwIfAborted } from '../../errors.js';
import type { ObjectReader } from './object-reader.js';

/** Store id, plain id, where the chunk begins in all plaintexts joined. */
const RECORD_BYTES = 32 + 32 + 8;
const RECORDS_PER_PAGE = 8_192;
const PAGE_BYTES = RECORDS_PER_PAGE * RECORD_BYTES;
/** 40 MiB: half a million chunks, half a TiB of data. */
const MOST_PAGES = 64;

export class ChunkTable {
  readonly #pages: Buffer[] = [];
  readonly #record = Buffer.alloc(2 * RECORD_BYTES);
  #scratch: number | undefined;
  #count = 0;
  #bytes = 0;

  /** Plaintext bytes of all chunks. */
  get bytes(): number {
    return this.#bytes;
  }

  get count(): number {
    return this.#count;
  }

  /** @param scratchFolder where a long list is put aside; the system's temporary folder when it cannot be written */
  static async read(
    reader: ObjectReader,
    { chunks }: Manifest,
    scratchFolder: string,
    signal?: AbortSignal,
  ): Promise<ChunkTable> {
    const table = new ChunkTable();
    try {
      for await (const item of readList(chunks, (ref) => reader.readListChunk(ref))) {
        throwIfAborted(signal);
        table.#add(decodeRef(item), scratchFolder);
      }
    } catch (error) {
      table.close();
      throw error;
    }
    return table;
  }

  /** @param index 0 to count − 1 */
  ref(index: number): ChunkRef {
    const record = this.#recordAt(index);
    return {
      storeId: storeIdFromBytes(record.subarray(0, 32)),
      plainId: plainIdFromBytes(record.subarray(32, 64)),
      rawBytes: this.startOf(index + 1) - this.startOf(index),
    };
  }

  /** Where a chunk begins in the plaintexts of all chunks joined; of `count`, where they end. */
  startOf(index: number): number {
    return index === this.#count ? this.#bytes : this.#recordAt(index).readDoubleLE(64);
  }

  close(): void {
    if (this.#scratch !== undefined) fs.closeSync(this.#scratch);
    this.#scratch = undefined;
  }

  #add(ref: ChunkRef, scratchFolder: string): void {
    if (ref.rawBytes === 0) throw integrityError('E_MANIFEST_INVALID', 'manifest: a chunk of no bytes');
    const at = (this.#count % RECORDS_PER_PAGE) * RECORD_BYTES;
    if (at === 0) this.#turnPage(scratchFolder);
    const page = this.#pages.at(-1) ?? Buffer.alloc(0);
    page.set(idToBytes(ref.storeId), at);
    page.set(idToBytes(ref.plainId), at + 32);
    page.writeDoubleLE(this.#bytes, at + 64);
    this.#count++;
    this.#bytes += ref.rawBytes;
  }

  /** Pages 0 to n − 2 are kept or put aside; the last one is being filled. */
  #turnPage(scratchFolder: string): void {
    if (this.#pages.length < MOST_PAGES) {
      this.#pages.push(Buffer.alloc(PAGE_BYTES));
      return;
    }
    try {
      this.#scratch ??= namelessFile(scratchFolder);
      const full = this.#pages.at(-1) ?? Buffer.alloc(0);
      const page = this.#count / RECORDS_PER_PAGE - 1;
      fs.writeSync(this.#scratch, full, 0, PAGE_BYTES, (page - MOST_PAGES + 1) * PAGE_BYTES);
    } catch (error) {
      throw fileSystemError(error, 'putting a long list of chunks aside');
    }
  }

  #recordAt(index: number): Buffer {
    const page = Math.floor(index / RECORDS_PER_PAGE);
    const at = (index % RECORDS_PER_PAGE) * RECORD_BYTES;
    const lastPage = Math.floor((this.#count - 1) / RECORDS_PER_PAGE);
    if (page < MOST_PAGES - 1 || this.#scratch === undefined || page === lastPage) {
      const kept = this.#pages[Math.min(page, this.#pages.length - 1)] ?? Buffer.alloc(0);
      return kept.subarray(at, at + RECORD_BYTES);
    }
    const position = (page - MOST_PAGES + 1) * PAGE_BYTES + at;
    fs.readSync(this.#scratch, this.#record, 0, RECORD_BYTES, position);
    return this.#record.subarray(0, RECORD_BYTES);
  }
}

function namelessFile(folder: string): number {
  let isWritable = true;
  try {
    fs.accessSync(folder, fs.constants.W_OK);
  } catch {
    isWritable = false;
  }
  const own = fs.mkdtempSync(path.join(isWritable ? folder : os.tmpdir(), 'chunk-list-'));
  const file = path.join(own, 'list');
  const descriptor = fs.openSync(file, 'wx+', 0o600);
  try {
    fs.rmSync(own, { recursive: true });
  } catch {
    // Windows keeps the name of an open file; crash recovery empties tmp/ in time.
  }
  return descriptor;
}
