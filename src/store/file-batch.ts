/**
 * The durable write (docs/FORMAT.md, "Durable write"): temporary file, whole, fsync, rename, fsync of the folders.
 * Writing, fsync of what is written and the next object's work overlap.
 */
import path from 'node:path';
import type { StoreId } from '../core/ids.js';
import type { ObjectKind } from '../core/object.js';
import { DisktroError, fileSystemError } from '../errors.js';
import { MIB } from '../limits.js';
import type { FileSystem, OpenFile } from './file-system.js';
import type { ObjectBatch } from './object-store.js';
import { objectPath } from './paths.js';

export interface BatchContext {
  readonly fileSystem: FileSystem;
  readonly objects: string;
  /** A fresh name in tmp/. */
  readonly temporaryName: () => string;
  /** The disk's room now. */
  readonly room: () => Promise<Room>;
}

export interface Room {
  readonly path: string;
  readonly freeBytes: number;
  /** Of these, what is left alone: a disk that is full to the last byte helps nobody. */
  readonly keptBytes: number;
}

interface Written {
  readonly temporary: string;
  readonly file: string;
}

export class FileBatch implements ObjectBatch {
  readonly #context: BatchContext;
  readonly #written: Written[] = [];
  readonly #syncs: Promise<void>[] = [];
  #room: Promise<Room> | undefined;
  #bytes = 0;

  constructor(context: BatchContext) {
    this.#context = context;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get objects(): number {
    return this.#written.length;
  }

  async write(kind: ObjectKind, id: StoreId, bytes: Uint8Array): Promise<void> {
    const { fileSystem, objects, temporaryName } = this.#context;
    const temporary = temporaryName();
    this.#bytes += bytes.byteLength;
    const entry = { temporary, file: objectPath(objects, kind, id) };
    try {
      await this.#checkSpace();
      this.#written.push(entry);
      const handle = await fileSystem.open(temporary, 'wx', 0o600);
      try {
        await handle.write(bytes, null);
      } catch (error) {
        await handle.close().catch(() => {});
        throw error;
      }
      const sync = syncAndClose(handle);
      sync.catch(() => {});
      this.#syncs.push(sync);
    } catch (error) {
      throw fileSystemError(error, `writing object ${id}`);
    }
  }

  async commit(): Promise<void> {
    const { fileSystem } = this.#context;
    try {
      await Promise.all(this.#syncs);
      await Promise.all(this.#written.map((entry) => this.#move(entry)));
      const folders = new Set(this.#written.map(({ file }) => path.dirname(file)));
      await Promise.all([...folders].map((folder) => fileSystem.syncFolder(folder)));
    } catch (error) {
      await this.abort();
      throw fileSystemError(error, 'making objects durable');
    }
  }

  async abort(): Promise<void> {
    await Promise.allSettled(this.#syncs);
    const removals = this.#written.map(({ temporary }) => this.#context.fileSystem.unlink(temporary));
    await Promise.allSettled(removals);
  }

  /**
   * Folders are made with the home, but a person may have removed some: then they are made again, durably. Not
   * objects/ itself: where that is gone, its disk may not be mounted.
   */
  async #move({ temporary, file }: Written): Promise<void> {
    const { fileSystem } = this.#context;
    try {
      await fileSystem.rename(temporary, file);
    } catch (error) {
      const folder = path.dirname(file);
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || (await fileSystem.stat(folder))) throw error;
      for (const each of [path.dirname(folder), folder]) {
        await fileSystem.makeFolder(each);
        await fileSystem.syncFolder(path.dirname(each));
      }
      await fileSystem.rename(temporary, file);
    }
  }

  async #checkSpace(): Promise<void> {
    this.#room ??= this.#context.room();
    const { path: place, freeBytes, keptBytes } = await this.#room;
    if (this.#bytes <= freeBytes - keptBytes) return;
    const needed = `${Math.ceil(this.#bytes / MIB)} MiB more`;
    const free = `${Math.floor(freeBytes / MIB)} MiB free, of which ${Math.ceil(keptBytes / MIB)} MiB are never used`;
    throw new DisktroError('E_NO_SPACE', `not enough space on the disk of ${place}: ${needed}, ${free}`, {
      hint: 'free some space (`disktro gc` may help) and run the command again; nothing acknowledged was lost',
      details: { path: place, neededBytes: this.#bytes, freeBytes, keptBytes },
    });
  }
}

/** A failed fsync is final for its descriptor: it is closed, never tried again. */
async function syncAndClose(handle: OpenFile): Promise<void> {
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
