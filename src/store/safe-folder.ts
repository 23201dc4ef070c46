/**
 * Folders that are reached part by part without following a link, so that what is done in them is done in them and
 * nowhere else, whoever moves things about meanwhile. On Linux each open folder is a descriptor and names are reached
 * through /proc/self/fd; elsewhere a folder is looked at again before each use, which leaves an attacker the moment
 * between the look and the use. Synchronous: for many small files a call takes microseconds, a promise as long again.
 */
import fs from 'node:fs';
import type { PathLike } from './path-bytes.js';
import { joinPath } from './path-bytes.js';

const { O_RDONLY, O_DIRECTORY = 0, O_NOFOLLOW = 0 } = fs.constants;
/** A path as deep as it is long needs a descriptor per part; more than these are closed and opened again when needed. */
const MOST_OPEN = 256;

const hasDescriptorPaths = process.platform === 'linux' && fs.existsSync('/proc/self/fd');

interface Identity {
  readonly dev: bigint;
  readonly ino: bigint;
}

/** Keeps the open descriptors few; closes them all at the end. */
class OpenFolders {
  readonly #open = new Map<SafeFolder, number>();

  get(folder: SafeFolder): number | undefined {
    return this.#open.get(folder);
  }

  /** @returns the one that has been open longest, when there are too many; it is the caller's to close */
  set(folder: SafeFolder, descriptor: number): readonly [SafeFolder, number] | undefined {
    this.#open.set(folder, descriptor);
    if (this.#open.size <= MOST_OPEN) return undefined;
    const [oldest] = this.#open;
    if (oldest !== undefined) this.#open.delete(oldest[0]);
    return oldest;
  }

  closeAll(): void {
    for (const descriptor of this.#open.values()) fs.closeSync(descriptor);
    this.#open.clear();
  }
}

export class SafeFolder {
  /** Made by this program just now: nothing is in it but what it put there. */
  readonly isFresh: boolean;
  readonly #parent: SafeFolder | undefined;
  /** The name in the parent; of the root its path. */
  readonly #name: PathLike;
  readonly #folders: OpenFolders;
  #identity: Identity | undefined;

  private constructor(
    parent: SafeFolder | undefined,
    name: PathLike,
    folders: OpenFolders,
    isFresh: boolean,
  ) {
    this.#parent = parent;
    this.#name = name;
    this.#folders = folders;
    this.isFresh = isFresh;
  }

  /** The one folder that is named by a person: links on the way to it are theirs. @throws the system's error */
  static open(path: string, isFresh = false): SafeFolder {
    const root = new SafeFolder(undefined, fs.realpathSync(path), new OpenFolders(), isFresh);
    root.#reach();
    return root;
  }

  /** Makes a folder in this one. @throws EEXIST when the name is taken */
  make(name: PathLike): SafeFolder {
    fs.mkdirSync(this.at(name), { mode: 0o700 });
    const made = new SafeFolder(this, name, this.#folders, true);
    made.#reach();
    return made;
  }

  /** Opens a folder in this one. @throws ENOTDIR or ELOOP when the name is a link or no folder */
  enter(name: PathLike): SafeFolder {
    const found = new SafeFolder(this, name, this.#folders, false);
    found.#reach();
    return found;
  }

  /** How one call reaches a name in this folder. Valid until the next call of any of these methods. */
  at(name: PathLike): PathLike {
    return joinPath(this.path(), name);
  }

  /** How one call reaches this folder itself. */
  path(): string | Buffer {
    const reached = this.#reach();
    return hasDescriptorPaths ? `/proc/self/fd/${reached}` : this.#plainPath();
  }

  /** An open descriptor of this folder, not to be closed; undefined where folders are reached by path. */
  descriptor(): number | undefined {
    return hasDescriptorPaths ? this.#reach() : undefined;
  }

  /** Names in it, in no order, as bytes. */
  names(): Buffer[] {
    return fs.readdirSync(this.path(), { encoding: 'buffer' });
  }

  /** Closes every folder of this tree. */
  close(): void {
    this.#folders.closeAll();
  }

  /** Opens this folder if it is not: a loop, because a path can have thousands of parts. */
  #reach(): number {
    if (!hasDescriptorPaths) {
      this.#recognize(fs.lstatSync(this.#plainPath(), { bigint: true }));
      return -1;
    }
    const open = this.#folders.get(this);
    if (open !== undefined) return open;
    const closed: SafeFolder[] = [this];
    let above = this.#parent;
    while (above !== undefined && this.#folders.get(above) === undefined) {
      closed.push(above);
      above = above.#parent;
    }
    let descriptor = -1;
    for (let folder = closed.pop(); folder !== undefined; folder = closed.pop()) {
      descriptor = folder.#openBelow();
    }
    return descriptor;
  }

  #openBelow(): number {
    const parent = this.#parent === undefined ? undefined : this.#folders.get(this.#parent);
    const path = parent === undefined ? this.#name : joinPath(`/proc/self/fd/${parent}`, this.#name);
    const descriptor = fs.openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    try {
      if (this.#identity !== undefined) this.#recognize(fs.fstatSync(descriptor, { bigint: true }));
    } catch (error) {
      fs.closeSync(descriptor);
      throw error;
    }
    const evicted = this.#folders.set(this, descriptor);
    if (evicted !== undefined) evicted[0].#closeForNow(evicted[1]);
    return descriptor;
  }

  #closeForNow(descriptor: number): void {
    this.#recognize(fs.fstatSync(descriptor, { bigint: true }));
    fs.closeSync(descriptor);
  }

  /** A folder that was closed for a while must be the one it was. */
  #recognize(stat: fs.BigIntStats): void {
    if (!stat.isDirectory()) throw Object.assign(new Error('not a folder'), { code: 'ENOTDIR' });
    this.#identity ??= { dev: stat.dev, ino: stat.ino };
    if (this.#identity.dev === stat.dev && this.#identity.ino === stat.ino) return;
    throw Object.assign(new Error('another folder has taken its place'), { code: 'ESTALE' });
  }

  #plainPath(): PathLike {
    const parts: PathLike[] = [];
    let top: SafeFolder = this;
    while (top.#parent !== undefined) {
      parts.push(top.#name);
      top = top.#parent;
    }
    return parts.reverse().reduce((path, part) => joinPath(path, part), top.#name);
  }
}
