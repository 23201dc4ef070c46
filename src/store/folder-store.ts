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
import { type HolderStore, MAX_NOTE_BYTES, type NoteName } from './holder-store.js';
import { type HomePaths, homePaths } from './paths.js';
import { formatStoreUrl } from './store-url.js';

export class FolderStore extends FileStore implements HolderStore {
  readonly where: string;
  readonly #fileSystem: FileSystem;
  readonly #paths: HomePaths;

  /** @param folder absolute. Nothing is made here: see {@link FolderStore.makeFolders} */
  constructor(fileSystem: FileSystem, folder: string) {
    const paths = { ...homePaths(folder), objects: folder };
    super(fileSystem, paths, randomBytes(8).toString('hex'));
    this.where = formatStoreUrl({ kind: 'folder', path: folder });
    this.#fileSystem = fileSystem;
    this.#paths = paths;
  }

  /** Makes what a new holder needs, in a folder that is there. @throws E_NOT_FOUND, E_READ_ONLY, E_IO */
  override async makeFolders(): Promise<void> {
    const { home, temporary } = this.#paths;
    if ((await this.#fileSystem.stat(home))?.isDirectory !== true) {
      throw new DisktroError('E_NOT_FOUND', `${this.where}: there is no such folder`, {
        hint: 'mount the disk, or make the folder first',
      });
    }
    try {
      await super.makeFolders();
      for (const folder of [temporary, path.join(home, 'vault')]) await this.#fileSystem.makeFolder(folder);
      await this.#fileSystem.syncFolder(home);
    } catch (error) {
      throw fileSystemError(error, `${this.where}: making folders`);
    }
  }

  probe(kind: ObjectKind, ids: readonly StoreId[]): Promise<readonly (number | undefined)[]> {
    return this.sizes(kind, ids);
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
}
