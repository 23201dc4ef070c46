// Writes down what a run asks of the disk, with the bytes, and when the disk has promised to keep it: the raw material
// from which power-loss.ts builds the states that a power loss could leave.
import fs from 'node:fs';
import path from 'node:path';
import type { CommitObserver } from '../../src/catalog/catalog.js';
import type { FileSystem, OpenFile } from '../../src/store/file-system.js';
import { nodeFileSystem } from '../../src/store/file-system.js';

/** Something that may be on the disk from when it is asked for, and is only when a sync says so. */
interface Pending {
  /** Place in the log at which it had returned; a sync that begins later covers it. */
  doneAt: number;
}

export type DiskEvent =
  | ({ readonly type: 'create'; readonly inode: number; readonly path: string } & Pending)
  | ({
      readonly type: 'write';
      readonly inode: number;
      readonly offset: number;
      readonly bytes: Buffer;
    } & Pending)
  | ({
      readonly type: 'rename';
      readonly inode: number;
      readonly from: string;
      readonly to: string;
    } & Pending)
  | ({ readonly type: 'link'; readonly inode: number; readonly path: string } & Pending)
  | ({ readonly type: 'unlink'; readonly path: string } & Pending)
  | { readonly type: 'synced'; readonly inode: number; readonly since: number }
  | { readonly type: 'folder-synced'; readonly folder: string; readonly since: number }
  | { readonly type: 'committing' }
  | { readonly type: 'committed'; readonly catalog: CatalogFiles }
  | { readonly type: 'acknowledged'; readonly id: string; readonly bytes: Buffer }
  | { readonly type: 'removing'; readonly id: string };

export interface CatalogFiles {
  readonly database: Buffer;
  readonly log: Buffer | undefined;
}

/** Paths are relative to the home. */
export class DiskRecorder {
  readonly events: DiskEvent[] = [];
  /** Inodes of files that were there before the recording. */
  readonly found = new Map<string, number>();
  readonly #home: string;
  readonly #inodes = new Map<string, number>();
  readonly #lengths = new Map<number, number>();
  #nextInode = 1;

  constructor(home: string) {
    this.#home = home;
  }

  /** Takes the catalog down as it is at each commit: SQLite is trusted to have made that durable. */
  readonly commitObserver: CommitObserver = (moment) => {
    if (moment === 'before-commit') this.events.push({ type: 'committing' });
    else this.events.push({ type: 'committed', catalog: catalogFiles(this.#home) });
  };

  readonly fileSystem: FileSystem = {
    ...nodeFileSystem,
    open: (file, flags, mode) => this.#open(file, flags, mode),
    rename: async (from, to) => {
      const inode = this.#inodeAt(from);
      await this.#pending(
        { type: 'rename', inode, from: this.#relative(from), to: this.#relative(to), doneAt: Infinity },
        () => nodeFileSystem.rename(from, to),
      );
      this.#inodes.delete(this.#relative(from));
      this.#inodes.set(this.#relative(to), inode);
    },
    link: async (from, to) => {
      const inode = this.#inodeAt(from);
      await this.#pending({ type: 'link', inode, path: this.#relative(to), doneAt: Infinity }, () =>
        nodeFileSystem.link(from, to),
      );
      this.#inodes.set(this.#relative(to), inode);
    },
    unlink: async (file) => {
      await this.#pending({ type: 'unlink', path: this.#relative(file), doneAt: Infinity }, () =>
        nodeFileSystem.unlink(file),
      );
      this.#inodes.delete(this.#relative(file));
    },
    syncFolder: async (folder) => {
      const since = this.events.length;
      await slowly(() => nodeFileSystem.syncFolder(folder));
      this.events.push({ type: 'folder-synced', folder: this.#relative(folder), since });
    },
  };

  async #open(file: string, flags: 'r' | 'wx', mode: number | undefined): Promise<OpenFile> {
    if (flags === 'r') return nodeFileSystem.open(file, flags, mode);
    const inode = this.#nextInode++;
    const inner = await this.#pending(
      { type: 'create', inode, path: this.#relative(file), doneAt: Infinity },
      () => nodeFileSystem.open(file, flags, mode),
    );
    this.#inodes.set(this.#relative(file), inode);
    this.#lengths.set(inode, 0);
    return {
      ...inner,
      write: async (bytes, position) => {
        const offset = position ?? this.#lengths.get(inode) ?? 0;
        this.#lengths.set(inode, offset + bytes.byteLength);
        await this.#pending(
          { type: 'write', inode, offset, bytes: Buffer.from(bytes), doneAt: Infinity },
          () => inner.write(bytes, position),
        );
      },
      sync: async () => {
        const since = this.events.length;
        await slowly(() => inner.sync());
        this.events.push({ type: 'synced', inode, since });
      },
    };
  }

  /** Written down before it is done: the disk may have it at once. */
  async #pending<T>(event: DiskEvent & Pending, work: () => Promise<T>): Promise<T> {
    const place = this.events.push(event) - 1;
    try {
      const result = await work();
      event.doneAt = this.events.length;
      return result;
    } catch (error) {
      // What failed has changed nothing: it becomes an event without an effect.
      this.events[place] = { type: 'committing' };
      throw error;
    }
  }

  #relative(file: string): string {
    return path.relative(this.#home, file);
  }

  #inodeAt(file: string): number {
    const name = this.#relative(file);
    const known = this.#inodes.get(name);
    if (known !== undefined) return known;
    const inode = this.#nextInode++;
    this.#inodes.set(name, inode);
    this.found.set(name, inode);
    return inode;
  }
}

/** A sync takes its time, so that whoever does not wait for it is caught. */
async function slowly(sync: () => Promise<void>): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 3));
  await sync();
}

export function catalogFiles(home: string): CatalogFiles {
  const database = fs.readFileSync(path.join(home, 'catalog.db'));
  const file = path.join(home, 'catalog.db-wal');
  return { database, log: fs.existsSync(file) ? fs.readFileSync(file) : undefined };
}
