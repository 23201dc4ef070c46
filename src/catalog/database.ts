/**
 * SQLite as this program opens it (docs/FORMAT.md, "Catalog"): WAL, synchronous=FULL, both asserted.
 * The one file that imports better-sqlite3, and the one that turns SQLite's errors into ours.
 */
import fs from 'node:fs';
import path from 'node:path';
import Sqlite from 'better-sqlite3';
import { DisktroError, fileSystemError, integrityError, isDisktroError, lockedError } from '../errors.js';

export type Database = Sqlite.Database;
export type Statement<Parameters extends unknown[] = unknown[], Row = unknown> = Sqlite.Statement<
  Parameters,
  Row
>;

/** How long SQLite waits for another process that writes. */
export const BUSY_TIMEOUT_MS = 5000;
const BUSY_TRIES = 3;

export interface DatabaseOptions {
  readonly readOnly?: boolean;
  /** Make the file when there is none; without it a missing file is an error. */
  readonly create?: boolean;
  /** Default: {@link BUSY_TIMEOUT_MS}. */
  readonly busyTimeoutMs?: number;
  /** `wal` for the catalog; `delete` for a file that is moved into place when it is whole. */
  readonly journal?: 'wal' | 'delete';
}

/** @throws E_CATALOG_CORRUPT, E_LOCKED, E_READ_ONLY, E_NO_SPACE, E_IO */
export function openDatabase(file: string, options: DatabaseOptions = {}): Database {
  const {
    readOnly = false,
    create = false,
    journal = 'wal',
    busyTimeoutMs: timeout = BUSY_TIMEOUT_MS,
  } = options;
  return translated(file, () => {
    if (create) fs.closeSync(fs.openSync(file, 'a', 0o600));
    const database = new Sqlite(file, { readonly: readOnly, fileMustExist: true, timeout });
    try {
      setPragmas(database, readOnly ? undefined : journal);
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

/** Opens a bare database only for the lock it can hold; nothing is ever written to it. */
export function openLockFile(file: string): Database {
  return new Sqlite(file, { timeout: 0 });
}

/** Makes the file's name durable: SQLite swallows a failing fsync of the folder of a new -wal file. */
export function syncFolderOf(file: string): void {
  if (process.platform === 'win32') return;
  const descriptor = fs.openSync(path.dirname(file), 'r');
  try {
    fs.fsyncSync(descriptor);
  } catch (error) {
    throw fileSystemError(error, 'making the catalog durable');
  } finally {
    fs.closeSync(descriptor);
  }
}

/** Runs `work` with SQLite's errors translated; tries again while the database is busy. */
export function translated<T>(file: string, work: () => T): T {
  for (let attempt = 1; ; attempt++) {
    try {
      return work();
    } catch (error) {
      if (isBusy(error) && attempt < BUSY_TRIES) continue;
      throw translate(file, error);
    }
  }
}

export function isBusy(error: unknown): boolean {
  return sqliteCode(error)?.startsWith('SQLITE_BUSY') === true;
}

function setPragmas(database: Database, journal: 'wal' | 'delete' | undefined): void {
  if (journal !== undefined) {
    const mode = database.pragma(`journal_mode = ${journal}`, { simple: true });
    if (mode !== journal) throw new Error(`journal mode: expected ${journal}, got ${String(mode)}`);
  }
  database.pragma('synchronous = FULL');
  if (database.pragma('synchronous', { simple: true }) !== 2) throw new Error('synchronous: expected FULL');
  database.pragma('foreign_keys = ON');
  database.pragma('trusted_schema = OFF');
  database.pragma('cell_size_check = ON');
  database.pragma('cache_size = -8000');
  if (process.platform === 'darwin') database.pragma('fullfsync = ON');
}

function translate(file: string, error: unknown): unknown {
  const code = sqliteCode(error);
  const what = `catalog ${file}`;
  if (isDisktroError(error)) return error;
  if (code === undefined) return isErrno(error) ? fileSystemError(error, what) : error;
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) return lockedError(what, error);
  // IOERR_SHMSIZE: no room for the -shm file, which readers need as well.
  if (code === 'SQLITE_FULL' || code === 'SQLITE_IOERR_SHMSIZE') {
    return fileSystemError(Object.assign(new Error(code), { code: 'SQLITE_FULL' }), what);
  }
  if (code.startsWith('SQLITE_READONLY')) {
    return fileSystemError(Object.assign(new Error(code), { code: 'SQLITE_READONLY' }), what);
  }
  if (code.startsWith('SQLITE_IOERR') || code.startsWith('SQLITE_CANTOPEN')) {
    return new DisktroError('E_IO', `${what}: ${code}`, { cause: error });
  }
  if (code === 'SQLITE_NOTADB' || code.startsWith('SQLITE_CORRUPT')) {
    return integrityError('E_CATALOG_CORRUPT', `${what} is damaged: ${(error as Error).message}`, {
      hint: 'run `disktro rebuild` to make it again from the store; no file is lost',
      cause: error,
    });
  }
  return new DisktroError('E_CATALOG_CORRUPT', `${what}: ${(error as Error).message} (${code})`, {
    cause: error,
  });
}

/** Whether the operating system said it; anything else is a bug of ours and is not dressed up. */
function isErrno(error: unknown): boolean {
  return /^E[A-Z0-9]+$/.test((error as NodeJS.ErrnoException).code ?? '');
}

function sqliteCode(error: unknown): string | undefined {
  return error instanceof Sqlite.SqliteError ? error.code : undefined;
}
