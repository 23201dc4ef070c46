/**
 * Which entries of a tree are meant, and where they come to lie: all of it, a folder inside, what patterns name. A hard
 * link whose file is not meant takes that file's place.
 */
import type { Entry } from '../../core/entry.js';
import { TREE_ROOT } from '../../core/entry.js';
import { entryPathBytes } from '../../core/tree-order.js';
import type { PathMatcher } from './path-patterns.js';
import { pathMatcher } from './path-patterns.js';
import type { TreeEntry, TreeSource } from './tree-source.js';

export interface Selection {
  /** A folder of the tree, which becomes the root; empty for all. */
  readonly inner: Buffer;
  /** As in .gitignore, relative to that root; none for all. */
  readonly include?: readonly string[] | undefined;
}

export interface SelectedEntry {
  readonly entry: Entry;
  /** Relative to the selection's root, which has an empty one. */
  readonly path: Buffer;
  /** False for a folder that is needed only if something in it is meant. */
  readonly isWanted: boolean;
}

const SLASH = 0x2f;

/** In the order of the tree: a folder before what is in it. */
export async function* selectEntries(
  source: TreeSource,
  selection: Selection,
): AsyncGenerator<SelectedEntry> {
  const select = selector(selection);
  const isPart = selection.inner.length > 0 || select.hasPatterns;
  const stand = new StandIns(isPart ? await unmeantTargets(source, select.of) : new Set());
  for await (const each of source.entries()) {
    stand.see(each);
    const path = select.pathOf(each.path);
    if (path === undefined) continue;
    const isWanted = select.isWanted(each, path);
    if (!isWanted && each.entry.type !== 'directory') continue;
    yield { entry: stand.standIn(each.entry, path, selection.inner), path, isWanted };
  }
}

interface Selector {
  readonly hasPatterns: boolean;
  pathOf(path: Buffer): Buffer | undefined;
  isWanted(each: TreeEntry, path: Buffer): boolean;
  of(each: TreeEntry): boolean;
}

function selector({ inner, include = [] }: Selection): Selector {
  const matches: PathMatcher | undefined = include.length === 0 ? undefined : pathMatcher(include);
  const pathOf = (path: Buffer): Buffer | undefined => partBelow(inner, path);
  const isWanted = ({ entry }: TreeEntry, path: Buffer): boolean =>
    matches === undefined || (path.length > 0 && matches(path.toString('utf8'), entry.type === 'directory'));
  return {
    hasPatterns: matches !== undefined,
    pathOf,
    isWanted,
    of(each) {
      const path = pathOf(each.path);
      return path !== undefined && isWanted(each, path);
    },
  };
}

/** What is left of a path in a folder, empty for the folder itself; undefined when it does not lie there. */
export function partBelow(folder: Buffer, path: Buffer): Buffer | undefined {
  const { length } = folder;
  if (length === 0) return path;
  if (path.length < length || path.compare(folder, 0, length, 0, length) !== 0) return undefined;
  if (path.length === length) return path.subarray(length);
  return path[length] === SLASH ? path.subarray(length + 1) : undefined;
}

const keyOf = (path: Buffer): string => path.toString('latin1');

/** Paths that wanted hard links lead to, and that are not wanted themselves. */
async function unmeantTargets(
  source: TreeSource,
  isMeant: (each: TreeEntry) => boolean,
): Promise<Set<string>> {
  const targets = new Set<string>();
  for await (const each of source.entries()) {
    const { target, type } = each.entry;
    if (type === 'hardlink' && target !== undefined && isMeant(each))
      targets.add(keyOf(entryPathBytes(target)));
  }
  if (targets.size === 0) return targets;
  for await (const each of source.entries()) {
    if (each.entry.type === 'file' && isMeant(each)) targets.delete(keyOf(each.path));
  }
  return targets;
}

/** The first hard link to a file that is not meant becomes that file; further ones lead to the first. */
class StandIns {
  readonly #targets: ReadonlySet<string>;
  readonly #files = new Map<string, Entry>();
  readonly #places = new Map<string, Buffer>();

  constructor(targets: ReadonlySet<string>) {
    this.#targets = targets;
  }

  see({ entry, path }: TreeEntry): void {
    if (this.#targets.size > 0 && this.#targets.has(keyOf(path))) this.#files.set(keyOf(path), entry);
  }

  /** The entry with its path, and a hard link's target, as they are inside the selection. */
  standIn(entry: Entry, path: Buffer, inner: Buffer): Entry {
    const moved = inner.length === 0 ? entry : { ...entry, path: path.length === 0 ? TREE_ROOT : path };
    if (entry.type !== 'hardlink' || entry.target === undefined) return moved;
    const target = entryPathBytes(entry.target);
    const file = this.#files.get(keyOf(target));
    if (file === undefined) return { ...moved, target: partBelow(inner, target) ?? target };
    const place = this.#places.get(keyOf(target));
    if (place !== undefined) return { ...moved, target: place };
    this.#places.set(keyOf(target), path);
    return { ...file, path: moved.path };
  }
}
