/**
 * Catalog queries about which files outlive the loss of nodes. They walk up from the objects that would have too few
 * copies, so that their cost is that of the objects at risk and not that of all files.
 */
import type { FileId, NodeId, StoreId } from '../core/ids.js';
import { idToBytes, storeIdFromBytes } from '../core/ids.js';
import type { Catalog } from './catalog.js';
import type { RawHolding } from './holdings.js';

/** Which nodes are left, as seen from this one. */
export interface Remaining {
  /** Other nodes whose copies still count. */
  readonly nodes: readonly NodeId[];
  readonly isSelfLeft: boolean;
}

/** Objects that files here need, one row each, with the copies that are left of them. */
const LEFT = `
  SELECT objects.id, objects.plain_id, (objects.state = 0 AND ?) + (
    SELECT count(*) FROM copies JOIN nodes ON nodes.id = copies.node
    WHERE copies.object = objects.id AND nodes.node_id IN (SELECT value FROM json_each(?))
  ) AS copies FROM objects WHERE held = 0 AND tombstoned_ms IS NULL`;

/**
 * Files of which some object would have fewer than `wanted` copies, oldest first. An object counts for another one
 * that holds the same plaintext.
 */
export function filesBelow(catalog: Catalog, wanted: number, { nodes, isSelfLeft }: Remaining): FileId[] {
  const query = catalog.database
    .prepare<[number, string, number, number], Buffer>(`
      WITH RECURSIVE remaining AS MATERIALIZED (${LEFT}),
      above (id) AS (
        SELECT id FROM remaining WHERE copies < ? AND NOT EXISTS (
          SELECT 1 FROM objects AS same JOIN remaining AS twin ON twin.id = same.id
          WHERE same.plain_id = remaining.plain_id AND same.id <> remaining.id AND twin.copies >= ?)
        UNION SELECT refs.parent FROM refs JOIN above ON refs.child = above.id
      )
      SELECT objects.store_id FROM files JOIN objects ON objects.id = files.object
      WHERE files.object IN (SELECT id FROM above) ORDER BY files.created_ms, files.object`)
    .pluck();
  const ids = catalog.read(() =>
    query.all(isSelfLeft ? 1 : 0, JSON.stringify(nodes), wanted, wanted),
  ) as Buffer[];
  return ids.map((id) => storeIdFromBytes(id) as FileId);
}

/** Ids of objects that files here need, in ascending order, a page at a time. */
export function* ownObjectIds(catalog: Catalog, pageSize: number): Generator<readonly StoreId[]> {
  const query = catalog.database.prepare<[Buffer, number], Pick<RawHolding, 'store_id'>>(
    'SELECT store_id FROM objects WHERE store_id > ? AND held = 0 AND tombstoned_ms IS NULL ORDER BY store_id LIMIT ?',
  );
  let after: Buffer = Buffer.alloc(0);
  for (;;) {
    const page = catalog.read(() => query.all(after, pageSize));
    const last = page.at(-1);
    if (last === undefined) return;
    yield page.map(({ store_id }) => storeIdFromBytes(store_id));
    after = last.store_id;
  }
}

/** How many objects of a file each other node is known to hold, and how many the file has. */
export function holdersOfFile(
  catalog: Catalog,
  file: StoreId,
): { readonly objects: number; readonly nodes: ReadonlyMap<NodeId, number> } {
  const reached = `
    WITH RECURSIVE reached (id) AS (
      SELECT id FROM objects WHERE store_id = ?
      UNION SELECT refs.child FROM refs JOIN reached ON refs.parent = reached.id
    )`;
  const { database } = catalog;
  const all = database.prepare<[Buffer], number>(`${reached} SELECT count(*) FROM reached`).pluck();
  const perNode = database.prepare<[Buffer], { node_id: string; objects: number }>(`
    ${reached} SELECT nodes.node_id, count(*) AS objects FROM reached
    JOIN copies ON copies.object = reached.id JOIN nodes ON nodes.id = copies.node GROUP BY nodes.id`);
  const id = idToBytes(file);
  return catalog.read(() => ({
    objects: Number(all.get(id)),
    nodes: new Map(perNode.all(id).map(({ node_id, objects }) => [node_id as NodeId, objects])),
  }));
}
