/**
 * Which processes are adding objects right now. A session lives exactly as long as its process holds its lock file,
 * which it takes when it opens the home, so a killed one is told apart from a slow one, whatever the clock says.
 */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type { Catalog } from './catalog.js';
import { isLocked } from './lock.js';

export interface Session {
  /** Grows from session to session. */
  readonly id: number;
  readonly token: string;
  end(): void;
}

export interface SessionRow {
  readonly id: number;
  readonly token: string;
  readonly boot: string;
}

/** A name for this process's temporary files and lock: 16 hex digits. */
export function newToken(): string {
  return randomBytes(8).toString('hex');
}

export function lockFileOf(temporaryFolder: string, token: string): string {
  return path.join(temporaryFolder, `${token}.lock`);
}

/** Enters a session of the process that holds the token's lock. Its row goes when it ends; after a crash it stays. */
export function beginSession(catalog: Catalog, token: string): Session {
  const { database } = catalog;
  // There is a row already when an earlier try was committed and the fsync after it failed.
  const insert = database.prepare<[string, string, number], number>(`
    INSERT INTO sessions (token, boot, started_ms) VALUES (?, ?, ?)
    ON CONFLICT (token) DO UPDATE SET boot = excluded.boot RETURNING id`);
  const id = catalog.write(() => Number(insert.pluck().get(token, bootId(), Date.now())));
  const remove = database.prepare('DELETE FROM sessions WHERE id = ?');
  return { id, token, end: () => catalog.write(() => remove.run(id)) };
}

export function listSessions(catalog: Catalog): readonly SessionRow[] {
  const query = catalog.database.prepare<[], SessionRow>('SELECT id, token, boot FROM sessions ORDER BY id');
  return catalog.read(() => query.all());
}

export function isAlive(temporaryFolder: string, token: string): boolean {
  return isLocked(lockFileOf(temporaryFolder, token));
}

/** Sessions whose process is there. */
export function liveSessions(catalog: Catalog, temporaryFolder: string): readonly SessionRow[] {
  return listSessions(catalog).filter(({ token }) => isAlive(temporaryFolder, token));
}

/** The number of the newest session there ever was. */
export function lastSessionId(catalog: Catalog): number {
  const query = catalog.database.prepare(`SELECT seq FROM sqlite_sequence WHERE name = 'sessions'`).pluck();
  return catalog.read(() => Number(query.get() ?? 0));
}

/** Names this run of the operating system, so that a power loss is told apart from a killed process; 'unknown' where nothing tells. */
export function bootId(): string {
  try {
    return fs.readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return 'unknown';
  }
}
