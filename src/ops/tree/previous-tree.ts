/**
 * The newest tree of the same host and path, read along in step with the walk, both being sorted alike: a file that is
 * still what it was is carried over without being opened. Holds a few list chunks at a time.
 * When anything of the old manifest cannot be read, files are simply read again.
 */
import type { Stats } from 'node:fs';
import { newestByPath } from '../../catalog/files.js';
import type { ScannedEntry } from '../../core/entry-scan.js';
import { scanEntries } from '../../core/entry-scan.js';
import type { ChunkRef, EncodedList, LoadListChunk } from '../../core/list.js';
import { decodeRef, readList } from '../../core/list.js';
import { pathTag } from '../../core/sealed-record.js';
import { youngCollector } from '../../core/young-collector.js';
import { isDisktroError } from '../../errors.js';
import { MIB } from '../../limits.js';
import type { OpenVault } from '../home/vault.js';
import { EntryPages } from '../read/entry-pages.js';
import { ObjectReader } from '../read/object-reader.js';
import { SparseChunks } from './sparse-chunks.js';
import type { Found } from './tree-walk.js';

/** References of the old list that are kept for a look back; what lies further behind is read again. */
const KEPT_REFS = 16_384;

export class PreviousTree {
  readonly #entries: AsyncGenerator<Uint8Array>;
  readonly #refs: AsyncGenerator<ChunkRef>;
  readonly #sparse: SparseChunks | undefined;
  readonly #keptRefs = new Map<number, ChunkRef>();
  readonly #left = youngCollector(16 * MIB);
  #page: ScannedEntry[] = [];
  #next = 0;
  #refCount = 0;
  #isOver = false;

  constructor(chunks: EncodedList, entries: EntryPages, load: LoadListChunk, sparse?: SparseChunks) {
    this.#sparse = sparse;
    this.#entries = entries.read();
    this.#refs = refsOf(chunks, load);
  }

  /** The entry of this path, if the walk has not gone past it: the walk only goes forward. */
  find(found: Found): Promise<ScannedEntry | undefined> | ScannedEntry | undefined {
    while (!this.#isOver) {
      const entry = this.#page[this.#next];
      if (entry === undefined) return this.#turnPage().then(() => this.find(found));
      if (entry.key === found.key) return entry;
      if (entry.key > found.key) return undefined;
      this.#next++;
    }
    return undefined;
  }

  /** Whether a file is better read again, because hardly anything else needs the chunks that it lies in. */
  isThinlySpread(entry: ScannedEntry): boolean {
    return this.#sparse?.hold(entry) ?? false;
  }

  /** What the old list has at this index; undefined when that lies too far back. */
  async ref(index: number): Promise<ChunkRef | undefined> {
    while (this.#refCount <= index) {
      const next = await this.#refs.next().catch(() => undefined);
      if (next === undefined || next.done === true) return undefined;
      this.#keptRefs.set(this.#refCount, next.value);
      this.#keptRefs.delete(this.#refCount - KEPT_REFS);
      this.#refCount++;
    }
    return this.#keptRefs.get(index);
  }

  async #turnPage(): Promise<void> {
    try {
      const next = await this.#entries.next();
      this.#isOver = next.done === true;
      this.#page = next.done === true ? [] : [...scanEntries(next.value)];
      // With its object and plaintext a list chunk leaves three times its length behind.
      if (next.done !== true) this.#left(3 * next.value.byteLength);
    } catch {
      this.#isOver = true;
      this.#page = [];
    }
    this.#next = 0;
  }
}

async function* refsOf(list: EncodedList, load: LoadListChunk): AsyncGenerator<ChunkRef> {
  for await (const item of readList(list, load)) yield decodeRef(item);
}

/** The last tree of this path, if there is one that can be read. */
export async function previousTree(
  vault: OpenVault,
  host: string,
  root: string | Uint8Array,
): Promise<PreviousTree | undefined> {
  const id = newestByPath(vault.home.catalog, pathTag(vault.keys.name, host, root));
  if (id === undefined) return undefined;
  const reader = new ObjectReader(vault, vault.engine(0));
  try {
    const manifest = await reader.readManifest(id);
    if (manifest.kind !== 'tree') return undefined;
    const load: LoadListChunk = (ref) => reader.readListChunk(ref);
    const entries = new EntryPages(manifest.entries, load);
    const sparse = await SparseChunks.of(manifest.chunks, entries, load);
    return new PreviousTree(manifest.chunks, entries, load, sparse);
  } catch (error) {
    if (isDisktroError(error) || error instanceof RangeError) return undefined;
    throw error;
  }
}

/**
 * Whether a path is still what was stored: nothing can have been written to it, or to what is known of it, since. Times
 * are compared as Node rounds them, to a quarter of a microsecond: a later change is two seconds away at least, because
 * entries of what was fresher than that have no ctime.
 */
export function isUnchanged(entry: ScannedEntry, { seen }: Found): boolean {
  const { ctimeNs, mtimeNs, inode } = entry;
  return (
    ctimeNs !== undefined &&
    inode !== undefined &&
    roundedMs(ctimeNs) === seen.ctimeMs &&
    roundedMs(mtimeNs) === seen.mtimeMs &&
    Number(inode) === seen.ino &&
    isSameKind(entry, seen)
  );
}

function isSameKind({ type, sizeBytes }: ScannedEntry, seen: Stats): boolean {
  if (type === 'file') return seen.isFile() && seen.size === sizeBytes;
  return type === 'directory' ? seen.isDirectory() : type === 'symlink' && seen.isSymbolicLink();
}

const NS_PER_S = 1_000_000_000n;

/** The arithmetic of Node's own `mtimeMs`, so that equal times are equal numbers. */
export function roundedMs(ns: bigint): number {
  const rest = ns % NS_PER_S;
  const seconds = Number(ns / NS_PER_S) - (rest < 0n ? 1 : 0);
  return seconds * 1000 + Number(rest < 0n ? rest + NS_PER_S : rest) / 1e6;
}

/** The same entry with its bytes elsewhere in the list. @param extents the encoded value */
export function withExtents(
  { bytes, extentsAt: [start, end] }: ScannedEntry,
  extents: Uint8Array,
): Uint8Array {
  return Buffer.concat([bytes.subarray(0, start), extents, bytes.subarray(end)]);
}
