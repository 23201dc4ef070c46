/**
 * A tree as it lies in the vault: opened, checked as a whole before anything of it is used, then read entry by entry as
 * often as needed. A manifest that breaks a rule is refused here, so that those who use it need not look again.
 */
import type { Entry, Extent } from '../../core/entry.js';
import { TREE_ROOT } from '../../core/entry.js';
import type { FileId } from '../../core/ids.js';
import type { Manifest } from '../../core/manifest.js';
import { entryPathBytes, TreeOrder } from '../../core/tree-order.js';
import { integrityError, throwIfAborted } from '../../errors.js';
import { MAX_PATH_BYTES } from '../../limits.js';
import { threadCount } from '../chunk/threads.js';
import type { OpenVault } from '../home/vault.js';
import { ChunkTable } from './chunk-table.js';
import { EntryPages } from './entry-pages.js';
import { ObjectReader } from './object-reader.js';
import type { ReadOptions } from './read-options.js';

export interface TreeEntry {
  readonly entry: Entry;
  /** Of the entry; empty for the root. */
  readonly path: Buffer;
}

export interface TreeSource {
  readonly id: FileId;
  readonly manifest: Manifest;
  readonly reader: ObjectReader;
  readonly chunks: ChunkTable;
  /** All entries in their order, from the first, each time it is called. */
  entries(): AsyncIterable<TreeEntry>;
  close(): void;
}

/** Plaintexts that wait to be written, or to be used again, while further ones are being opened. */
const HELD_BYTES = 64 * 1024 * 1024;
const MOST_HELD_CHUNKS = 16;
/** Three being written, one waiting, one being opened. */
const LEAST_HELD_CHUNKS = 5;

/** Chunks that a reader of this vault may hold open at once. */
export function chunksHeld(vault: OpenVault): number {
  return Math.max(LEAST_HELD_CHUNKS, Math.min(MOST_HELD_CHUNKS, Math.floor(HELD_BYTES / vault.sizes.max)));
}

/**
 * Opens and checks a tree. The caller closes it.
 * @param withChunks false for those who read no contents
 * @throws E_MANIFEST_INVALID, E_MANIFEST_PATH, E_LIST_INVALID, E_CBOR_INVALID, E_OBJECT_MISSING, codes of objects
 */
export async function openTree(vault: OpenVault, id: FileId, options: ReadOptions = {}): Promise<TreeSource> {
  const engine = vault.engine(threadCount(options.workers));
  const reader = new ObjectReader(vault, engine, options.source, options.signal, chunksHeld(vault));
  const manifest = await reader.readManifest(id);
  const chunks = await ChunkTable.read(reader, manifest, vault.home.paths.temporary, options.signal);
  try {
    const pages = new EntryPages(manifest.entries, (ref) => reader.readListChunk(ref));
    const linked = await checkEntries(pages.entries(), manifest, chunks, options.signal);
    const entries = (): AsyncIterable<TreeEntry> => withPaths(pages.entries());
    const source: TreeSource = { id, manifest, reader, chunks, entries, close: () => chunks.close() };
    await checkHardLinks(linked, source);
    return source;
  } catch (error) {
    chunks.close();
    throw error;
  }
}

async function* withPaths(entries: AsyncIterable<Entry>): AsyncGenerator<TreeEntry> {
  for await (const entry of entries) yield { entry, path: pathInTree(entry) };
}

/** The root alone has this path: the order of entries has been checked. */
function pathInTree({ path }: Entry): Buffer {
  return path === TREE_ROOT ? NO_PATH : entryPathBytes(path);
}

const NO_PATH = Buffer.alloc(0);

/** One pass over all entries. @returns paths that hard links lead to, as Latin-1 */
async function checkEntries(
  entries: AsyncIterable<Entry>,
  manifest: Manifest,
  chunks: ChunkTable,
  signal: AbortSignal | undefined,
): Promise<Set<string>> {
  const order = manifest.kind === 'tree' ? new TreeOrder() : undefined;
  const linked = new Set<string>();
  let bytes = 0;
  for await (const entry of entries) {
    throwIfAborted(signal);
    const path = order === undefined ? entryPathBytes(entry.path) : order.add(entry);
    checkContent(entry, path, chunks);
    if (entry.type === 'file') bytes += entry.sizeBytes;
    else if (entry.type === 'hardlink') linked.add(entryPathBytes(entry.target ?? '').toString('latin1'));
  }
  if (manifest.entryCount === 0) throw integrityError('E_MANIFEST_INVALID', 'manifest: no entries');
  if (bytes !== manifest.bytes) {
    throw integrityError(
      'E_MANIFEST_INVALID',
      `manifest: expected files of ${manifest.bytes} bytes together, got ${bytes}`,
    );
  }
  return linked;
}

function checkContent(entry: Entry, path: Buffer, chunks: ChunkTable): void {
  const fail = (why: string): never => {
    const shown = JSON.stringify(path.toString('utf8').slice(0, 200));
    throw integrityError('E_MANIFEST_INVALID', `entry ${shown}: ${why}`);
  };
  if (entry.type !== 'file' && entry.extents.length > 0) fail(`a ${entry.type} with extents`);
  for (const extent of entry.extents) if (!isWithin(extent, chunks)) fail('an extent outside the chunks');
  const { target, type } = entry;
  const isLink = type === 'symlink' || type === 'hardlink';
  if (isLink !== (target !== undefined))
    fail(isLink ? `a ${type} without a target` : `a ${type} with a target`);
  if (target !== undefined) {
    const bytes = entryPathBytes(target);
    if (bytes.length === 0 || bytes.length > MAX_PATH_BYTES || bytes.includes(0))
      fail('a target that is no path');
  }
  const isDevice = type === 'block' || type === 'character';
  if (isDevice !== (entry.device !== undefined)) {
    fail(isDevice ? `a ${type} device without its numbers` : `a ${type} with device numbers`);
  }
}

function isWithin({ chunk, offset, length }: Extent, chunks: ChunkTable): boolean {
  if (length === 0) return chunk <= chunks.count;
  if (chunk >= chunks.count) return false;
  const start = chunks.startOf(chunk);
  return offset < chunks.startOf(chunk + 1) - start && length <= chunks.bytes - start - offset;
}

/**
 * A hard link to something else than a file of the same tree would be a way to a file outside.
 * @param missing paths that hard links lead to
 * @throws E_MANIFEST_INVALID
 */
async function checkHardLinks(missing: Set<string>, source: TreeSource): Promise<void> {
  if (missing.size === 0) return;
  for await (const { entry, path } of source.entries()) {
    if (entry.type === 'file') missing.delete(path.toString('latin1'));
  }
  const [first] = missing;
  if (first === undefined) return;
  const shown = JSON.stringify(Buffer.from(first, 'latin1').toString('utf8').slice(0, 200));
  throw integrityError('E_MANIFEST_INVALID', `a hard link to ${shown}, which is no file of this tree`);
}
