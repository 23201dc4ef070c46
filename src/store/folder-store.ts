/**
 * A folder on another disk, or a mounted share, as a holder: objects as files, the same durable write as in a home,
 * `chunks/ab/<id>`, `manifests/ab/<id>`, `vault/<id>`. A folder without its `holder.json` is none: its disk is not mounted.
 */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import type { StoreId, VaultId } from '../core/ids.js';
import { isVaultId } from '../core/ids.js';
import type { ObjectKind } from '../core/object.js';
import { DisktroError, fileSystemError } from '../errors.js';
import { FileStore } from './file-store.js';
import { type FileSystem, ignore, readSmallFile, writeFileDurably } from './file-system.js';
import { checkObject, type HolderStore, MAX_NOTE_BYTES, type NoteName } from './holder-store.js';
import type { ListOptions, ObjectBatch, ObjectSize, StoreUsage } from './object-store.js';
import { type HomePaths, homePaths } from './paths.js';
import { formatStoreUrl } from './store-url.js';

export class FolderStore implements HolderStore {
  readonly where: string;
  readonly #fileSystem: FileSystem;
  readonly #paths: HomePaths;
  readonly #files: FileStore;

  /** @param folder absolute. Nothing is made here: see {@link FolderStore.makeFolders} */
  constructor(fileSystem: FileSystem, folder: string) {
    this.where = formatStoreUrl({ kind: 'folder', path: folder });
    this.#fileSystem = fileSystem;
    this.#paths = { ...homePaths(folder), objects: folder };
    this.#files = new FileStore(fileSystem, this.#paths, randomBytes(8).toString('hex'));
  }

  /** Makes what a new holder needs, in a folder that is there. @throws E_NOT_FOUND, E_READ_ONLY, E_IO */
  async makeFolders(): Promise<void> {
    const { home, temporary } = this.#paths;
    if ((await this.#fileSystem.stat(home))?.isDirectory !== true) {
      throw new DisktroError('E_NOT_FOUND', `${this.where}: there is no such folder`, {
        hint: 'mount the disk, or make the folder first',
      });
    }
    try {
      await this.#files.makeFolders();
      for (const folder of [temporary, path.join(home, 'vault')]) await this.#fileSystem.makeFolder(folder);
      await this.#fileSystem.syncFolder(home);
    } catch (error) {
      throw fileSystemError(error, `${this.where}: making folders`);
    }
  }

  batch(): ObjectBatch {
    return this.#files.batch();
  }

  put(kind: ObjectKind, id: StoreId, bytes: Uint8Array): Promise<boolean> {
    return this.#files.put(kind, id, bytes);
  }

  async replace(kind: ObjectKind, id: StoreId, bytes: Uint8Array): Promise<void> {
    const batch = this.#files.batch();
    try {
      await batch.write(kind, id, bytes);
    } catch (error) {
      await batch.abort();
      throw error;
    }
    await batch.commit();
  }

  async read(kind: ObjectKind, id: StoreId, target: Uint8Array): Promise<number> {
    const length = await this.#files.read(kind, id, target);
    checkObject(id, target.subarray(0, length), this.where);
    return length;
  }

  async get(kind: ObjectKind, id: StoreId, range?: { offset: number; length: number }): Promise<Buffer> {
    const bytes = await this.#files.get(kind, id, range);
    if (range === undefined) checkObject(id, bytes, this.where);
    return bytes;
  }

  sizes(kind: ObjectKind, ids: readonly StoreId[]): Promise<readonly (number | undefined)[]> {
    return this.#files.sizes(kind, ids);
  }

  probe(kind: ObjectKind, ids: readonly StoreId[]): Promise<readonly (number | undefined)[]> {
    return this.sizes(kind, ids);
  }

  list(kind: ObjectKind, options?: ListOptions): Promise<readonly ObjectSize[]> {
    return this.#files.list(kind, options);
  }

  delete(kind: ObjectKind, ids: readonly StoreId[]): Promise<number> {
    return this.#files.delete(kind, ids);
  }

  usage(): Promise<StoreUsage> {
    return this.#files.usage();
  }

  async readNote(name: NoteName): Promise<Buffer | undefined> {
    const file = path.join(this.#paths.home, name);
    try {
      return await readSmallFile(this.#fileSystem, file, MAX_NOTE_BYTES);
    } catch (error) {
      throw fileSystemError(error, `${this.where}: reading ${name}`);
    }
  }

  async writeNote(name: NoteName, bytes: Uint8Array): Promise<void> {
    const { home, temporary } = this.#paths;
    const draft = path.join(temporary, `note-${randomBytes(8).toString('hex')}`);
    try {
      await writeFileDurably(this.#fileSystem, draft, path.join(home, name), bytes);
    } catch (error) {
      throw fileSystemError(error, `${this.where}: writing ${name}`);
    }
  }

  async vaults(): Promise<readonly VaultId[]> {
    try {
      return (await this.#fileSystem.readFolder(path.join(this.#paths.home, 'vault')))
        .filter(isVaultId)
        .sort();
    } catch (error) {
      return ignore('ENOENT')(error) ?? [];
    }
  }

  close(): void {}
}
