/**
 * An open home: its store, its catalog and this process's session. Holds no keys.
 * Opening one for writing first clears away what killed processes left behind.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { CommitObserver } from '../../catalog/catalog.js';
import { Catalog } from '../../catalog/catalog.js';
import { BUSY_TIMEOUT_MS } from '../../catalog/database.js';
import type { NewHolding } from '../../catalog/holdings.js';
import { enterHoldings } from '../../catalog/holdings.js';
import { ProcessLock } from '../../catalog/lock.js';
import { ObjectTable } from '../../catalog/objects.js';
import type { Session } from '../../catalog/sessions.js';
import { beginSession, lockFileOf, newToken } from '../../catalog/sessions.js';
import type { StoreId, VaultId } from '../../core/ids.js';
import type { ObjectKind } from '../../core/object.js';
import { OBJECT_HEADER_BYTES, vaultOf } from '../../core/object.js';
import {
  DisktroError,
  fileSystemError,
  isDisktroError,
  lockedError,
  reasonOf,
  throwIfAborted,
} from '../../errors.js';
import { FileStore } from '../../store/file-store.js';
import type { FileSystem } from '../../store/file-system.js';
import { nodeFileSystem } from '../../store/file-system.js';
import type { HomeStore } from '../../store/home-store.js';
import { makeFolders } from '../../store/make-folders.js';
import type { HomePaths } from '../../store/paths.js';
import { homePaths, OBJECT_KINDS } from '../../store/paths.js';
import { isBeingRebuilt, recoverAfterCrash } from './crash-recovery.js';
import { waitForLocks } from './lock-wait.js';
import type { OuterStore } from './outer-store.js';
import type { VaultFile } from './vault-files.js';
import { readStoreFile, readVaultFile } from './vault-files.js';

/** Of one try, when there will be others. */
const PATIENT_BUSY_MS = 100;
/** The same, before it is told that there is a wait: three tries take a second. */
const QUIET_BUSY_MS = 330;
const LONGEST_BUSY_MS = 30_000;

export interface HomeOptions {
  /** Absolute path of the home folder. */
  readonly home: string;
  readonly signal?: AbortSignal | undefined;
  /** Told in plain words what was done unasked, such as clearing up after a crash. */
  readonly onNotice?: ((message: string) => void) | undefined;
  /** Told once when another process holds the catalog, before a wait of some seconds that is not asked for. */
  readonly onWait?: ((message: string) => void) | undefined;
  /** How long to wait while another process holds the home; default 0: not at all. */
  readonly lockWaitSeconds?: number | undefined;
  /** Change nothing, and work on a home that cannot be written. */
  readonly readOnly?: boolean | undefined;
  /** Most bytes per second to and from the bucket of a home without objects of its own; 0: no limit. */
  readonly uploadLimit?: number | undefined;
  readonly downloadLimit?: number | undefined;
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
  readonly store: HomeStore;
  /** The bucket that holds the objects, when they are not in the home itself. */
  readonly outer: OuterStore | undefined;
  readonly catalog: Catalog;
  readonly objects: ObjectTable;
  readonly token: string;
  readonly isReadOnly: boolean;
  #vaultFile: VaultFile | undefined;
  readonly #lock: ProcessLock | undefined;
  readonly #scratchFolder: string | undefined;
  #session: Session | undefined;

  constructor(parts: {
    paths: HomePaths;
    fileSystem: FileSystem;
    /** See {@link outerStoreOf}. */
    outer: OuterStore | undefined;
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
    this.#vaultFile = parts.vaultFile;
    this.token = parts.token;
    this.isReadOnly = parts.isReadOnly;
    this.#lock = parts.lock;
    this.#scratchFolder = parts.scratchFolder;
    this.outer = parts.outer;
    this.store = parts.outer ?? new FileStore(parts.fileSystem, parts.paths, parts.token);
    this.objects = new ObjectTable(parts.catalog);
  }

  get path(): string {
    return this.paths.home;
  }

  get vaultFile(): VaultFile | undefined {
    return this.#vaultFile;
  }

  get vaultId(): string | undefined {
    return this.vaultFile?.vaultId;
  }

  /** Makes this the home of a vault that is being recovered; its vault.json is written by the caller. */
  adoptVault(vaultFile: VaultFile): void {
    this.#vaultFile = vaultFile;
  }

  /** The session under which this process adds objects; begun when first asked for. */
  session(): Session {
    if (this.isReadOnly) throw new DisktroError('E_READ_ONLY', `home ${this.path} is open for reading only`);
    this.#session ??= beginSession(this.catalog, this.token);
    return this.#session;
  }

  /** Ends the session, so that `gc` need not wait for it; the next {@link session} begins another one. */
  endSession(): void {
    this.#session?.end();
    this.#session = undefined;
  }

  async close(): Promise<void> {
    try {
      this.#session?.end();
    } finally {
      this.#session = undefined;
      this.store.close();
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

/** The same for this room. */
export async function openStoreAndCatalog(options: HomeOptions): Promise<OpenHome> {
  if (isPatient(options)) return waitForLocks(options, () => tryToOpen(options, PATIENT_BUSY_MS));
  const startedMs = performance.now();
  try {
    return await tryToOpen(options, QUIET_BUSY_MS);
  } catch (error) {
    const isBusy = isDisktroError(error, 'E_LOCKED') && performance.now() - startedMs > QUIET_BUSY_MS;
    if (!isBusy) throw error;
    options.onWait?.(`${error.message}: waiting for it`);
    return await tryToOpen(options, BUSY_TIMEOUT_MS);
  }
}

/** @param busyMs how long each of a few tries waits for another process that writes */
async function tryToOpen(options: HomeOptions, busyMs: number): Promise<OpenHome> {
  throwIfAborted(options.signal);
  const fileSystem = options.fileSystem ?? nodeFileSystem;
  const paths = homePaths(options.home);
  const vaultFile = await readVaultFile(fileSystem, paths);
  // A node that only stores for others has no vault.
  if (vaultFile === undefined && !fs.existsSync(paths.catalog)) throw noVault(options.home);
  const token = newToken();
  // Before the look at the rebuild's lock: of two processes, each sees the other's or is seen.
  const lock = options.readOnly === true ? undefined : lockHome(paths, token);
  let catalog: Catalog | undefined;
  try {
    if (isBeingRebuilt(paths)) throw new DisktroError('E_LOCKED', `home ${options.home} is being rebuilt`);
    const openedCatalog = openCatalog(paths, options, busyMs);
    catalog = openedCatalog.catalog;
    const outer = await outerStoreOf(fileSystem, paths, options);
    const home = new OpenHome({ paths, fileSystem, outer, vaultFile, token, lock, ...openedCatalog });
    if (!home.isReadOnly) await recoverAfterCrash(home, options.onNotice);
    bePatient(home, options.lockWaitSeconds ?? 0);
    return home;
  } catch (error) {
    catalog?.close();
    lock?.release();
    throw error;
  }
}

/** Opened at its first use: what only looks into the catalog needs no keys and no network. */
export async function outerStoreOf(
  fileSystem: FileSystem,
  paths: HomePaths,
  options: HomeOptions,
): Promise<OuterStore | undefined> {
  const file = await readStoreFile(fileSystem, paths);
  if (file === undefined) return undefined;
  const { OuterStore } = await import('./outer-store.js');
  return new OuterStore(file, fileSystem, options);
}

const isPatient = ({ lockWaitSeconds = 0 }: HomeOptions): boolean => lockWaitSeconds > 0;

/**
 * Finds out now whether another process is writing, while it can be waited for and interrupted. From here on SQLite
 * itself waits, and this process hears no signal meanwhile: not for too long.
 */
function bePatient({ catalog, isReadOnly }: OpenHome, lockWaitSeconds: number): void {
  if (!isReadOnly) catalog.probe();
  catalog.setBusyTimeout(Math.min(LONGEST_BUSY_MS, Math.max(BUSY_TIMEOUT_MS, lockWaitSeconds * 1000)));
}

/**
 * Opens the home of a node, and makes it when there is none: store and catalog, no vault. Where the catalog of a node
 * without a vault is gone, everything in its store is entered again.
 */
export async function openNodeHome(options: HomeOptions): Promise<OpenHome> {
  const paths = homePaths(options.home);
  const hasNone = (await readVaultFile(options.fileSystem ?? nodeFileSystem, paths)) === undefined;
  if (hasNone && !fs.existsSync(paths.catalog)) await makeNodeHome(options, paths);
  return openStoreAndCatalog(options);
}

async function makeNodeHome(options: HomeOptions, paths: HomePaths): Promise<void> {
  const fileSystem = options.fileSystem ?? nodeFileSystem;
  try {
    makeFolders(paths.home, 0o700);
    makeFolders(paths.temporary, 0o700);
    const lock = await ProcessLock.acquire(path.join(paths.temporary, 'init.lock'), 30_000);
    if (lock === undefined) throw lockedError(`home ${paths.home}`);
    try {
      if (fs.existsSync(paths.catalog)) return;
      const store = new FileStore(fileSystem, paths, newToken());
      await store.makeFolders();
      await makeCatalogOf(store, paths);
      await fileSystem.syncFolder(path.dirname(paths.home));
    } finally {
      lock.release();
    }
  } catch (error) {
    throw fileSystemError(error, `making a home at ${paths.home}`);
  }
}

/** Made aside and renamed, so that one that is there is whole. */
async function makeCatalogOf(store: FileStore, paths: HomePaths): Promise<void> {
  const aside = path.join(paths.temporary, `${newToken()}-catalog.db`);
  const catalog = Catalog.create(aside, { journal: 'delete' });
  try {
    for (const kind of OBJECT_KINDS) await enterAll(store, catalog, kind);
  } finally {
    catalog.close();
  }
  fs.renameSync(aside, paths.catalog);
}

async function enterAll(store: FileStore, catalog: Catalog, kind: ObjectKind): Promise<void> {
  let after: StoreId | undefined;
  for (;;) {
    const page = await store.list(kind, after === undefined ? {} : { after });
    after = page.at(-1)?.id;
    if (after === undefined) return;
    const holdings: NewHolding[] = [];
    for (const { id, bytes } of page) {
      const vault = vaultOf(await store.get(kind, id, { offset: 0, length: OBJECT_HEADER_BYTES }));
      if (vault !== undefined) holdings.push({ id, kind, bytes, vault });
    }
    enterHoldings(catalog, holdings);
  }
}

/** Shows, for as long as this process has the home open for writing, that it is there. */
function lockHome(paths: HomePaths, token: string): ProcessLock {
  try {
    fs.accessSync(paths.home, fs.constants.W_OK);
    makeFolders(paths.temporary, 0o700);
    return ProcessLock.take(lockFileOf(paths.temporary, token));
  } catch (error) {
    throw isUnwritable(error)
      ? unwritableHome(paths, error)
      : fileSystemError(error, `opening ${paths.home}`);
  }
}

/** Whether there is a vault at this path. @throws E_IO when that cannot be told */
export async function hasVault(home: string): Promise<boolean> {
  return (await vaultIdAt(home)) !== undefined;
}

/** The vault at this path, if there is one. @throws E_IO */
export async function vaultIdAt(home: string): Promise<VaultId | undefined> {
  return (await readVaultFile(nodeFileSystem, homePaths(home)))?.vaultId;
}

/** The vault of an open home as it is now: another process may have made or recovered it since it was opened. */
export async function vaultIdOfHome({ fileSystem, paths, vaultFile }: OpenHome): Promise<string | undefined> {
  return vaultFile?.vaultId ?? (await readVaultFile(fileSystem, paths))?.vaultId;
}

export function noVault(home: string): DisktroError {
  return new DisktroError('E_NO_VAULT', `no vault at ${home}`, {
    hint: 'run `disktro init`, or name another home with --home or $DISKTRO_HOME',
  });
}

export function vaultExists(home: string): DisktroError {
  return new DisktroError('E_VAULT_EXISTS', `there is a vault at ${home} already`, {
    hint: 'name another folder with --home, or use this vault: `disktro status`',
    details: { home },
  });
}

/**
 * WAL needs to write beside the database even for reading. Where the home cannot be written, or its disk is full,
 * readers work on a copy in the system's temporary folder; it holds no plain names.
 */
function openCatalog(
  paths: HomePaths,
  options: HomeOptions,
  busyTimeoutMs: number,
): { catalog: Catalog; isReadOnly: boolean; scratchFolder: string | undefined } {
  const isReadOnly = options.readOnly === true;
  try {
    fs.accessSync(paths.home, fs.constants.W_OK);
    const catalog = Catalog.open(paths.catalog, { observer: options.commitObserver, busyTimeoutMs });
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
  const reason = isDisktroError(cause) ? 'it is read-only' : reasonOf(cause);
  return new DisktroError('E_READ_ONLY', `home ${paths.home} cannot be written: ${reason}`, {
    hint: 'check its owner and mode, and that its disk is mounted read-write',
    cause,
  });
}

function errno(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? '';
}
