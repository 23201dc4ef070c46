/**
 * Locks between processes that the operating system releases when their holder dies, on every platform:
 * an exclusive transaction on an empty SQLite file.
 */
import fs from 'node:fs';
import type { Database } from './database.js';
import { isBusy, openLockFile } from './database.js';

export class ProcessLock {
  readonly #database: Database;
  readonly #file: string;

  private constructor(database: Database, file: string) {
    this.#database = database;
    this.#file = file;
  }

  /** @returns undefined when another process holds it */
  static tryAcquire(file: string): ProcessLock | undefined {
    const database = openLockFile(file);
    try {
      database.exec('BEGIN EXCLUSIVE');
      return new ProcessLock(database, file);
    } catch (error) {
      database.close();
      if (isBusy(error)) return undefined;
      throw error;
    }
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

  /** Releases the lock and removes its file. */
  release(): void {
    fs.rmSync(this.#file, { force: true });
    this.#database.close();
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
