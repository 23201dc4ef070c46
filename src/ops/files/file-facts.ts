/**
 * What is known of files, for showing many at once: names with an open vault, without one only what the catalog tells.
 * Works in pages, so that nothing is asked for each file by itself.
 */
import { objectsOfFiles, placedObjects } from '../../catalog/file-objects.js';
import type { FileRow } from '../../catalog/files.js';
import { eachFile, findFile } from '../../catalog/files.js';
import { filesBelow } from '../../catalog/survival.js';
import type { FileId, NodeId, StoreId } from '../../core/ids.js';
import { decodeRef, readList } from '../../core/list.js';
import type { ManifestKind } from '../../core/manifest.js';
import type { Cluster } from '../cluster/cluster.js';
import { PeerSource } from '../copies/peer-source.js';
import type { OpenHome } from '../home/home.js';
import type { OpenVault, Vault } from '../home/vault.js';
import { opened } from '../home/vault.js';
import { ObjectReader } from '../read/object-reader.js';
import { openFacts } from './stored-facts.js';

export interface FileFacts {
  readonly id: FileId;
  readonly kind: ManifestKind;
  readonly createdMs: number;
  /** The fewest copies that any object of it has, up to the number wanted; this node's included. */
  readonly copies: number;
  /** undefined without the vault's key. */
  readonly told: ToldFacts | undefined;
  /** undefined unless asked for. */
  readonly objects: FileObjectFacts | undefined;
}

export interface ToldFacts {
  readonly name: string;
  readonly tags: readonly string[];
  readonly bytes: number;
  readonly chunks: number;
}

export interface FileObjectFacts {
  readonly chunks: readonly StoreId[];
  readonly storedBytes: number;
  /** This node among them. */
  readonly nodes: readonly NodeId[];
}

export interface FactsOptions {
  /** This node, as it is called in lists of nodes. */
  readonly self: NodeId;
  readonly vault?: Vault | undefined;
  /** Copies wanted, and the other nodes whose copies count. */
  readonly wanted: number;
  readonly counted: readonly NodeId[];
  readonly withObjects?: boolean;
}

const PAGE_FILES = 500;

/** How many copies a file has, up to `wanted`. */
type CopiesOf = (row: FileRow) => number;

/** Costs a query for each number of copies, whatever the number of files; alone, none. */
function copiesOfFiles(home: OpenHome, wanted: number, counted: readonly NodeId[]): CopiesOf {
  if (counted.length === 0) return ({ isComplete }) => (isComplete ? Math.min(1, wanted) : 0);
  const others = Math.min(wanted, counted.length + 1);
  const below = new Map<FileId, number>();
  for (let copies = others; copies > 0; copies--) {
    const ids = filesBelow(home.catalog, copies, { nodes: counted, isSelfLeft: true });
    // Who has enough of more has enough of fewer.
    if (ids.length === 0) break;
    for (const id of ids) below.set(id, copies - 1);
  }
  return ({ id }) => below.get(id) ?? others;
}

/** Every file, oldest first, a page at a time. */
export function* eachFileFacts(home: OpenHome, options: FactsOptions): Generator<readonly FileFacts[]> {
  const copies = copiesOfFiles(home, options.wanted, options.counted);
  let page: FileRow[] = [];
  for (const row of eachFile(home.catalog)) {
    page.push(row);
    if (page.length < PAGE_FILES) continue;
    yield factsOf(home, page, copies, options);
    page = [];
  }
  if (page.length > 0) yield factsOf(home, page, copies, options);
}

/** These files, those that are gone left out. */
export function fileFacts(
  home: OpenHome,
  ids: readonly FileId[],
  options: FactsOptions,
): readonly FileFacts[] {
  const rows = ids.map((id) => findFile(home.catalog, id)).filter((row) => row !== undefined);
  if (rows.length === 0) return [];
  return factsOf(home, rows, copiesOfFiles(home, options.wanted, options.counted), options);
}

function factsOf(
  home: OpenHome,
  rows: readonly FileRow[],
  copiesOf: CopiesOf,
  { vault, self, withObjects = false }: FactsOptions,
): readonly FileFacts[] {
  const open = vault === undefined ? undefined : opened(vault);
  const ids = rows.map(({ id }) => id);
  const objects = withObjects ? objectsOfFiles(home.catalog, ids) : undefined;
  return rows.map((row) => {
    const { id, kind, createdMs } = row;
    const found = objects?.get(id);
    return {
      id,
      kind,
      createdMs,
      copies: copiesOf(row),
      told: open === undefined ? undefined : toldOf(open, row),
      objects:
        found === undefined
          ? undefined
          : {
              chunks: found.chunks,
              storedBytes: found.storedBytes,
              nodes: found.isHere ? [...found.nodes, self] : found.nodes,
            },
    };
  });
}

/** What a file's record tells never changes; opening 100,000 of them takes 2.5 s of a processor. */
const remembered = new WeakMap<OpenVault, Map<FileId, ToldFacts>>();
const MOST_REMEMBERED = 200_000;

function toldOf(vault: OpenVault, row: FileRow): ToldFacts {
  const { id } = row;
  let known = remembered.get(vault);
  if (known === undefined) {
    known = new Map();
    remembered.set(vault, known);
  }
  let told = known.get(id);
  if (told === undefined) {
    const { name, tags, bytes, chunks } = openFacts(vault, row);
    told = { name, tags, bytes, chunks };
    if (known.size < MOST_REMEMBERED) known.set(id, told);
  }
  return told;
}

export interface Placed {
  readonly id: StoreId;
  /** In the store. */
  readonly bytes: number;
  /** This node among them. */
  readonly nodes: readonly NodeId[];
}

/**
 * Where each chunk of a file lies, in the order of the file with an open vault, else in the order of storing.
 * @throws with a vault: what reading a manifest throws
 */
export async function placementOf(
  home: OpenHome,
  id: FileId,
  { self, vault, cluster }: { self: NodeId; vault: Vault | undefined; cluster: Cluster | undefined },
): Promise<readonly Placed[]> {
  const placed = new Map<StoreId, Placed>();
  for (const { id: object, storedBytes, isHere, nodes } of placedObjects(home.catalog, id)) {
    if (object === id) continue;
    placed.set(object, { id: object, bytes: storedBytes, nodes: isHere ? [...nodes, self] : nodes });
  }
  if (vault === undefined) return [...placed.values()];
  const order = await chunkOrder(opened(vault), id, cluster);
  return order.flatMap((object) => placed.get(object) ?? []);
}

async function chunkOrder(vault: OpenVault, id: FileId, cluster: Cluster | undefined): Promise<StoreId[]> {
  const source = cluster === undefined ? undefined : new PeerSource(vault.home, cluster);
  const reader = new ObjectReader(vault, vault.engine(0), source);
  const manifest = await reader.readManifest(id);
  const order: StoreId[] = [];
  for await (const item of readList(manifest.chunks, (ref) => reader.readListChunk(ref))) {
    order.push(decodeRef(item).storeId);
  }
  return order;
}
