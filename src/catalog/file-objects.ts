/**
 * Which objects files need, and who holds them: for many files in one query, and for all of them by ranges of ids.
 * Nodes that hold something are told by their ids; this one is told by `isHere`.
 */
import type { FileId, NodeId, StoreId } from '../core/ids.js';
import { storeIdFromBytes } from '../core/ids.js';
import type { Catalog } from './catalog.js';
import { KIND_NUMBERS } from './objects.js';

export interface FileObjects {
  /** Its chunks, list chunks among them, in the order in which they were first stored. */
  readonly chunks: readonly StoreId[];
  /** Of all its objects, the manifest included. */
  readonly storedBytes: number;
  /** Other nodes that are known to hold some of them. */
  readonly nodes: readonly NodeId[];
  /** Whether this node holds some of them. */
  readonly isHere: boolean;
}

const REACHED = `
  WITH RECURSIVE reached (file, object) AS (
    SELECT objects.id, objects.id FROM objects
    WHERE store_id IN (SELECT unhex(value) FROM json_each(?))
    UNION SELECT reached.file, refs.child FROM reached JOIN refs ON refs.parent = reached.object
  )`;

/** What these files need: two queries for all of them together. */
export function objectsOfFiles(
  catalog: Catalog,
  files: readonly StoreId[],
): ReadonlyMap<StoreId, FileObjects> {
  const { database } = catalog;
  type Part = { file: Buffer; part: Buffer; kind: number; stored_bytes: number; state: number };
  const parts = database.prepare<[string], Part>(`${REACHED}
    SELECT manifest.store_id AS file, part.store_id AS part, part.kind, part.stored_bytes, part.state
    FROM reached JOIN objects AS manifest ON manifest.id = reached.file
    JOIN objects AS part ON part.id = reached.object ORDER BY reached.file, part.id`);
  const holders = database.prepare<[string], { file: Buffer; node_id: string }>(`${REACHED}
    SELECT DISTINCT manifest.store_id AS file, nodes.node_id
    FROM reached JOIN objects AS manifest ON manifest.id = reached.file
    JOIN copies ON copies.object = reached.object JOIN nodes ON nodes.id = copies.node
    ORDER BY nodes.node_id`);
  type Filling = { chunks: StoreId[]; storedBytes: number; nodes: NodeId[]; isHere: boolean };
  const found = new Map<StoreId, Filling>();
  const json = JSON.stringify(files);
  catalog.read(() => {
    for (const { file, part, kind, stored_bytes, state } of parts.iterate(json)) {
      const id = storeIdFromBytes(file);
      const facts = found.get(id) ?? { chunks: [], storedBytes: 0, nodes: [], isHere: false };
      if (kind === KIND_NUMBERS.chunk) facts.chunks.push(storeIdFromBytes(part));
      facts.storedBytes += stored_bytes;
      facts.isHere ||= state === 0;
      found.set(id, facts);
    }
    for (const { file, node_id } of holders.iterate(json)) {
      found.get(storeIdFromBytes(file))?.nodes.push(node_id as NodeId);
    }
  });
  return found;
}

/** The files that need any of these objects. */
export function filesNeeding(catalog: Catalog, objects: readonly StoreId[]): FileId[] {
  const query = catalog.database
    .prepare<[string], Buffer>(`
      WITH RECURSIVE above (id) AS (
        SELECT id FROM objects WHERE store_id IN (SELECT unhex(value) FROM json_each(?))
        UNION SELECT refs.parent FROM refs JOIN above ON refs.child = above.id
      )
      SELECT objects.store_id FROM files JOIN objects ON objects.id = files.object
      WHERE files.object IN (SELECT id FROM above)`)
    .pluck();
  const ids = catalog.read(() => query.all(JSON.stringify(objects))) as Buffer[];
  return ids.map((id) => storeIdFromBytes(id) as FileId);
}

export interface PlacedObject {
  readonly id: StoreId;
  readonly storedBytes: number;
  readonly isHere: boolean;
  readonly nodes: readonly NodeId[];
}

/** The objects of one file, the manifest included, with who is known to hold each, in the order of their rows. */
export function placedObjects(catalog: Catalog, file: StoreId): readonly PlacedObject[] {
  type Raw = { store_id: Buffer; stored_bytes: number; state: number; nodes: string };
  const query = catalog.database.prepare<[string], Raw>(`${REACHED}
    SELECT store_id, stored_bytes, state, (
      SELECT json_group_array(nodes.node_id) FROM copies JOIN nodes ON nodes.id = copies.node
      WHERE copies.object = objects.id
    ) AS nodes FROM reached JOIN objects ON objects.id = reached.object ORDER BY objects.id`);
  return catalog.read(() =>
    query.all(JSON.stringify([file])).map((raw) => ({
      id: storeIdFromBytes(raw.store_id),
      storedBytes: raw.stored_bytes,
      isHere: raw.state === 0,
      nodes: JSON.parse(raw.nodes) as NodeId[],
    })),
  );
}

/** How many objects have no copy, one, two, and three or more. */
export type CopyCounts = [number, number, number, number];

/** {@link CopyCounts} of the objects that files here need, for each first byte of an id. */
export function copyCounts(
  catalog: Catalog,
  { nodes, isSelfLeft }: { readonly nodes: readonly NodeId[]; readonly isSelfLeft: boolean },
): readonly CopyCounts[] {
  type Raw = { cell: Buffer; copies: number; objects: number };
  const query = catalog.database.prepare<[number, string], Raw>(`
    SELECT substr(store_id, 1, 1) AS cell, min(3, (state = 0 AND ?) + (
      SELECT count(*) FROM copies JOIN nodes ON nodes.id = copies.node
      WHERE copies.object = objects.id AND nodes.node_id IN (SELECT value FROM json_each(?))
    )) AS copies, count(*) AS objects
    FROM objects WHERE held = 0 AND tombstoned_ms IS NULL GROUP BY 1, 2`);
  const cells = Array.from({ length: 256 }, (): CopyCounts => [0, 0, 0, 0]);
  catalog.read(() => {
    for (const { cell, copies, objects } of query.iterate(Number(isSelfLeft), JSON.stringify(nodes))) {
      const counts = cells[cell[0] ?? 0];
      if (counts !== undefined) counts[copies as 0 | 1 | 2 | 3] = objects;
    }
  });
  return cells;
}

export interface NodeHoldings {
  readonly manifests: number;
  readonly chunks: number;
  readonly bytes: number;
}

/** How many objects each other node is known to hold. */
export function holdingsOfNodes(catalog: Catalog): ReadonlyMap<NodeId, NodeHoldings> {
  type Raw = { node_id: string; manifests: number; chunks: number; bytes: number };
  const query = catalog.database.prepare<[], Raw>(`
    SELECT nodes.node_id, count(*) FILTER (WHERE kind = ${KIND_NUMBERS.manifest}) AS manifests,
      count(*) FILTER (WHERE kind = ${KIND_NUMBERS.chunk}) AS chunks, sum(stored_bytes) AS bytes
    FROM copies JOIN objects ON objects.id = copies.object JOIN nodes ON nodes.id = copies.node
    GROUP BY copies.node`);
  return catalog.read(
    () =>
      new Map(
        query
          .all()
          .map(({ node_id, manifests, chunks, bytes }) => [node_id as NodeId, { manifests, chunks, bytes }]),
      ),
  );
}

/** Ids of the objects of one kind that a node is known to hold, in ascending order; undefined: this node. */
export function idsOnNode(
  catalog: Catalog,
  node: NodeId | undefined,
  kind: keyof typeof KIND_NUMBERS,
): StoreId[] {
  const { database } = catalog;
  const here = database
    .prepare<[number], Buffer>(
      'SELECT store_id FROM objects WHERE state = 0 AND tombstoned_ms IS NULL AND kind = ? ORDER BY store_id',
    )
    .pluck();
  const there = database
    .prepare<[string, number], Buffer>(`
      SELECT store_id FROM copies JOIN objects ON objects.id = copies.object
      WHERE copies.node = (SELECT id FROM nodes WHERE node_id = ?) AND kind = ? ORDER BY store_id`)
    .pluck();
  return catalog.read(() => {
    const number = KIND_NUMBERS[kind];
    const ids = node === undefined ? here.all(number) : there.all(node, number);
    return (ids as Buffer[]).map(storeIdFromBytes);
  });
}
