/**
 * A tree as it lies in the vault: opened, checked as a whole before anything of it is used, then read entry by entry as
 * often as needed. A manifest that breaks a rule is refused here, so that those who use it need not look again.
 */
import type { Entry, Extent } from '../core/entry.js';
import { decodeEntry } from '../core/entry.js';
import type { FileId } from '../core/ids.js';
import { readList } from '../core/list.js';
import type { Manifest } from '../core/manifest.js';
import { entryPathBytes, TreeOrder } from '../core/tree-order.js';
import { integrityError, throwIfAborted } from '../errors.js';
import { MAX_PATH_BYTES } from '../limits.js';
import { ChunkTable } from './chunk-table.js';
import { ObjectReader } from './object-reader.js';
import type { ReadOptions } from './read-options.js';
import { threadCount } from './threads.js';
import type { OpenVault } from './vault.js';

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

/** Trees up to this long are decoded once: about 50 MiB. Longer ones are decoded again for each pass. */
const MOST_KEPT_ENTRIES = 50_000;
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
    const kept = await checkEntries(decoded(reader, manifest), manifest, chunks, options.signal);
    const entries = (): AsyncIterable<TreeEntry> =>
      kept.length === manifest.entryCount ? each(kept) : withPaths(decoded(reader, manifest));
    const source: TreeSource = { id, manifest, reader, chunks, entries, close: () => chunks.close() };
    await checkHardLinks(source);
    return source;
  } catch (error) {
    chunks.close();
    throw error;
  }
}

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

async function* decoded(reader: ObjectReader, manifest: Manifest): AsyncGenerator<Entry> {
  for await (const item of readList(manifest.entries, (ref) => reader.readListChunk(ref))) {
    yield decodeEntry(item);
  }
}

async function* withPaths(entries: AsyncIterable<Entry>): AsyncGenerator<TreeEntry> {
  let isFirst = true;
  for await (const entry of entries) {
    yield { entry, path: isFirst ? Buffer.alloc(0) : entryPathBytes(entry.path) };
    isFirst = false;
  }
}

/** @returns all entries of a tree that is short enough to be kept, else some */
async function checkEntries(
  entries: AsyncIterable<Entry>,
  manifest: Manifest,
  chunks: ChunkTable,
  signal: AbortSignal | undefined,
): Promise<readonly TreeEntry[]> {
  const order = manifest.kind === 'tree' ? new TreeOrder() : undefined;
  const kept: TreeEntry[] = [];
  const isKept = manifest.entryCount <= MOST_KEPT_ENTRIES;
  let bytes = 0;
  for await (const entry of entries) {
    throwIfAborted(signal);
    const path = order === undefined ? entryPathBytes(entry.path) : order.add(entry);
    checkContent(entry, path, chunks);
    if (entry.type === 'file') bytes += entry.sizeBytes;
    if (isKept) kept.push({ entry, path });
  }
  if (manifest.entryCount === 0) throw integrityError('E_MANIFEST_INVALID', 'manifest: no entries');
  if (bytes !== manifest.bytes) {
    throw integrityError(
      'E_MANIFEST_INVALID',
      `manifest: expected files of ${manifest.bytes} bytes together, got ${bytes}`,
    );
  }
  return kept;
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

/** A hard link to something else than a file of the same tree would be a way to a file outside. @throws E_MANIFEST_INVALID */
async function checkHardLinks(source: TreeSource): Promise<void> {
  const missing = new Set<string>();
  const key = (path: Buffer): string => path.toString('latin1');
  for await (const { entry } of source.entries()) {
    if (entry.type === 'hardlink' && entry.target !== undefined)
      missing.add(key(entryPathBytes(entry.target)));
  }
  if (missing.size === 0) return;
  for await (const { entry, path } of source.entries()) {
    if (entry.type === 'file') missing.delete(key(path));
  }
  const [first] = missing;
  if (first === undefined) return;
  const shown = JSON.stringify(Buffer.from(first, 'latin1').toString('utf8').slice(0, 200));
  throw integrityError('E_MANIFEST_INVALID', `a hard link to ${shown}, which is no file of this tree`);
}
