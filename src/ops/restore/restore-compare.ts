/** How what is on disk differs from a stored tree, in content and metadata. Writes nothing, follows no link. */
import fs from 'node:fs';
import type { Entry } from '../../core/entry.js';
import type { FileId } from '../../core/ids.js';
import type { ExtendedAttributes } from '../../store/extended-attributes.js';
import { loadExtendedAttributes } from '../../store/extended-attributes.js';
import { SafeFolder } from '../../store/safe-folder.js';
import type { Vault } from '../home/vault.js';
import { opened } from '../home/vault.js';
import { ChunkWindow } from '../read/chunk-window.js';
import type { ContentJob, ContentSink } from '../read/content-steps.js';
import { readContents } from '../read/content-steps.js';
import type { SelectedEntry } from '../read/tree-selection.js';
import type { TreeSource } from '../read/tree-source.js';
import { chunksHeld, openTree } from '../read/tree-source.js';
import { Attributes, microseconds } from './restore-attributes.js';
import { holdByName } from './restore-file.js';
import { nameOf, RestoreFolders } from './restore-folders.js';
import { isSame } from './restore-links.js';
import { linkedStat, lookAt, selectedFrom, shown, targetPath, targetRoot } from './restore-look.js';
import type { RestoreOptions } from './restore-tree.js';

/** How an entry on disk differs. */
export type Difference = 'missing' | 'type' | 'content' | 'target' | 'mode' | 'owner' | 'mtime' | 'xattrs';

export interface EntryDifference {
  readonly path: string;
  readonly differences: readonly Difference[];
}

export interface CompareResult {
  readonly id: FileId;
  readonly name: string;
  readonly path: string;
  /** Entries compared. */
  readonly files: number;
  readonly bytes: number;
  readonly chunks: number;
  readonly differing: number;
  readonly fetchedFromPeers: number;
  readonly seconds: number;
}

/** Compares content and metadata with what is on disk. @throws what reading a tree throws */
export async function compareTree(
  vault: Vault,
  id: FileId,
  options: RestoreOptions & { readonly onDifference?: (difference: EntryDifference) => void } = {},
): Promise<CompareResult> {
  const startedMs = performance.now();
  const open = opened(vault);
  const source = await openTree(open, id, options);
  const room = chunksHeld(open);
  const window = new ChunkWindow(source.reader, source.chunks, room, options.signal);
  const root = targetRoot(source, options);
  try {
    const comparison = new Comparison(source, options, root, await loadExtendedAttributes());
    await readContents(comparison.jobs(), source.chunks, window, room - 1, comparison, options.signal);
    const { name } = source.manifest;
    const { files, bytes, differing } = comparison;
    const seconds = (performance.now() - startedMs) / 1000;
    const { fetched: fetchedFromPeers } = source.reader;
    const where = { id, name, path: targetPath(source, options) };
    return { ...where, files, bytes, chunks: window.reads, differing, fetchedFromPeers, seconds };
  } finally {
    await window.close();
    source.close();
    source.reader.noteLost();
    if (root !== 'absent') root.close();
  }
}

interface CompareJob {
  readonly path: Buffer;
  readonly descriptor: number;
  readonly found: Difference[];
}

class Comparison implements ContentSink<CompareJob> {
  readonly #source: TreeSource;
  readonly #options: Parameters<typeof compareTree>[2];
  readonly #folders: RestoreFolders;
  readonly #attributes: Attributes;
  readonly #xattrs: ExtendedAttributes | undefined;
  #room = Buffer.alloc(0);
  files = 0;
  bytes = 0;
  differing = 0;

  constructor(
    source: TreeSource,
    options: Parameters<typeof compareTree>[2],
    root: SafeFolder | 'absent',
    xattrs: ExtendedAttributes | undefined,
  ) {
    this.#source = source;
    this.#options = options;
    this.#folders = new RestoreFolders(root, { overwrite: 'always', isDry: true, onFailed: () => {} });
    this.#attributes = new Attributes(options ?? {}, undefined);
    this.#xattrs = xattrs;
  }

  async *jobs(): AsyncGenerator<ContentJob<CompareJob>> {
    for await (const selected of selectedFrom(this.#source, this.#options ?? {})) {
      const { entry, path: at } = selected;
      if (entry.type === 'directory') this.#compareFolder(selected);
      else {
        const job = this.#compareEntry(entry, at);
        if (job !== undefined) yield { job, entry };
      }
    }
  }

  data({ descriptor, found }: CompareJob, bytes: Uint8Array, position: number): void {
    this.bytes += bytes.byteLength;
    if (found.includes('content')) return;
    if (this.#room.byteLength < bytes.byteLength) this.#room = Buffer.alloc(bytes.byteLength);
    let filled = 0;
    while (filled < bytes.byteLength) {
      const count = fs.readSync(descriptor, this.#room, filled, bytes.byteLength - filled, position + filled);
      if (count === 0) break;
      filled += count;
    }
    if (this.#room.compare(bytes, 0, bytes.byteLength, 0, filled) !== 0) found.unshift('content');
  }

  end({ descriptor, found, path: at }: CompareJob): void {
    fs.closeSync(descriptor);
    this.#tell(at, found);
  }

  /** Not a difference: what is stored cannot be read. */
  failed({ descriptor }: CompareJob, error: Error): void {
    fs.closeSync(descriptor);
    throw error;
  }

  #compareFolder(selected: SelectedEntry): void {
    const { folder } = this.#folders.enter(selected);
    if (!selected.isWanted) return;
    if (!(folder instanceof SafeFolder)) {
      this.#tell(selected.path, ['missing']);
      return;
    }
    const stat = fs.statSync(folder.path(), { bigint: true });
    this.#tell(selected.path, this.#metadata(selected.entry, stat, folder.path().toString()));
  }

  #compareEntry(entry: Entry, at: Buffer): CompareJob | undefined {
    const folder = this.#folders.folderOf(at);
    const stat = folder instanceof SafeFolder ? lookAt(folder, at) : undefined;
    if (stat === undefined || !(folder instanceof SafeFolder)) {
      this.#tell(at, ['missing']);
      return undefined;
    }
    const name = nameOf(at);
    if (entry.type !== 'file') {
      this.#tell(at, this.#special(entry, at, stat, folder));
      return undefined;
    }
    if (!stat.isFile()) {
      this.#tell(at, ['type']);
      return undefined;
    }
    const found =
      holdByName(folder, name, (held) => this.#metadata(entry, stat, held)) ?? this.#metadata(entry, stat);
    if (Number(stat.size) !== entry.sizeBytes) {
      this.#tell(at, ['content', ...found]);
      return undefined;
    }
    const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants;
    const descriptor = fs.openSync(folder.at(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    return { path: at, descriptor, found };
  }

  #special(entry: Entry, at: Buffer, stat: fs.BigIntStats, folder: SafeFolder): Difference[] {
    const name = nameOf(at);
    if (entry.type === 'hardlink') {
      const linked = linkedStat(this.#folders, entry, at);
      return isSame(entry, stat, folder, name, linked) ? [] : ['target'];
    }
    if (entry.type === 'symlink' && !stat.isSymbolicLink()) return ['type'];
    if (!isSame(entry, stat, folder, name, undefined)) return [entry.type === 'symlink' ? 'target' : 'type'];
    return this.#metadata(entry, stat);
  }

  /** @param held leads to the entry, for its extended attributes */
  #metadata(entry: Entry, stat: fs.BigIntStats, held?: string): Difference[] {
    const found: Difference[] = [];
    const owner = this.#attributes.ownerOf(entry);
    const isLink = entry.type === 'symlink';
    if (!isLink && (Number(stat.mode) & 0o7777) !== this.#attributes.modeOf(entry)) found.push('mode');
    const isOwner = owner === undefined || (Number(stat.uid) === owner[0] && Number(stat.gid) === owner[1]);
    if (!isOwner) found.push('owner');
    if (microseconds(stat.mtimeNs) !== microseconds(entry.mtimeNs)) found.push('mtime');
    if (held !== undefined && this.#xattrs !== undefined && !this.#hasXattrs(entry, held))
      found.push('xattrs');
    return found;
  }

  #hasXattrs({ xattrs = new Map() }: Entry, held: string): boolean {
    let here: ReadonlyMap<string, Uint8Array>;
    try {
      here = this.#xattrs?.read(held) ?? new Map();
    } catch {
      return xattrs.size === 0;
    }
    const own = (name: string): boolean => name.startsWith('user.') || name.startsWith('system.posix_acl_');
    const names = new Set([...here.keys(), ...xattrs.keys()].filter(own));
    return [...names].every((name) => {
      const [is, shall] = [here.get(name), xattrs.get(name)];
      return is !== undefined && shall !== undefined && Buffer.from(is).equals(shall);
    });
  }

  #tell(at: Buffer, differences: readonly Difference[]): void {
    this.files++;
    if (differences.length === 0) return;
    this.differing++;
    this.#options?.onDifference?.({ path: shown(at), differences });
  }
}
