/** Looking into what is stored: the entries of one manifest, the paths of all that match a pattern. Reads no contents. */
import { eachFile } from '../../catalog/files.js';
import type { Entry, EntryType } from '../../core/entry.js';
import type { FileId } from '../../core/ids.js';
import type { DisktroError } from '../../errors.js';
import { isDisktroError, notFound, throwIfAborted } from '../../errors.js';
import type { Vault } from '../home/vault.js';
import { opened } from '../home/vault.js';
import type { FoundPart } from './inner-path.js';
import { innerBytes, resolvePart } from './inner-path.js';
import { pathMatcher } from './path-patterns.js';
import type { ReadOptions } from './read-options.js';
import { partBelow } from './tree-selection.js';
import { openTree } from './tree-source.js';

const SLASH = 0x2f;

export interface ListedEntry {
  /** In its tree; of what is no UTF-8 with replacement characters. */
  readonly path: string;
  readonly type: EntryType;
  /** Octal permission digits, such as 0644. */
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
  readonly user?: string;
  readonly group?: string;
  readonly size: number;
  /** ISO 8601, UTC, to the nanosecond. */
  readonly mtime: string;
  readonly target?: string;
  readonly device?: readonly [number, number];
}

/**
 * Everything in a stored file or tree, in order.
 * @param text what resolvePart takes
 * @throws E_NOT_FOUND also when there is no such path inside
 */
export async function* listEntries(
  vault: Vault,
  text: string,
  options: ReadOptions = {},
): AsyncGenerator<ListedEntry> {
  const { id, inner } = resolvePart(vault, text);
  const source = await openTree(opened(vault), id, { ...options, workers: 0 });
  const wanted = innerBytes(inner);
  let count = 0;
  try {
    for await (const { entry, path } of source.entries()) {
      throwIfAborted(options.signal);
      if (partBelow(wanted, path) === undefined) continue;
      count++;
      yield listed(entry, path);
    }
  } finally {
    source.close();
  }
  if (count === 0) throw notFound(`nothing at ${JSON.stringify(inner)} in ${source.manifest.name}`);
}

export interface FolderPage {
  readonly id: FileId;
  /** Of the stored tree or file. */
  readonly name: string;
  readonly entries: readonly ListedEntry[];
  /** `from` of the page behind this one; null: there is none. */
  readonly next: number | null;
}

export interface PageOptions extends ReadOptions {
  /** Entries to leave out at the beginning. */
  readonly from: number;
  /** Most entries of a page. */
  readonly limit: number;
  /** What is in the folders below as well. */
  readonly isDeep: boolean;
}

/**
 * What lies in a folder of a stored tree, in order, a page at a time; of a file, the file itself.
 * @throws E_NOT_FOUND also when there is no such path inside
 */
export async function listFolder(
  vault: Vault,
  { id, inner }: FoundPart,
  { from, limit, isDeep, ...options }: PageOptions,
): Promise<FolderPage> {
  const source = await openTree(opened(vault), id, { ...options, workers: 0 });
  const folder = innerBytes(inner);
  const entries: ListedEntry[] = [];
  let seen = 0;
  let isThere = false;
  try {
    for await (const { entry, path } of source.entries()) {
      throwIfAborted(options.signal);
      if (partBelow(folder, path) === undefined) continue;
      isThere = true;
      const isFolder = path.length === folder.length && entry.type === 'directory';
      const isBelow = path.indexOf(SLASH, folder.length + 1) !== -1;
      if (isFolder || (isBelow && !isDeep)) continue;
      if (++seen <= from) continue;
      if (entries.length === limit) return { id, name: source.manifest.name, entries, next: from + limit };
      entries.push(listed(entry, path));
    }
  } finally {
    source.close();
  }
  if (!isThere) throw notFound(`nothing at ${JSON.stringify(inner)} in ${source.manifest.name}`);
  return { id, name: source.manifest.name, entries, next: null };
}

export interface FoundEntry extends ListedEntry {
  readonly id: FileId;
  readonly name: string;
  /** ISO 8601, UTC: when it was stored. */
  readonly created: string;
}

export interface FindOptions extends ReadOptions {
  /** Told of what could not be looked into; the rest goes on. */
  readonly onUnreadable?: (id: FileId, error: DisktroError) => void;
}

/** Paths in all stored files and trees that match one of the patterns, the oldest first. */
export async function* findEntries(
  vault: Vault,
  patterns: readonly string[],
  options: FindOptions = {},
): AsyncGenerator<FoundEntry> {
  const open = opened(vault);
  const matches = pathMatcher(patterns);
  for (const { id, createdMs } of eachFile(open.home.catalog)) {
    throwIfAborted(options.signal);
    try {
      const source = await openTree(open, id, { ...options, workers: 0 });
      try {
        const { name } = source.manifest;
        for await (const { entry, path } of source.entries()) {
          const shown = path.toString('utf8');
          if (shown === '' || !matches(shown, entry.type === 'directory')) continue;
          yield { id, name, created: new Date(createdMs).toISOString(), ...listed(entry, path) };
        }
      } finally {
        source.close();
      }
    } catch (error) {
      if (!isDisktroError(error) || error.code === 'E_ABORTED') throw error;
      if (options.onUnreadable === undefined) throw error;
      options.onUnreadable(id, error);
    }
  }
}

function listed(entry: Entry, path: Buffer): ListedEntry {
  const { type, mode, uid, gid, user, group, sizeBytes, mtimeNs, target, device } = entry;
  return {
    path: path.length === 0 ? '.' : path.toString('utf8'),
    type,
    mode: mode.toString(8).padStart(4, '0'),
    uid,
    gid,
    ...(user === undefined ? {} : { user }),
    ...(group === undefined ? {} : { group }),
    size: sizeBytes,
    mtime: isoTime(mtimeNs),
    ...(target === undefined ? {} : { target: Buffer.from(target).toString('utf8') }),
    ...(device === undefined ? {} : { device }),
  };
}

/** `2026-01-02T03:04:05.123456789Z`; a time that no calendar has as its seconds. */
function isoTime(ns: bigint): string {
  const fraction = ((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  const seconds = Number((ns - fraction) / 1_000_000_000n);
  const time = new Date(seconds * 1000);
  if (Number.isNaN(time.getTime())) return `${seconds}`;
  return `${time.toISOString().slice(0, -5)}.${fraction.toString().padStart(9, '0')}Z`;
}
