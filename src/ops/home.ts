/**
 * An open home: its store, its catalog and this process's session. Holds no keys.
 * Opening one for writing first clears away what killed processes left behind.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { CommitObserver } from '../catalog/catalog.js';
import { Catalog } from '../catalog/catalog.js';
import { ProcessLock } from '../catalog/lock.js';
import { ObjectTable } from '../catalog/objects.js';
import type { Session } from '../catalog/sessions.js';
import { beginSession, lockFileOf, newToken } from '../catalog/sessions.js';
import { DisktroError, fileSystemError, isDisktroError, throwIfAborted } from '../errors.js';
import { FileStore } from '../store/file-store.js';
import type { FileSystem } from '../store/file-system.js';
import { nodeFileSystem } from '../store/file-system.js';
import type { HomePaths } from '../store/paths.js';
import { homePaths } from '../store/paths.js';
import { isBeingRebuilt, recoverAfterCrash } from './crash-recovery.js';
import type { VaultFile } from './vault-files.js';
import { readVaultFile } from './vault-files.js';

export interface HomeOptions {
  /** Absolute path of the home folder. */
  readonly home: string;
  readonly signal?: AbortSignal | undefined;
  /** Told in plain words what was done unasked, such as clearing up after a crash. */
  readonly onNotice?: ((message: string) => void) | undefined;
  /** Change nothing, and work on a home that cannot be written. */
  readonly readOnly?: boolean | undefined;
  /** Tests make these fail. */
  readonly fileSystem?: FileSystem | undefined;
  readonly commitObserver?: CommitObserver | undefined;
}

export interface Home {
  readonly path: string;
  readonly vaultId: string | undefined;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** What the ops room itself sees of an open home. */
export class OpenHome implements Home {
  readonly paths: HomePaths;
  readonly fileSystem: FileSystem;
  readonly store: FileStore;
  readonly catalog: Catalog;
  readonly objects: ObjectTable;
  readonly vaultFile: VaultFile | undefined;
  readonly token: string;
  readonly isReadOnly: boolean;
  readonly #lock: ProcessLock | undefined;
  readonly #scratchFolder: string | undefined;
  #session: Session | undefined;

  constructor(parts: {
    paths: HomePaths;
    fileSystem: FileSystem;
    catalog: Catalog;
    vaultFile: VaultFile | undefined;
    token: string;
    isReadOnly: boolean;
    lock: ProcessLock | undefined;
    scratchFolder: string | undefined;
  }) {
    this.paths = parts.paths;
    this.fileSystem = parts.fileSystem;
    this.catalog = parts.catalog;
    this.vaultFile = parts.vaultFile;
    this.token = parts.token;
    this.isReadOnly = parts.isReadOnly;
    this.#lock = parts.lock;
    this.#scratchFolder = parts.scratchFolder;
    this.store = new FileStore(parts.fileSystem, parts.paths, parts.token);
    this.objects = new ObjectTable(parts.catalog);
  }

  get path(): string {
    return this.paths.home;
  }

  get vaultId(): string | undefined {
    return this.vaultFile?.vaultId;
  }

  /** The session under which this process adds objects; begun when first asked for. */
  session(): Session {
    if (this.isReadOnly) throw new DisktroError('E_READ_ONLY', `home ${this.path} is open for reading only`);
    this.#session ??= beginSession(this.catalog, this.token);
    return this.#session;
  }

  async close(): Promise<void> {
    try {
      this.#session?.end();
    } finally {
      this.#session = undefined;
      this.catalog.close();
      this.#lock?.release();
      if (this.#scratchFolder !== undefined) fs.rmSync(this.#scratchFolder, { recursive: true, force: true });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/**
 * Opens store and catalog, without any key.
 * @throws E_NO_VAULT, E_VAULT_FILE, E_CATALOG_CORRUPT, E_FORMAT_TOO_NEW, E_LOCKED, E_READ_ONLY, E_IO
 */
export async function openHome(options: HomeOptions): Promise<Home> {
  return openStoreAndCatalog(options);
}

export async function openStoreAndCatalog(options: HomeOptions): Promise<OpenHome> {
  throwIfAborted(options.signal);
  const fileSystem = options.fileSystem ?? nodeFileSystem;
  const paths = homePaths(options.home);
  const vaultFile = await readVaultFile(fileSystem, paths);
  if (vaultFile === undefined) throw noVault(options.home);
  const token = newToken();
  // Before the look at the rebuild's lock: of two processes, each sees the other's or is seen.
  const lock = options.readOnly === true ? undefined : lockHome(paths, token);
  let catalog: Catalog | undefined;
  try {
    if (isBeingRebuilt(paths)) throw new DisktroError('E_LOCKED', `home ${options.home} is being rebuilt`);
    const openedCatalog = openCatalog(paths, options);
    catalog = openedCatalog.catalog;
    const home = new OpenHome({ paths, fileSystem, vaultFile, token, lock, ...openedCatalog });
    if (!home.isReadOnly) await recoverAfterCrash(home, options.onNotice);
    return home;
  } catch (error) {
    catalog?.close();
    lock?.release();
    throw error;
  }
}

/** Shows, for as long as this process has the home open for writing, that it is there. */
function lockHome(paths: HomePaths, token: string): ProcessLock {
  try {
    fs.accessSync(paths.home, fs.constants.W_OK);
    fs.mkdirSync(paths.temporary, { recursive: true, mode: 0o700 });
    return ProcessLock.take(lockFileOf(paths.temporary, token));
  } catch (error) {
    throw isUnwritable(error)
      ? unwritableHome(paths, error)
      : fileSystemError(error, `opening ${paths.home}`);
  }
}

/** Whether there is a vault at this path. @throws E_IO when that cannot be told */
export async function hasVault(home: string): Promise<boolean> {
  return (await readVaultFile(nodeFileSystem, homePaths(home))) !== undefined;
}

export function noVault(home: string): DisktroError {
  return new DisktroError('E_NO_VAULT', `no vault at ${home}`, {
    hint: 'run `disktro init`, or name another home with --home or $DISKTRO_HOME',
  });
}

/**
 * WAL needs to write beside the database even for reading. Where the home cannot be written, or its disk is full,
 * readers work on a copy in the system's temporary folder; it holds no plain names.
 */
function openCatalog(
  paths: HomePaths,
  options: HomeOptions,
): { catalog: Catalog; isReadOnly: boolean; scratchFolder: string | undefined } {
  const isReadOnly = options.readOnly === true;
  try {
    fs.accessSync(paths.home, fs.constants.W_OK);
    const catalog = Catalog.open(paths.catalog, { observer: options.commitObserver });
    return { catalog, isReadOnly, scratchFolder: undefined };
  } catch (error) {
    const isFull = isDisktroError(error, 'E_NO_SPACE');
    if (!(isUnwritable(error) || (isFull && isReadOnly))) throw error;
    if (!isReadOnly) throw unwritableHome(paths, error);
  }
  let scratchFolder = '';
  try {
    scratchFolder = fs.mkdtempSync(path.join(os.tmpdir(), 'disktro-'));
    const copy = path.join(scratchFolder, 'catalog.db');
    fs.copyFileSync(paths.catalog, copy);
    if (fs.existsSync(`${paths.catalog}-wal`)) fs.copyFileSync(`${paths.catalog}-wal`, `${copy}-wal`);
    return { catalog: Catalog.open(copy), isReadOnly: true, scratchFolder };
  } catch (error) {
    if (scratchFolder !== '') fs.rmSync(scratchFolder, { recursive: true, force: true });
    throw fileSystemError(error, `copying the catalog to ${os.tmpdir()}`);
  }
}

function isUnwritable(error: unknown): boolean {
  return isDisktroError(error, 'E_READ_ONLY') || ['EROFS', 'EACCES', 'EPERM'].includes(errno(error));
}

function unwritableHome(paths: HomePaths, cause: unknown): DisktroError {
  return new DisktroError('E_READ_ONLY', `home ${paths.home} cannot be written (${errno(cause)})`, {
    hint: 'check its owner and mode, and that its disk is mounted read-write',
    cause,
  });
}

function errno(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? '';
}
