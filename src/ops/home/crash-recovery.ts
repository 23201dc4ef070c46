/**
 * What the next process does after one that did not end cleanly: it empties that one's part of tmp/, checks again
 * what it committed last (a disk may have lied about its cache when the power failed), and ends its session.
 * Files that never got a row are left to `gc`. A process that is still there is left alone.
 */
import path from 'node:path';
import { isLocked } from '../../catalog/lock.js';
import type { ObjectRow } from '../../catalog/objects.js';
import { toRow } from '../../catalog/objects.js';
import type { SessionRow } from '../../catalog/sessions.js';
import { bootId, isAlive, listSessions } from '../../catalog/sessions.js';
import { sha256Hex } from '../../core/hashes.js';
import { fileSystemError, isDisktroError } from '../../errors.js';
import { ignore } from '../../store/file-system.js';
import type { HomePaths } from '../../store/paths.js';
import type { OpenHome } from './home.js';

const TOKEN = /^([0-9a-f]{16})[-.]/;
/** How many of a dead session's last objects are read again after a power loss. */
const RECHECKED_OBJECTS = 1024;

export function rebuildLock(paths: HomePaths): string {
  return path.join(paths.temporary, 'rebuild.lock');
}

export function isBeingRebuilt(paths: HomePaths): boolean {
  return isLocked(rebuildLock(paths));
}

export async function recoverAfterCrash(
  home: OpenHome,
  onNotice: ((message: string) => void) | undefined,
): Promise<void> {
  await removeTemporaryFiles(home).catch((error: unknown) => {
    throw fileSystemError(error, `clearing up ${home.paths.temporary}`);
  });
  const dead = listSessions(home.catalog).filter(({ token }) => !isAlive(home.paths.temporary, token));
  for (const session of dead) {
    const isSameBoot = session.boot === bootId() && session.boot !== 'unknown';
    // What a bucket has acknowledged does not depend on this machine's disk.
    const lost = isSameBoot || home.outer !== undefined ? [] : await findDamage(home, session);
    home.objects.markLost(lost.map(({ row }) => row));
    const remove = home.catalog.database.prepare('DELETE FROM sessions WHERE id = ?');
    home.catalog.write(() => remove.run(session.id));
    if (lost.length > 0) {
      onNotice?.(
        `the disk lost ${lost.length} objects when the machine stopped; run \`disktro verify\` to see which`,
      );
    }
  }
}

async function removeTemporaryFiles({ fileSystem, paths }: OpenHome): Promise<void> {
  await fileSystem.makeFolder(paths.temporary);
  const names = await fileSystem.readFolder(paths.temporary);
  const tokens = new Set(names.map((name) => TOKEN.exec(name)?.[1]).filter((token) => token !== undefined));
  const deadTokens = new Set([...tokens].filter((token) => !isAlive(paths.temporary, token)));
  for (const name of names) {
    const token = TOKEN.exec(name)?.[1];
    // A dead process's lock file went when it was looked at; one that is there now is a live process's.
    if (token === undefined || !deadTokens.has(token) || name.endsWith('.lock')) continue;
    await fileSystem.unlink(path.join(paths.temporary, name)).catch(ignore('ENOENT'));
  }
}

async function findDamage(home: OpenHome, session: SessionRow): Promise<readonly ObjectRow[]> {
  const query = home.catalog.database.prepare<[number, number], Parameters<typeof toRow>[0]>(
    'SELECT * FROM objects WHERE session = ? AND state = 0 ORDER BY id DESC LIMIT ?',
  );
  const rows = home.catalog.read(() => query.all(session.id, RECHECKED_OBJECTS).map(toRow));
  const damaged: ObjectRow[] = [];
  for (const row of rows) {
    if (!(await isWhole(home, row))) damaged.push(row);
  }
  return damaged;
}

async function isWhole(home: OpenHome, row: ObjectRow): Promise<boolean> {
  try {
    return sha256Hex(await home.store.get(row.kind, row.storeId)) === row.storeId;
  } catch (error) {
    // One that cannot be read must not lock the whole home: it is noted as lost, and `verify` looks again.
    if (isDisktroError(error, 'E_OBJECT_MISSING', 'E_IO')) return false;
    throw error;
  }
}
