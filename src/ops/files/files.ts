/** What is in the vault: listing, one file in detail, and taking files out of it. */
import { fewestCopies } from '../../catalog/copies.js';
import type { FileRow } from '../../catalog/files.js';
import { eachFile, findFile } from '../../catalog/files.js';
import { removeFileRows } from '../../catalog/garbage.js';
import { holdersOfFile } from '../../catalog/survival.js';
import type { Entry } from '../../core/entry.js';
import { decodeEntry } from '../../core/entry.js';
import type { FileId, NodeId } from '../../core/ids.js';
import { isStoreId } from '../../core/ids.js';
import { readList } from '../../core/list.js';
import type { ManifestKind } from '../../core/manifest.js';
import { DisktroError, notFound } from '../../errors.js';
import type { Home } from '../home/home.js';
import type { OpenVault, Vault } from '../home/vault.js';
import { opened, openedHome } from '../home/vault.js';
import { ObjectReader } from '../read/object-reader.js';
import type { FileFilter } from './file-filter.js';
import { fits, NO_FILTER } from './file-filter.js';
import { resolveFileId } from './resolve.js';
import { openFacts } from './stored-facts.js';

export interface FileSummary {
  readonly id: FileId;
  readonly name: string;
  readonly kind: ManifestKind;
  /** Where it was stored from. */
  readonly host: string;
  /** Where it lay there, absolute; null for a stream. Bytes that are not UTF-8 show as U+FFFD. */
  readonly path: string | null;
  readonly bytes: number;
  /** ISO 8601, UTC. */
  readonly created: string;
  readonly tags: readonly string[];
  readonly chunks: number;
  /** Nodes that hold every object of it. */
  readonly copies: number;
  /** ISO 8601, UTC: when a restored sample of it was last found right; null when never. */
  readonly proven: string | null;
}

export interface EntrySummary {
  readonly path: string;
  readonly type: Entry['type'];
  /** Octal permission digits, such as 0644. */
  readonly mode: string;
  readonly size: number;
  /** ISO 8601, UTC. */
  readonly mtime: string;
}

export interface FileInfo extends FileSummary {
  /** Bytes of all objects it needs, those it shares with others included. */
  readonly storedBytes: number;
  readonly entryCount: number;
  /** The first hundred. */
  readonly entries: readonly EntrySummary[];
  readonly manifestVersion: number;
  /** How many of its objects each other node is known to hold. */
  readonly holders: readonly { readonly node: NodeId; readonly objects: number }[];
  /** Objects it needs, the manifest included. */
  readonly objects: number;
}

const MOST_ENTRIES = 100;

/**
 * Every file, oldest first.
 * @param counted nodes whose copies count beside this one's
 * @param filter only what fits it; default: everything
 */
export function* listFiles(
  vault: Vault,
  counted: readonly NodeId[] = [],
  filter: FileFilter = NO_FILTER,
): Generator<FileSummary> {
  const open = opened(vault);
  for (const row of eachFile(open.home.catalog)) {
    if (fits(openFacts(open, row), filter)) yield summary(open, row, counted);
  }
}

/** @throws E_NOT_FOUND, E_AMBIGUOUS, E_OBJECT_MISSING, integrity codes */
export async function fileInfo(
  vault: Vault,
  idText: string,
  counted: readonly NodeId[] = [],
): Promise<FileInfo> {
  const open = opened(vault);
  const id = resolveFileId(open, idText);
  const row = findFile(open.home.catalog, id);
  if (row === undefined) throw notFound(`no file ${id}`);
  const reader = new ObjectReader(open, open.engine(0));
  const manifest = await reader.readManifest(id);
  const entries: EntrySummary[] = [];
  for await (const item of readList(manifest.entries, (ref) => reader.readListChunk(ref))) {
    entries.push(entrySummary(decodeEntry(item)));
    if (entries.length === MOST_ENTRIES) break;
  }
  const storedBytes = open.home.objects.descendants(id).reduce((sum, object) => sum + object.storedBytes, 0);
  const { entryCount, v: manifestVersion } = manifest;
  const { objects, nodes } = holdersOfFile(open.home.catalog, id);
  const holders = counted.map((node) => ({ node, objects: nodes.get(node) ?? 0 }));
  const facts = { storedBytes, entryCount, entries, manifestVersion, objects };
  return { ...summary(open, row, counted), ...facts, holders: holders.filter((each) => each.objects > 0) };
}

export interface RemoveResult {
  readonly removed: readonly FileId[];
  /** Objects that nothing needs any more; `gc` frees them when their grace is over. */
  readonly tombstoned: number;
  readonly tombstonedBytes: number;
}

/** Takes files out of the vault. All ids are resolved before the first is removed. @throws E_NOT_FOUND, E_AMBIGUOUS */
export async function removeFiles(home: Home, ids: readonly string[]): Promise<RemoveResult> {
  refuseReadOnly(home);
  const removed = [...new Set(ids.map((id) => resolveFileId(home, id)))].filter(isStoreId) as FileId[];
  return removeFilesById(home, removed);
}

/** The same for what was looked up before; what somebody else has removed meanwhile is no error. */
export function removeFilesById(home: Home, removed: readonly FileId[]): RemoveResult {
  refuseReadOnly(home);
  const { catalog } = openedHome(home);
  const dead = removeFileRows(catalog, removed, Date.now());
  const tombstonedBytes = dead.reduce((sum, { storedBytes }) => sum + storedBytes, 0);
  return { removed, tombstoned: dead.length, tombstonedBytes };
}

function refuseReadOnly(home: Home): void {
  const { isReadOnly, path } = openedHome(home);
  if (isReadOnly) throw new DisktroError('E_READ_ONLY', `home ${path} is open for reading only`);
}

function summary(vault: OpenVault, row: FileRow, counted: readonly NodeId[]): FileSummary {
  const { name, host, path, tags, bytes, chunks } = openFacts(vault, row);
  return {
    id: row.id,
    name,
    kind: row.kind,
    host,
    path: path === undefined ? null : Buffer.from(path).toString('utf8'),
    bytes,
    created: new Date(row.createdMs).toISOString(),
    tags,
    chunks,
    proven: row.provenMs === undefined ? null : new Date(row.provenMs).toISOString(),
    copies: counted.length === 0 ? Number(row.isComplete) : fewestCopies(vault.home.catalog, row.id, counted),
  };
}

function entrySummary(entry: Entry): EntrySummary {
  return {
    path: typeof entry.path === 'string' ? entry.path : Buffer.from(entry.path).toString('utf8'),
    type: entry.type,
    mode: entry.mode.toString(8).padStart(4, '0'),
    size: entry.sizeBytes,
    mtime: new Date(Number(entry.mtimeNs / 1_000_000n)).toISOString(),
  };
}
