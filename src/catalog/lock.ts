/**
 * Locks between processes that the operating system releases when their holder dies, on every platform:
 * an exclusive transaction on an empty SQLite file.
 */
import fs from 'node:fs';
import { lockedError } from '../errors.js';
import type { Database } from './database.js';
import { isBusy, openLockFile, translated } from './database.js';

/** Others hold a lock for a moment when they look whether its owner is there. */
const MOST_TRIES = 1000;

export class ProcessLock {
  readonly #database: Database;
  readonly #file: string;

  private constructor(database: Database, file: string) {
    this.#database = database;
    this.#file = file;
  }

  /** @returns undefined when another process holds it. @throws E_READ_ONLY, E_NO_SPACE, E_IO */
  static tryAcquire(file: string): ProcessLock | undefined {
    for (let attempt = 1; attempt <= MOST_TRIES; attempt++) {
      const lock = translated(file, () => ProcessLock.#attempt(file));
      if (lock !== 'gone') return lock === 'taken' ? undefined : lock;
    }
    throw lockedError(file);
  }

  /** Takes a lock that nobody else wants: whoever has it is only looking. @throws E_LOCKED */
  static take(file: string): ProcessLock {
    for (let attempt = 1; attempt <= MOST_TRIES; attempt++) {
      const lock = ProcessLock.tryAcquire(file);
      if (lock !== undefined) return lock;
    }
    throw lockedError(file);
  }

  /** Waits up to `timeoutMs` for it. */
  static async acquire(file: string, timeoutMs: number): Promise<ProcessLock | undefined> {
    const pauseMs = 25;
    for (let waitedMs = 0; ; waitedMs += pauseMs) {
      const lock = ProcessLock.tryAcquire(file);
      if (lock !== undefined || waitedMs >= timeoutMs) return lock;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  /** `gone`: its last holder removed the file meanwhile, and a lock on that would be one that nobody sees. */
  static #attempt(file: string): ProcessLock | 'taken' | 'gone' {
    const inode = makeFile(file);
    const database = openLockFile(file);
    try {
      // A journal on disk would be one more file to clear away.
      database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
      if (inode !== undefined && inode === inodeOf(file)) return new ProcessLock(database, file);
    } catch (error) {
      database.close();
      if (isBusy(error)) return 'taken';
      throw error;
    }
    database.close();
    return 'gone';
  }

  /** Releases the lock and removes its file. */
  release(): void {
    try {
      fs.rmSync(this.#file, { force: true });
    } finally {
      this.#database.close();
    }
  }
}

/** Whether some process holds the lock. */
export function isLocked(file: string): boolean {
  if (!fs.existsSync(file)) return false;
  const lock = ProcessLock.tryAcquire(file);
  if (lock === undefined) return true;
  lock.release();
  return false;
}

/**
 * A file that is there is left to SQLite alone: to close any other descriptor of it would drop the locks that this
 * process has on it.
 */
function makeFile(file: string): bigint | undefined {
  try {
    fs.closeSync(fs.openSync(file, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return inodeOf(file);
}

function inodeOf(file: string): bigint | undefined {
  return fs.statSync(file, { bigint: true, throwIfNoEntry: false })?.ino;
}
