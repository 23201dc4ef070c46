/**
 * Objects as files, `objects/<kind>/ab/<store id>`: written once, whole, durable before anything refers to them.
 * `sha256sum` checks it without a key.
 */
import path from 'node:path';
import type { StoreId } from '../core/ids.js';
import { isStoreId } from '../core/ids.js';
import type { ObjectKind } from '../core/object.js';
import { fileSystemError, integrityError, missingObject } from '../errors.js';
import { FREE_SPACE_RESERVE_BYTES } from '../limits.js';
import { FileBatch, type Room } from './file-batch.js';
import type { FileSystem, OpenFile } from './file-system.js';
import { fillFrom, ignore } from './file-system.js';
import type { HomeStore } from './home-store.js';
import type { ListOptions, ObjectBatch, ObjectSize, StoreUsage } from './object-store.js';
import { DEFAULT_PAGE } from './object-store.js';
import type { HomePaths } from './paths.js';
import { kindFolder, OBJECT_KINDS, objectPath, SHARDS, shardFolder } from './paths.js';

export class FileStore implements HomeStore {
  readonly #fileSystem: FileSystem;
  readonly #paths: HomePaths;
  readonly #token: string;
  #sequence = 0;

  /** @param token names this process's temporary files: `tmp/<token>-<n>` */
  constructor(fileSystem: FileSystem, paths: HomePaths, token: string) {
    this.#fileSystem = fileSystem;
    this.#paths = paths;
    this.#token = token;
  }

  /** Makes the 2 × 256 folders, durably. */
  async makeFolders(): Promise<void> {
    const { objects } = this.#paths;
    await this.#fileSystem.makeFolder(objects);
    for (const kind of OBJECT_KINDS) {
      const folder = kindFolder(objects, kind);
      await this.#fileSystem.makeFolder(folder);
      await Promise.all(SHARDS.map((shard) => this.#fileSystem.makeFolder(path.join(folder, shard))));
      await this.#fileSystem.syncFolder(folder);
    }
    await this.#fileSystem.syncFolder(objects);
  }

  batch(): ObjectBatch {
    return new FileBatch({
      fileSystem: this.#fileSystem,
      objects: this.#paths.objects,
      temporaryName: () => path.join(this.#paths.temporary, `${this.#token}-${this.#sequence++}`),
      room: () => this.#room(),
    });
  }

  async put(kind: ObjectKind, id: StoreId, bytes: Uint8Array): Promise<boolean> {
    const [size] = await this.sizes(kind, [id]);
    if (size === bytes.byteLength) return false;
    await this.replace(kind, id, bytes);
    return true;
  }

  /** Stores an object durably, whatever lies under its name. */
  async replace(kind: ObjectKind, id: StoreId, bytes: Uint8Array): Promise<void> {
    const batch = this.batch();
    try {
      await batch.write(kind, id, bytes);
    } catch (error) {
      await batch.abort();
      throw error;
    }
    await batch.commit();
  }

  async read(kind: ObjectKind, id: StoreId, target: Uint8Array): Promise<number> {
    return this.#withObject(kind, id, async (file) => {
      const length = await fillFrom(file, target);
      if (length < target.byteLength || (await file.read(Buffer.alloc(1), null)) === 0) return length;
      throw integrityError(
        'E_OBJECT_LENGTH',
        `object ${id}: longer than the ${target.byteLength} bytes it may have`,
      );
    });
  }

  async get(kind: ObjectKind, id: StoreId, range?: { offset: number; length: number }): Promise<Buffer> {
    return this.#withObject(kind, id, async (file) => {
      const { bytes: size } = await file.stat();
      const { offset, length } = range ?? { offset: 0, length: size };
      const target = Buffer.alloc(Math.max(0, Math.min(length, size - offset)));
      let filled = 0;
      while (filled < target.byteLength) {
        const count = await file.read(target.subarray(filled), offset + filled);
        if (count === 0) break;
        filled += count;
      }
      return target.subarray(0, filled);
    });
  }

  async sizes(kind: ObjectKind, ids: readonly StoreId[]): Promise<readonly (number | undefined)[]> {
    return Promise.all(
      ids.map(async (id) => {
        const stat = await this.#fileSystem.stat(objectPath(this.#paths.objects, kind, id));
        return stat?.isFile === true ? stat.bytes : undefined;
      }),
    ).catch((error: unknown) => {
      throw fileSystemError(error, 'looking for objects');
    });
  }

  async list(kind: ObjectKind, options: ListOptions = {}): Promise<readonly ObjectSize[]> {
    const { prefix = '', after = '', limit = DEFAULT_PAGE } = options;
    const page: ObjectSize[] = [];
    for (const shard of SHARDS) {
      if (page.length >= limit) break;
      const isBefore = shard < after.slice(0, 2);
      if (isBefore || !(shard.startsWith(prefix.slice(0, 2)) || prefix.startsWith(shard))) continue;
      const ids = await this.#idsIn(kind, shard);
      const wanted = ids.filter((id) => id > after && id.startsWith(prefix)).slice(0, limit - page.length);
      const sizes = await this.sizes(kind, wanted);
      wanted.forEach((id, index) => {
        const bytes = sizes[index];
        if (bytes !== undefined) page.push({ id, bytes });
      });
    }
    return page;
  }

  async delete(kind: ObjectKind, ids: readonly StoreId[]): Promise<number> {
    let deleted = 0;
    const folders = new Set<string>();
    try {
      for (const id of ids) {
        const file = objectPath(this.#paths.objects, kind, id);
        const isGone = await this.#fileSystem.unlink(file).then(() => true, ignore('ENOENT'));
        if (isGone !== true) continue;
        deleted++;
        folders.add(path.dirname(file));
      }
      await Promise.all([...folders].map((folder) => this.#fileSystem.syncFolder(folder)));
    } catch (error) {
      throw fileSystemError(error, 'deleting objects');
    }
    return deleted;
  }

  async usage(): Promise<StoreUsage> {
    let objects = 0;
    let bytes = 0;
    for (const kind of OBJECT_KINDS) {
      for (const shard of SHARDS) {
        const sizes = await this.sizes(kind, await this.#idsIn(kind, shard));
        objects += sizes.length;
        for (const size of sizes) bytes += size ?? 0;
      }
    }
    const { freeBytes } = await this.#fileSystem.space(this.#paths.home);
    return { objects, bytes, freeBytes };
  }

  async storedMs(kind: ObjectKind, id: StoreId): Promise<number | undefined> {
    const file = objectPath(this.#paths.objects, kind, id);
    const stat = await this.#fileSystem.stat(file).catch((error: unknown) => {
      throw fileSystemError(error, `looking at object ${id}`);
    });
    return stat === undefined ? undefined : Number(stat.mtimeNs / 1_000_000n);
  }

  async quarantine(kind: ObjectKind, id: StoreId): Promise<void> {
    const { quarantine, objects } = this.#paths;
    try {
      await this.#fileSystem.makeFolder(quarantine);
      await this.#fileSystem
        .rename(objectPath(objects, kind, id), path.join(quarantine, id))
        .catch(ignore('ENOENT'));
      await this.#fileSystem.syncFolder(quarantine);
      await this.#fileSystem.syncFolder(shardFolder(objects, kind, id)).catch(ignore('ENOENT'));
    } catch (error) {
      throw fileSystemError(error, `moving object ${id} to quarantine`);
    }
  }

  close(): void {}

  async #idsIn(kind: ObjectKind, shard: string): Promise<StoreId[]> {
    const folder = shardFolder(this.#paths.objects, kind, shard);
    try {
      const names = await this.#fileSystem.readFolder(folder);
      return names
        .filter(isStoreId)
        .filter((id) => id.startsWith(shard))
        .sort();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw fileSystemError(error, 'listing objects');
    }
  }

  async #withObject<T>(kind: ObjectKind, id: StoreId, work: (file: OpenFile) => Promise<T>): Promise<T> {
    try {
      const file = await this.#fileSystem.open(objectPath(this.#paths.objects, kind, id), 'r');
      try {
        return await work(file);
      } finally {
        await file.close();
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw missingObject(id);
      throw fileSystemError(error, `reading object ${id}`);
    }
  }

  async #room(): Promise<Room> {
    const { home } = this.#paths;
    const { freeBytes, totalBytes } = await this.#fileSystem.space(home);
    return { path: home, freeBytes, keptBytes: Math.min(FREE_SPACE_RESERVE_BYTES, totalBytes / 20) };
  }
}
