/**
 * What nothing refers to any more: tombstones, and their end (docs/FORMAT.md, "Deleting").
 * An object is dead when no live object refers to it; files are the roots. Whether a running `chunk` may rely on
 * one is decided by session numbers, not by clocks: a tombstone frees an object only when every session that began
 * before it has ended, because later ones see the tombstone and take it off.
 */
import type { StoreId } from '../core/ids.js';
import { idToBytes } from '../core/ids.js';
import type { Catalog } from './catalog.js';
import type { ObjectRow } from './objects.js';
import { KIND_NUMBERS, STATE_NUMBERS, toRow } from './objects.js';
import { lastSessionId } from './sessions.js';

type RawRow = Parameters<typeof toRow>[0];

const HAS_LIVE_PARENT = `
  EXISTS (SELECT 1 FROM refs AS up JOIN objects AS parent ON parent.id = up.parent
    WHERE up.child = objects.id AND parent.tombstoned_ms IS NULL)`;

/** Forgets files and puts a tombstone on all that only they needed. @returns rows that got one */
export function removeFileRows(
  catalog: Catalog,
  ids: readonly StoreId[],
  nowMs: number,
): readonly ObjectRow[] {
  const { database } = catalog;
  const remove = database.prepare(
    'DELETE FROM files WHERE object = (SELECT id FROM objects WHERE store_id = ?)',
  );
  const rowOf = database.prepare<[Buffer], number>('SELECT id FROM objects WHERE store_id = ?').pluck();
  return catalog.write(() => {
    const roots: number[] = [];
    for (const id of ids) {
      const row = rowOf.get(idToBytes(id)) as number | undefined;
      if (remove.run(idToBytes(id)).changes > 0 && row !== undefined) roots.push(row);
    }
    return entomb(catalog, roots, nowMs);
  });
}

/**
 * Finds what crashes left behind: chunks without a parent, of sessions that are over, and puts tombstones on them.
 * A lost manifest stays: it may be readable again tomorrow, and it keeps the files it lists.
 * @param live numbers of the sessions that are not over, in order; asked under the lock, where none can begin
 * @param only what may be taken
 */
export function entombOrphans(
  catalog: Catalog,
  live: () => readonly number[],
  nowMs: number,
): readonly ObjectRow[] {
  const { database } = catalog;
  const orphans = database
    .prepare<[string], number>(
      `SELECT id FROM objects WHERE tombstoned_ms IS NULL AND held = 0
         AND NOT EXISTS (SELECT 1 FROM files WHERE files.object = objects.id)
         AND NOT ${HAS_LIVE_PARENT} AND NOT (kind = ${KIND_NUMBERS.manifest} AND state = ${STATE_NUMBERS.lost})
         AND session NOT IN (SELECT value FROM json_each(?))`,
    )
    .pluck();
  return catalog.write(() => entomb(catalog, orphans.all(JSON.stringify(live())) as number[], nowMs));
}

/**
 * Chooses objects to free and takes them out of every lookup, in one transaction that checks references once more.
 * Manifests go first: a kill in between must not leave one that a rebuild would take for a file.
 * Only tombstones are taken that were set before the oldest of the live sessions began.
 * @param beforeMs only tombstones at least this old
 * @param live numbers of the sessions that are not over, in order; asked under the lock, where none can begin
 * @param kept rows that are passed over
 */
export function beginFreeing(
  catalog: Catalog,
  beforeMs: number,
  live: () => readonly number[],
  limit: number,
  only: 'manifests' | 'everything' = 'everything',
  kept: readonly number[] = [],
): readonly ObjectRow[] {
  const { database } = catalog;
  const reprieve = database.prepare<[]>(
    `UPDATE objects SET tombstoned_ms = NULL, tombstoned_session = NULL
     WHERE tombstoned_ms IS NOT NULL AND state = 0 AND ${HAS_LIVE_PARENT}`,
  );
  const select = database.prepare<[number, number, number, string, number], RawRow>(
    `SELECT * FROM objects WHERE tombstoned_ms <= ? AND (state = 2 OR tombstoned_session < ?) AND kind >= ?
     AND id NOT IN (SELECT value FROM json_each(?)) ORDER BY kind DESC, id LIMIT ?`,
  );
  const mark = database.prepare<[number]>('UPDATE objects SET state = 2 WHERE id = ?');
  return catalog.write(() => {
    while (reprieve.run().changes > 0);
    const leastKind = only === 'manifests' ? KIND_NUMBERS.manifest : KIND_NUMBERS.chunk;
    const oldest = live()[0] ?? Number.MAX_SAFE_INTEGER;
    const rows = select.all(beforeMs, oldest, leastKind, JSON.stringify(kept), limit);
    for (const { id } of rows) mark.run(id);
    return rows.map(toRow);
  });
}

/**
 * Forgets objects whose files are gone for good. Of those with copies elsewhere it is noted that they may go too, and of
 * manifests always: a peer that got one unheard of must not bring the file back.
 */
export function finishFreeing(catalog: Catalog, rows: readonly ObjectRow[]): void {
  const { database } = catalog;
  const removeRefs = database.prepare('DELETE FROM refs WHERE parent = @row OR child = @row');
  const removeCopies = database.prepare('DELETE FROM copies WHERE object = ?');
  const noteFreed = database.prepare(
    `INSERT OR REPLACE INTO freed SELECT store_id, ? FROM objects
     WHERE id = ? AND held = 0
       AND (kind = ${KIND_NUMBERS.manifest} OR EXISTS (SELECT 1 FROM copies WHERE object = objects.id))`,
  );
  const removeObject = database.prepare('DELETE FROM objects WHERE id = ?');
  catalog.write(() => {
    for (const { row } of rows) {
      noteFreed.run(Date.now(), row);
      removeRefs.run({ row });
      removeCopies.run(row);
      removeObject.run(row);
    }
  });
}

/** Tombstones that are later than now come from a clock that was set back: they start again. */
export function restartFutureTombstones(catalog: Catalog, nowMs: number): void {
  const update = catalog.database.prepare('UPDATE objects SET tombstoned_ms = ? WHERE tombstoned_ms > ?');
  catalog.write(() => update.run(nowMs, nowMs));
}

/** What `beginFreeing` would choose if nobody were adding objects. */
export function countFreeable(catalog: Catalog, beforeMs: number): { objects: number; bytes: number } {
  const query = catalog.database.prepare<[number]>(
    `SELECT count(*) AS objects, coalesce(sum(stored_bytes), 0) AS bytes FROM objects
     WHERE tombstoned_ms <= ? AND NOT ${HAS_LIVE_PARENT}`,
  );
  return catalog.read(() => query.get(beforeMs) as { objects: number; bytes: number });
}

export function countTombstones(catalog: Catalog): { objects: number; bytes: number } {
  const query = catalog.database.prepare(
    'SELECT count(*) AS objects, coalesce(sum(stored_bytes), 0) AS bytes FROM objects WHERE tombstoned_ms IS NOT NULL',
  );
  return catalog.read(() => query.get() as { objects: number; bytes: number });
}

/** Walks down from `roots`, generation by generation; runs inside the caller's transaction. */
function entomb(catalog: Catalog, roots: readonly number[], nowMs: number): readonly ObjectRow[] {
  const { database } = catalog;
  const session = lastSessionId(catalog);
  const mark = database.prepare('UPDATE objects SET tombstoned_ms = ?, tombstoned_session = ? WHERE id = ?');
  const children = database
    .prepare<[number], number>(
      `SELECT refs.child FROM refs JOIN objects ON objects.id = refs.child
       WHERE refs.parent = ? AND objects.tombstoned_ms IS NULL AND NOT ${HAS_LIVE_PARENT}
         AND NOT EXISTS (SELECT 1 FROM files WHERE files.object = objects.id)`,
    )
    .pluck();
  const byRow = database.prepare<[number], RawRow>('SELECT * FROM objects WHERE id = ?');
  const dead: ObjectRow[] = [];
  let generation = [...roots];
  while (generation.length > 0) {
    for (const row of generation) mark.run(nowMs, session, row);
    for (const row of generation) {
      const raw = byRow.get(row);
      if (raw !== undefined) dead.push(toRow(raw));
    }
    generation = [...new Set(generation.flatMap((row) => children.all(row) as number[]))];
  }
  return dead;
}
