/**
 * Which other nodes have confirmed to hold which object. What stands here was true when it was heard; `repair` hears
 * again. Nodes are numbers in the table, because an object has several copies and a node id 52 letters.
 */
import type { NodeId, StoreId } from '../core/ids.js';
import { idToBytes, storeIdFromBytes } from '../core/ids.js';
import type { Catalog } from './catalog.js';
import type { Holding, RawHolding } from './holdings.js';
import { toHolding } from './holdings.js';

/** Notes that `node` holds these objects. */
export function noteCopies(catalog: Catalog, node: NodeId, ids: readonly StoreId[]): void {
  if (ids.length === 0) return;
  const insert = catalog.prepare('INSERT OR IGNORE INTO copies SELECT id, ? FROM objects WHERE store_id = ?');
  catalog.write(() => {
    const number = numberOf(catalog, node);
    for (const id of ids) insert.run(number, idToBytes(id));
  });
}

/** Notes that `node` does not hold these objects, or none at all when no ids are given. @returns how many it was said to */
export function forgetCopies(catalog: Catalog, node: NodeId, ids?: readonly StoreId[]): number {
  const all = catalog.prepare('DELETE FROM copies WHERE node = ?');
  const one = catalog.prepare(
    'DELETE FROM copies WHERE node = ? AND object = (SELECT id FROM objects WHERE store_id = ?)',
  );
  const isNoted = catalog.prepare(
    `SELECT 1 FROM copies WHERE node = (SELECT id FROM nodes WHERE node_id = ?)
       AND object = (SELECT id FROM objects WHERE store_id = ?)`,
  );
  // Most that a member lacks was never noted: that takes no transaction that is synced.
  const noted = catalog.readAll(() => ids?.filter((id) => isNoted.get(node, idToBytes(id)) !== undefined));
  if (noted?.length === 0) return 0;
  return catalog.write(() => {
    const number = numberOf(catalog, node);
    if (noted === undefined) return all.run(number).changes;
    let forgotten = 0;
    for (const id of noted) forgotten += one.run(number, idToBytes(id)).changes;
    return forgotten;
  });
}

/** Nodes that are known to hold an object. */
export function nodesOf(catalog: Catalog, id: StoreId): readonly NodeId[] {
  const query = catalog
    .prepare<[Buffer], NodeId>(`
      SELECT nodes.node_id FROM objects JOIN copies ON copies.object = objects.id
      JOIN nodes ON nodes.id = copies.node WHERE objects.store_id = ?`)
    .pluck();
  return catalog.read(() => query.all(idToBytes(id)) as NodeId[]);
}

export interface CopiedObject extends Holding {
  readonly isHere: boolean;
  /** Other nodes that are known to hold it. */
  readonly nodes: readonly NodeId[];
}

/** Every object that somebody needs, with the nodes that are known to hold it; a page at a time. */
export function* eachCopiedObject(catalog: Catalog): Generator<CopiedObject> {
  type Raw = RawHolding & { readonly state: number; readonly nodes: string };
  const query = catalog.prepare<[Buffer], Raw>(`
    SELECT store_id, kind, stored_bytes, state, (
      SELECT json_group_array(nodes.node_id) FROM copies JOIN nodes ON nodes.id = copies.node
      WHERE copies.object = objects.id
    ) AS nodes FROM objects
    WHERE store_id > ? AND tombstoned_ms IS NULL
      AND NOT EXISTS (SELECT 1 FROM deletions WHERE deletions.store_id = objects.store_id)
    ORDER BY store_id LIMIT 1000`);
  let after: Buffer = Buffer.alloc(0);
  for (;;) {
    const page = catalog.read(() => query.all(after));
    for (const raw of page) {
      yield { ...toHolding(raw), isHere: raw.state === 0, nodes: JSON.parse(raw.nodes) as NodeId[] };
    }
    const last = page.at(-1);
    if (last === undefined) return;
    after = last.store_id;
  }
}

/**
 * The fewest copies that any object of a file has, this node's own included.
 * @param counted nodes whose copies count: members that are not gone for good
 */
export function fewestCopies(catalog: Catalog, file: StoreId, counted: readonly NodeId[]): number {
  const query = catalog
    .prepare<[Buffer, string], number>(`
      WITH RECURSIVE reached (id) AS (
        SELECT id FROM objects WHERE store_id = ?
        UNION SELECT refs.child FROM refs JOIN reached ON refs.parent = reached.id
      )
      SELECT min((objects.state = 0) + (
        SELECT count(*) FROM copies JOIN nodes ON nodes.id = copies.node
        WHERE copies.object = objects.id AND nodes.node_id IN (SELECT value FROM json_each(?))
      )) FROM reached JOIN objects ON objects.id = reached.id
      WHERE objects.state = 0 OR NOT EXISTS (
        SELECT 1 FROM objects AS twin WHERE twin.plain_id = objects.plain_id AND twin.state = 0)`)
    .pluck();
  return catalog.read(() => Number(query.get(idToBytes(file), JSON.stringify(counted)) ?? 0));
}

/** Objects that files here need and that have fewer than `wanted` copies, this node's own included. */
export function countDegraded(catalog: Catalog, wanted: number, counted: readonly NodeId[]): number {
  const query = catalog
    .prepare<[string, number], number>(`
      SELECT count(*) FROM objects WHERE held = 0 AND tombstoned_ms IS NULL AND (state = 0) + (
        SELECT count(*) FROM copies JOIN nodes ON nodes.id = copies.node
        WHERE copies.object = objects.id AND nodes.node_id IN (SELECT value FROM json_each(?))
      ) < ?`)
    .pluck();
  return catalog.read(() => Number(query.get(JSON.stringify(counted), wanted)));
}

/**
 * Objects that were freed here and that peers may still hold, in ascending order behind `after`: what a signed deletion
 * will name. One that a file here needs again is not among them, and is no longer noted.
 */
export function freedObjects(catalog: Catalog, limit: number, after?: StoreId): readonly StoreId[] {
  const forget = catalog.prepare(
    'DELETE FROM freed WHERE EXISTS (SELECT 1 FROM objects WHERE objects.store_id = freed.store_id AND held = 0)',
  );
  const query = catalog
    .prepare<[Buffer, number], Buffer>(
      'SELECT store_id FROM freed WHERE store_id > ? ORDER BY store_id LIMIT ?',
    )
    .pluck();
  const behind = after === undefined ? Buffer.alloc(0) : idToBytes(after);
  return catalog.write(() => {
    forget.run();
    return query.all(behind, limit).map(storeIdFromBytes);
  });
}

/** Every member has been told. */
export function forgetFreed(catalog: Catalog, ids: readonly StoreId[]): void {
  const remove = catalog.prepare('DELETE FROM freed WHERE store_id = ?');
  catalog.write(() => {
    for (const id of ids) remove.run(idToBytes(id));
  });
}

/** Runs inside the caller's transaction. */
function numberOf(catalog: Catalog, node: NodeId): number {
  catalog.prepare('INSERT OR IGNORE INTO nodes (node_id) VALUES (?)').run(node);
  return Number(catalog.prepare('SELECT id FROM nodes WHERE node_id = ?').pluck().get(node));
}

const UNDER_COPIED = `
  state = 0 AND tombstoned_ms IS NULL
  AND NOT EXISTS (SELECT 1 FROM deletions WHERE deletions.store_id = objects.store_id)
  AND 1 + (
    SELECT count(*) FROM copies JOIN nodes ON nodes.id = copies.node
    WHERE copies.object = objects.id AND nodes.node_id IN (SELECT value FROM json_each(?))
  ) < ?`;

/**
 * Objects that are here and not known to have `wanted` copies on counted nodes, this one included; in ascending order
 * behind `after`.
 */
export function underCopied(
  catalog: Catalog,
  wanted: number,
  counted: readonly NodeId[],
  after: StoreId | undefined,
  limit: number,
): readonly Holding[] {
  const query = catalog.prepare<[Buffer, string, number, number], RawHolding>(`
    SELECT store_id, kind, stored_bytes FROM objects WHERE store_id > ? AND ${UNDER_COPIED} ORDER BY store_id LIMIT ?`);
  const behind = after === undefined ? Buffer.alloc(0) : idToBytes(after);
  return catalog.read(() => query.all(behind, JSON.stringify(counted), wanted, limit).map(toHolding));
}

/** How many {@link underCopied} has. */
export function countUnderCopied(catalog: Catalog, wanted: number, counted: readonly NodeId[]): number {
  const query = catalog
    .prepare<[string, number], number>(`SELECT count(*) FROM objects WHERE ${UNDER_COPIED}`)
    .pluck();
  return catalog.read(() => Number(query.get(JSON.stringify(counted), wanted)));
}

/** Objects that are here and not known to be on `node`, in ascending order behind `after`. */
export function notCopiedTo(
  catalog: Catalog,
  node: NodeId,
  after: StoreId | undefined,
  limit: number,
): readonly Holding[] {
  const query = catalog.database.prepare<[Buffer, string, number], RawHolding>(`
    SELECT store_id, kind, stored_bytes FROM objects
    WHERE store_id > ? AND state = 0 AND tombstoned_ms IS NULL
      AND NOT EXISTS (SELECT 1 FROM deletions WHERE deletions.store_id = objects.store_id)
      AND NOT EXISTS (
        SELECT 1 FROM copies JOIN nodes ON nodes.id = copies.node
        WHERE copies.object = objects.id AND nodes.node_id = ?)
    ORDER BY store_id LIMIT ?`);
  const behind = after === undefined ? Buffer.alloc(0) : idToBytes(after);
  return catalog.read(() => query.all(behind, node, limit).map(toHolding));
}
