/**
 * The order of a tree's entries (docs/FORMAT.md, "Entry paths") and what follows from it: no path twice, nothing in
 * what is no folder, hard links to earlier entries. Sees one entry after another; keeps the folders above the last.
 */
import { integrityError } from '../errors.js';
import type { Entry } from './entry.js';
import { TREE_ROOT } from './entry.js';

const SLASH = 0x2f;

export function entryPathBytes(path: string | Uint8Array): Buffer {
  return typeof path === 'string'
    ? Buffer.from(path, 'utf8')
    : Buffer.from(path.buffer, path.byteOffset, path.byteLength);
}

/** Bytewise, where `/` comes before every other byte. */
export function compareEntryPaths(a: Uint8Array, b: Uint8Array): number {
  const shorter = Math.min(a.byteLength, b.byteLength);
  for (let at = 0; at < shorter; at++) {
    const [x, y] = [a[at] ?? 0, b[at] ?? 0];
    if (x === y) continue;
    if (x === SLASH) return -1;
    return y === SLASH ? 1 : x - y;
  }
  return a.byteLength - b.byteLength;
}

/** The folders that the current entry lies in, each with something of the caller's. The root's path is empty. */
export class Ancestry<T> {
  readonly #folders: { readonly path: Buffer; readonly value: T }[] = [];
  readonly #onLeave: (value: T, path: Buffer) => void;

  /** @param onLeave told of each folder when nothing more of it can come, the deepest first */
  constructor(onLeave: (value: T, path: Buffer) => void = () => {}) {
    this.#onLeave = onLeave;
  }

  /** The nearest folder above a path; leaves those that do not lie above it. */
  above(path: Buffer): { readonly path: Buffer; readonly value: T } | undefined {
    for (let last = this.#folders.at(-1); last !== undefined; last = this.#folders.at(-1)) {
      if (isAbove(last.path, path)) return last;
      this.#folders.pop();
      this.#onLeave(last.value, last.path);
    }
    return undefined;
  }

  enter(path: Buffer, value: T): void {
    this.#folders.push({ path, value });
  }

  leaveAll(): void {
    for (let last = this.#folders.pop(); last !== undefined; last = this.#folders.pop()) {
      this.#onLeave(last.value, last.path);
    }
  }
}

function isAbove(folder: Buffer, path: Buffer): boolean {
  const { length } = folder;
  if (length === 0) return path.length > 0;
  return path.length > length && path[length] === SLASH && folder.compare(path, 0, length) === 0;
}

const NO_PATH = Buffer.alloc(0);

/** Where an entry's last part begins. */
export const nameStart = (path: Buffer): number => path.lastIndexOf(SLASH) + 1;

/** Sees the entries of a tree in turn and refuses the first that cannot be where it is. */
export class TreeOrder {
  readonly #folders = new Ancestry<undefined>();
  #last: Buffer | undefined;

  /** @returns the path's bytes, none for the root. @throws E_MANIFEST_INVALID */
  add(entry: Entry): Buffer {
    const isRoot = entry.path === TREE_ROOT;
    const path = isRoot ? NO_PATH : entryPathBytes(entry.path);
    if (this.#last === undefined) {
      if (!isRoot) throw invalid(path, 'expected the folder "." as the first entry of a tree');
    } else this.#checkPlace(path);
    if (entry.type === 'hardlink') checkLinkTarget(entry, path);
    if (entry.type === 'directory') this.#folders.enter(path, undefined);
    this.#last = path;
    return path;
  }

  #checkPlace(path: Buffer): void {
    const order = compareEntryPaths(this.#last ?? NO_PATH, path);
    if (order === 0) throw invalid(path, 'is there twice');
    if (order > 0) throw invalid(path, 'comes before an entry that it should follow');
    const start = nameStart(path);
    const above = this.#folders.above(path)?.path.length ?? -1;
    if (above !== Math.max(0, start - 1)) throw invalid(path, 'lies in no folder of this tree');
  }
}

function checkLinkTarget({ target }: Entry, path: Buffer): void {
  if (target === undefined) throw invalid(path, 'a hard link without a target');
  if (compareEntryPaths(entryPathBytes(target), path) < 0) return;
  throw invalid(path, 'a hard link to an entry that is not before it');
}

function invalid(path: Buffer, why: string): Error {
  const shown = JSON.stringify(path.toString('utf8').slice(0, 200));
  return integrityError('E_MANIFEST_INVALID', `entry ${shown}: ${why}`);
}
