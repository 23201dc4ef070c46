/**
 * Catalog queries about objects as a node holds them, for itself and for others: what is here in the order of ids,
 * what was taken in for the cluster, and what a vault has asked to be deleted. Knows no node but this one.
 */
import type { StoreId, VaultId } from '../core/ids.js';
import { idToBytes, storeIdFromBytes, vaultIdFromBytes } from '../core/ids.js';
import type { ObjectKind } from '../core/object.js';
import type { Catalog } from './catalog.js';
import { KIND_NUMBERS, STATE_NUMBERS } from './objects.js';

export interface Holding {
  readonly id: StoreId;
  readonly kind: ObjectKind;
  readonly bytes: number;
}

export interface NewHolding extends Holding {
  readonly vault: VaultId;
}

/** Whole, and wanted by somebody. */
const IS_HELD = 'state = 0 AND tombstoned_ms IS NULL';
const NO_DELETION = 'NOT EXISTS (SELECT 1 FROM deletions WHERE deletions.store_id = objects.store_id)';

export interface RawHolding {
  store_id: Buffer;
  kind: number;
  stored_bytes: number;
}

/**
 * Enters objects that are durable already. One that was lost is there again.
 * @returns ids that cannot be entered now: `gc` is about to unlink their files
 */
export function enterHoldings(catalog: Catalog, holdings: readonly NewHolding[]): readonly StoreId[] {
  const enter = catalog.prepare(`
    INSERT INTO objects (store_id, kind, stored_bytes, session, held, vault) VALUES (?, ?, ?, 0, 1, ?)
    ON CONFLICT (store_id) DO UPDATE SET state = ${STATE_NUMBERS.present}, stored_bytes = excluded.stored_bytes
    WHERE state <> ${STATE_NUMBERS.freeing} AND kind = excluded.kind`);
  return catalog.write(() =>
    holdings
      .filter(({ id, kind, bytes, vault }) => {
        const { changes } = enter.run(idToBytes(id), KIND_NUMBERS[kind], bytes, idToBytes(vault));
        return changes === 0;
      })
      .map(({ id }) => id),
  );
}

/** Ids behind `after` up to `through`. */
export interface HoldingRange {
  readonly after?: StoreId;
  readonly through?: StoreId;
}

const EACH_PAGE = 1_000;

/** What is here and stays, in ascending order of ids, a page at a time so that nothing holds the database open. */
export function* eachHolding(catalog: Catalog, range: HoldingRange = {}): Generator<Holding> {
  const query = catalog.prepare<[Buffer, Buffer, number], RawHolding>(`
    SELECT store_id, kind, stored_bytes FROM objects
    WHERE store_id > ? AND store_id <= ? AND ${IS_HELD} AND ${NO_DELETION} ORDER BY store_id LIMIT ?`);
  let after = range.after === undefined ? Buffer.alloc(0) : idToBytes(range.after);
  const through = range.through === undefined ? Buffer.alloc(32, 0xff) : idToBytes(range.through);
  for (;;) {
    const page = catalog.read(() => query.all(after, through, EACH_PAGE));
    for (const raw of page) yield toHolding(raw);
    const last = page.at(-1);
    if (last === undefined || page.length < EACH_PAGE) return;
    after = last.store_id;
  }
}

/** The same as long as {@link eachHolding} gives the same: rows only get new numbers, and what counts of them is summed. */
export function holdingsVersion(catalog: Catalog): string {
  const query = catalog.prepare<[], Record<string, number>>(`
    SELECT count(*) AS objects, max(id) AS newest, total(id) AS ids, total(id * state) AS states,
      total(CASE WHEN tombstoned_ms IS NULL THEN 0 ELSE id END) AS tombstones,
      (SELECT count(*) || '/' || total(free_ms) FROM deletions) AS deletions
    FROM objects`);
  return catalog.read(() => JSON.stringify(query.get()));
}

/** The kind of an object that is here whole. */
export function findHolding(catalog: Catalog, id: StoreId): Holding | undefined {
  const query = catalog.prepare<[Buffer], RawHolding>(
    `SELECT store_id, kind, stored_bytes FROM objects WHERE store_id = ? AND state = ${STATE_NUMBERS.present}`,
  );
  const raw = catalog.read(() => query.get(idToBytes(id)));
  return raw === undefined ? undefined : toHolding(raw);
}

/** Which of these were added in one of the sessions. */
export function addedInSessions(
  catalog: Catalog,
  sessions: readonly number[],
  ids: readonly StoreId[],
): ReadonlySet<StoreId> {
  const query = catalog
    .prepare<[Buffer], number>('SELECT session FROM objects WHERE store_id = ? AND held = 0')
    .pluck();
  const wanted = new Set(sessions);
  return catalog.readAll(() => new Set(ids.filter((id) => wanted.has(query.get(idToBytes(id)) ?? -1))));
}

/** Which of these are neither here whole nor wanted gone by their vault. One statement and one read for all of them. */
export function missingHoldings(catalog: Catalog, ids: readonly StoreId[]): readonly StoreId[] {
  const query = catalog
    .prepare<[Buffer, Buffer], number>(`
      SELECT EXISTS (SELECT 1 FROM objects WHERE store_id = ? AND state = ${STATE_NUMBERS.present})
        OR EXISTS (SELECT 1 FROM deletions WHERE store_id = ?)`)
    .pluck();
  return catalog.readAll(() =>
    ids.filter((id) => {
      const bytes = idToBytes(id);
      return query.get(bytes, bytes) === 0;
    }),
  );
}

/** Manifests of one vault that are here, in ascending order behind `after`; its own files' among them. */
export function vaultManifests(
  catalog: Catalog,
  vault: VaultId,
  isOwn: boolean,
  after: StoreId | undefined,
  limit: number,
): readonly Holding[] {
  const query = catalog.prepare<[number, Buffer, Buffer, number], RawHolding>(`
    SELECT store_id, kind, stored_bytes FROM objects
    WHERE kind = ${KIND_NUMBERS.manifest} AND ${IS_HELD} AND ${NO_DELETION}
      AND ((held = 0 AND ? = 1) OR (held = 1 AND vault = ?)) AND store_id > ? ORDER BY store_id LIMIT ?`);
  const behind = after === undefined ? Buffer.alloc(0) : idToBytes(after);
  return catalog.read(() => query.all(isOwn ? 1 : 0, idToBytes(vault), behind, limit).map(toHolding));
}

/** What is held for others, and for whom. */
export function heldTotals(catalog: Catalog): { objects: number; bytes: number } {
  const query = catalog.prepare(
    `SELECT count(*) AS objects, coalesce(sum(stored_bytes), 0) AS bytes FROM objects WHERE held = 1`,
  );
  return catalog.read(() => query.get() as { objects: number; bytes: number });
}

/** Manifests and chunks that are here whole. */
export function countHoldings(catalog: Catalog): { manifests: number; chunks: number; bytes: number } {
  const query = catalog.prepare(`
    SELECT count(*) FILTER (WHERE kind = ${KIND_NUMBERS.manifest}) AS manifests,
      count(*) FILTER (WHERE kind = ${KIND_NUMBERS.chunk}) AS chunks, coalesce(sum(stored_bytes), 0) AS bytes
    FROM objects WHERE state = ${STATE_NUMBERS.present}`);
  return catalog.read(() => query.get() as { manifests: number; chunks: number; bytes: number });
}

/**
 * Notes that a vault wants these gone. Only what is held here for that vault is noted: not what a file here needs, and
 * not what is not here, or one vault could keep another one's objects out, and not what was withdrawn after `issuedMs`.
 */
export function scheduleDeletions(
  catalog: Catalog,
  vault: VaultId,
  ids: readonly StoreId[],
  { freeMs, issuedMs }: { readonly freeMs: number; readonly issuedMs: number },
): number {
  const note = catalog.prepare(
    `INSERT OR IGNORE INTO deletions SELECT store_id, vault, @freeMs FROM objects
     WHERE store_id = @id AND held = 1 AND vault = @vault AND NOT EXISTS (
       SELECT 1 FROM withdrawals AS back
       WHERE back.store_id = @id AND back.vault = @vault AND until_ms >= @issuedMs)`,
  );
  return catalog.write(() => {
    let noted = 0;
    for (const id of ids)
      noted += note.run({ freeMs, issuedMs, id: idToBytes(id), vault: idToBytes(vault) }).changes;
    return noted;
  });
}

/** Remembers for good that this home's own vault has deleted these, whether they are here or not. */
export function rememberDeletions(
  catalog: Catalog,
  vault: VaultId,
  ids: readonly StoreId[],
  freeMs: number,
): void {
  const note = catalog.prepare('INSERT OR IGNORE INTO deletions VALUES (?, ?, ?)');
  catalog.write(() => {
    for (const id of ids) note.run(idToBytes(id), idToBytes(vault), freeMs);
  });
}

/** Whether a vault has asked for this object to be deleted: it is not taken in again. */
export function isDeletionNoted(catalog: Catalog, id: StoreId): boolean {
  const query = catalog.prepare<[Buffer]>('SELECT 1 FROM deletions WHERE store_id = ?');
  return catalog.read(() => query.get(idToBytes(id)) !== undefined);
}

/**
 * Held objects whose deletion is due. They are out of every lookup from now on: nobody may rely on what is being unlinked,
 * also when its vault takes the deletion back just then.
 */
export function beginDueDeletions(catalog: Catalog, nowMs: number, limit: number): readonly Holding[] {
  const due = catalog.prepare<[number, number], RawHolding>(`
    SELECT objects.store_id, kind, stored_bytes FROM deletions JOIN objects ON objects.store_id = deletions.store_id
    WHERE free_ms <= ? AND held = 1 LIMIT ?`);
  if (catalog.read(() => due.get(nowMs, 1)) === undefined) return [];
  const mark = catalog.prepare<[Buffer]>(
    `UPDATE objects SET state = ${STATE_NUMBERS.freeing} WHERE store_id = ?`,
  );
  return catalog.write(() => {
    const rows = due.all(nowMs, limit);
    for (const row of rows) mark.run(row.store_id);
    return rows.map(toHolding);
  });
}

/** Held objects that a killed process was about to free, and whose deletion was taken back: they may be here yet. */
export function keepUnfreed(catalog: Catalog): void {
  const unfreed = `held = 1 AND state = ${STATE_NUMBERS.freeing} AND NOT EXISTS (
    SELECT 1 FROM deletions WHERE deletions.store_id = objects.store_id)`;
  const any = catalog.prepare(`SELECT 1 FROM objects WHERE ${unfreed} LIMIT 1`);
  if (catalog.read(() => any.get()) === undefined) return;
  const keep = catalog.prepare(`UPDATE objects SET state = ${STATE_NUMBERS.present} WHERE ${unfreed}`);
  catalog.write(() => keep.run());
}

/** Forgets held objects whose files are gone. That they were deleted is remembered. */
export function forgetHoldings(catalog: Catalog, ids: readonly StoreId[]): void {
  const removeCopies = catalog.prepare(
    'DELETE FROM copies WHERE object = (SELECT id FROM objects WHERE store_id = ? AND held = 1)',
  );
  const remove = catalog.prepare('DELETE FROM objects WHERE store_id = ? AND held = 1');
  catalog.write(() => {
    for (const id of ids) {
      removeCopies.run(idToBytes(id));
      remove.run(idToBytes(id));
    }
  });
}

/** Objects that files here need and that were found missing or damaged. */
export function lostOwnObjects(catalog: Catalog): readonly Holding[] {
  const query = catalog.prepare<[], RawHolding>(
    `SELECT store_id, kind, stored_bytes FROM objects
     WHERE state = ${STATE_NUMBERS.lost} AND held = 0 AND tombstoned_ms IS NULL`,
  );
  return catalog.read(() => query.all().map(toHolding));
}

/** The public record of a vault as JSON text. */
export function vaultRecord(catalog: Catalog, vault: VaultId): string | undefined {
  const query = catalog.prepare<[Buffer], string>('SELECT record FROM vaults WHERE id = ?').pluck();
  return catalog.read(() => query.get(idToBytes(vault))) as string | undefined;
}

export function storeVaultRecord(catalog: Catalog, vault: VaultId, record: string): void {
  const insert = catalog.prepare(
    'INSERT INTO vaults VALUES (?, ?) ON CONFLICT DO UPDATE SET record = excluded.record',
  );
  catalog.write(() => insert.run(idToBytes(vault), record));
}

export function vaultsWithRecords(catalog: Catalog): readonly VaultId[] {
  const query = catalog.prepare<[], Buffer>('SELECT id FROM vaults').pluck();
  return catalog.read(() => query.all().map(vaultIdFromBytes));
}

export function toHolding(raw: RawHolding): Holding {
  return {
    id: storeIdFromBytes(raw.store_id),
    kind: raw.kind === KIND_NUMBERS.manifest ? 'manifest' : 'chunk',
    bytes: raw.stored_bytes,
  };
}
