/**
 * Deletions that are taken back (docs/PROTOCOL.md, "Deleting"): what a vault relies on anew, what of an order stays here
 * because files need it, and for how long older orders are not listened to.
 */
import type { StoreId, VaultId } from '../core/ids.js';
import { idToBytes, storeIdFromBytes } from '../core/ids.js';
import type { Catalog } from './catalog.js';

/**
 * Takes back what is noted of these for a vault, and what this machine was still to tell of them. What was freed already
 * may be taken in again.
 * @param untilMs orders that were signed up to then do not count for these any more
 * @param forgetMs what was withdrawn up to then is forgotten: no order is taken that is as old
 * @returns how many were noted
 */
export function withdrawDeletions(
  catalog: Catalog,
  vault: VaultId,
  ids: readonly StoreId[],
  { untilMs, forgetMs }: { readonly untilMs: number; readonly forgetMs: number },
): number {
  const remove = catalog.prepare('DELETE FROM deletions WHERE store_id = ? AND vault = ?');
  const untell = catalog.prepare('DELETE FROM freed WHERE store_id = ?');
  const note = catalog.prepare('INSERT OR REPLACE INTO withdrawals VALUES (?, ?, ?)');
  const forget = catalog.prepare('DELETE FROM withdrawals WHERE until_ms <= ?');
  return catalog.write(() => {
    forget.run(forgetMs);
    let withdrawn = 0;
    for (const id of ids) {
      withdrawn += remove.run(idToBytes(id), idToBytes(vault)).changes;
      untell.run(idToBytes(id));
      note.run(idToBytes(id), idToBytes(vault), untilMs);
    }
    return withdrawn;
  });
}

/** Those of the ids whose vault has had them deleted: they are no copies, and cannot be sent. */
export function notedDeletions(catalog: Catalog, ids: readonly StoreId[]): readonly StoreId[] {
  const query = catalog.prepare<[Buffer]>('SELECT 1 FROM deletions WHERE store_id = ?');
  return catalog.readAll(() => ids.filter((id) => query.get(idToBytes(id)) !== undefined));
}

/** Those of the ids that files of this home's own vault need. */
export function neededHere(catalog: Catalog, ids: readonly StoreId[]): readonly StoreId[] {
  const query = catalog.prepare<[Buffer]>(
    'SELECT 1 FROM objects WHERE store_id = ? AND held = 0 AND tombstoned_ms IS NULL',
  );
  return catalog.readAll(() => ids.filter((id) => query.get(idToBytes(id)) !== undefined));
}

/** What files here need and what stands here as deleted: told to peers once, and relied on by a file that came later. */
export function regrettedDeletions(catalog: Catalog): readonly StoreId[] {
  const query = catalog
    .prepare<[], Buffer>(`
      SELECT deletions.store_id FROM deletions JOIN objects ON objects.store_id = deletions.store_id
      WHERE held = 0 AND tombstoned_ms IS NULL ORDER BY deletions.store_id`)
    .pluck();
  return catalog.read(() => query.all().map(storeIdFromBytes));
}
