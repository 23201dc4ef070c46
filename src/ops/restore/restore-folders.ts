/**
 * The folders of a restore: made or opened as entries in them come, never through a link. What stands in the way of one
 * is moved out of it only as far as the rule for files that are there allows.
 */
import fs from 'node:fs';
import type { Entry } from '../../core/entry.js';
import { Ancestry, nameStart } from '../../core/tree-order.js';
import type { PathLike } from '../../store/path-bytes.js';
import { pathText } from '../../store/path-bytes.js';
import { SafeFolder } from '../../store/safe-folder.js';
import type { SelectedEntry } from '../read/tree-selection.js';
import type { Overwrite } from './restore-mark.js';

/** Why nothing can be put into a folder. `absent` only where nothing is made. */
export type Blocked = 'skipped' | 'failed' | 'absent';

export interface TargetFolder {
  readonly entry: Entry;
  readonly path: Buffer;
  readonly name: PathLike;
  readonly above: TargetFolder | undefined;
  folder: SafeFolder | Blocked | undefined;
}

export interface FolderOptions {
  readonly overwrite: Overwrite;
  /** Make none: look only. */
  readonly isDry: boolean;
  /** The folders have been gone through before, and are most likely there. */
  readonly isAgain?: boolean | undefined;
  /** Temporary names of an earlier run begin like this; they are removed. */
  readonly leftovers?: string | undefined;
  readonly onFailed: (path: Buffer, error: unknown) => void;
  /** A folder that was there lies on a file system of its own. */
  readonly onOtherSystem?: (device: bigint, folder: SafeFolder) => void;
  /** Nothing more comes for this folder; those inside were left before. */
  readonly onLeave?: (target: TargetFolder) => void;
}

export class RestoreFolders {
  readonly #root: SafeFolder | 'absent';
  readonly #options: FolderOptions;
  readonly #ancestry: Ancestry<TargetFolder>;
  #device: bigint | undefined;

  constructor(root: SafeFolder | 'absent', options: FolderOptions) {
    this.#root = root;
    this.#options = options;
    this.#ancestry = new Ancestry((target) => options.onLeave?.(target));
  }

  /** Takes note of a folder's entry; it is made when it is wanted or something in it is. */
  enter({ entry, path, isWanted }: SelectedEntry): TargetFolder {
    const above = this.#ancestry.above(path)?.value;
    const name = nameOf(path);
    const target: TargetFolder = {
      entry,
      path,
      name,
      above,
      folder: above === undefined ? this.#root : undefined,
    };
    this.#ancestry.enter(path, target);
    if (isWanted && target.folder === undefined) this.#prepare(target);
    else if (target.folder instanceof SafeFolder) this.#removeLeftovers(target.folder);
    return target;
  }

  /** The folder that an entry is to lie in. */
  folderOf(path: Buffer): SafeFolder | Blocked {
    const target = this.#ancestry.above(path)?.value;
    return target === undefined ? 'failed' : this.#prepare(target);
  }

  /**
   * The folder of an entry anywhere in the tree, if it is there.
   * @param beside the entry whose turn it is: most links lead to a file in the same folder
   * @throws the system's error when a part of it is no folder
   */
  find(path: Buffer, beside: Buffer): SafeFolder {
    const near = this.#ancestry.above(beside)?.value;
    const start = nameStart(path);
    const isNear = near?.path.equals(path.subarray(0, Math.max(0, start - 1))) === true;
    if (isNear && near.folder instanceof SafeFolder) return near.folder;
    if (this.#root === 'absent') throw Object.assign(new Error('no such folder'), { code: 'ENOENT' });
    let folder = this.#root;
    for (let at = 0; at < start; ) {
      const end = path.indexOf(SLASH, at);
      folder = folder.enter(pathText(path.subarray(at, end)));
      at = end + 1;
    }
    return folder;
  }

  leaveAll(): void {
    this.#ancestry.leaveAll();
  }

  /** From the top down, in a loop: a path may have thousands of parts. */
  #prepare(target: TargetFolder): SafeFolder | Blocked {
    if (target.folder !== undefined) return target.folder;
    const missing: TargetFolder[] = [];
    let top: TargetFolder | undefined = target;
    for (; top !== undefined && top.folder === undefined; top = top.above) missing.push(top);
    let folder: SafeFolder | Blocked = top?.folder ?? 'failed';
    for (let next = missing.pop(); next !== undefined; next = missing.pop()) {
      folder = folder instanceof SafeFolder ? this.#open(folder, next) : folder;
      next.folder = folder;
    }
    return folder;
  }

  #open(parent: SafeFolder, { name, path }: TargetFolder): SafeFolder | Blocked {
    try {
      if (this.#options.isDry) return this.#look(parent, name);
      const known = this.#options.isAgain === true ? enteredFolder(parent, name) : undefined;
      if (known !== undefined) return known;
      try {
        return parent.make(name);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      if (!fs.lstatSync(parent.at(name)).isDirectory()) {
        if (this.#options.overwrite === 'never') return 'skipped';
        fs.unlinkSync(parent.at(name));
        return parent.make(name);
      }
      const folder = parent.enter(name);
      this.#takeOver(folder);
      this.#removeLeftovers(folder);
      return folder;
    } catch (error) {
      this.#options.onFailed(path, error);
      return 'failed';
    }
  }

  /** A folder that was there may lie on another file system, and its owner may have no right to write in it yet. */
  #takeOver(folder: SafeFolder): void {
    const stat = fs.statSync(folder.path(), { bigint: true });
    const isOwn = stat.uid === BigInt(process.geteuid?.() ?? 0);
    if (isOwn && (stat.mode & 0o700n) !== 0o700n)
      fs.chmodSync(folder.path(), Number(stat.mode & 0o7777n) | 0o700);
    this.#device ??=
      this.#root instanceof SafeFolder ? fs.statSync(this.#root.path(), { bigint: true }).dev : stat.dev;
    if (stat.dev !== this.#device) this.#options.onOtherSystem?.(stat.dev, folder);
  }

  #look(parent: SafeFolder, name: PathLike): SafeFolder | Blocked {
    const stat = fs.lstatSync(parent.at(name), { throwIfNoEntry: false });
    if (stat === undefined) return 'absent';
    if (stat.isDirectory()) return parent.enter(name);
    return this.#options.overwrite === 'never' ? 'skipped' : 'absent';
  }

  #removeLeftovers(folder: SafeFolder): void {
    const { leftovers, isDry } = this.#options;
    if (leftovers === undefined || isDry || folder.isFresh) return;
    for (const name of folder.names()) {
      if (name.toString('latin1').startsWith(leftovers)) fs.unlinkSync(folder.at(name));
    }
  }
}

const SLASH = 0x2f;

/** undefined when it is not there, or is no folder. */
function enteredFolder(parent: SafeFolder, name: PathLike): SafeFolder | undefined {
  try {
    return parent.enter(name);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return undefined;
    throw error;
  }
}

/** The last part of a path. */
export function nameOf(path: Buffer): PathLike {
  return pathText(path.subarray(nameStart(path)));
}
