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
import type { ObjectBatch } from './object-store.js';
import { type HomePaths, homePaths } from './paths.js';
import { formatStoreUrl } from './store-url.js';

/** Names in tmp/ that {@link FileStore} and notes are written under. */
const TEMPORARY = /^(?:[0-9a-f]{16}-\d+|note-[0-9a-f]{16})$/;
/** Nobody writes on one file for so long: its process was killed, or the disk pulled out. */
const LEFT_BEHIND_MS = 24 * 60 * 60 * 1000;

export class FolderStore extends FileStore implements HolderStore {
  readonly where: string;
  readonly #fileSystem: FileSystem;
  readonly #paths: HomePaths;
  #tidying: Promise<void> | undefined;

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

  override batch(): ObjectBatch {
    this.#tidying ??= this.#tidy();
    return super.batch();
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
  /** No process holds a folder as one holds a home: whoever writes there clears away what others have left. */
  async #tidy(): Promise<void> {
    const { temporary } = this.#paths;
    try {
      for (const name of (await this.#fileSystem.readFolder(temporary)).filter((name) =>
        TEMPORARY.test(name),
      )) {
        const file = path.join(temporary, name);
        const stat = await this.#fileSystem.stat(file);
        const ageMs = stat === undefined ? 0 : Date.now() - Number(stat.mtimeNs / 1_000_000n);
        if (ageMs > LEFT_BEHIND_MS) await this.#fileSystem.unlink(file);
      }
    } catch {
      // Another time: if the disk fails, what is to be written says so.
    }
  }
}
