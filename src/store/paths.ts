/** Where things lie in a home (docs/FORMAT.md, "Home"). Names only: nothing here touches the disk. */
import path from 'node:path';
import type { StoreId } from '../core/ids.js';
import type { ObjectKind } from '../core/object.js';

export interface HomePaths {
  readonly home: string;
  readonly vaultFile: string;
  /** Where the objects are, when not in `objects`. */
  readonly storeFile: string;
  readonly slots: string;
  readonly objects: string;
  readonly temporary: string;
  readonly quarantine: string;
  readonly catalog: string;
  readonly node: string;
  readonly apiToken: string;
}

export function homePaths(home: string): HomePaths {
  return {
    home,
    vaultFile: path.join(home, 'vault.json'),
    storeFile: path.join(home, 'store.json'),
    slots: path.join(home, 'slots'),
    objects: path.join(home, 'objects'),
    temporary: path.join(home, 'tmp'),
    quarantine: path.join(home, 'quarantine'),
    catalog: path.join(home, 'catalog.db'),
    node: path.join(home, 'node'),
    apiToken: path.join(home, 'api-token'),
  };
}

const KIND_FOLDERS: Readonly<Record<ObjectKind, string>> = { chunk: 'chunks', manifest: 'manifests' };

export const OBJECT_KINDS: readonly ObjectKind[] = ['chunk', 'manifest'];

export function kindFolder(objects: string, kind: ObjectKind): string {
  return path.join(objects, KIND_FOLDERS[kind]);
}

/** The 256 folders of a kind are named by the first two digits of the ids in them. */
export function shardFolder(objects: string, kind: ObjectKind, id: string): string {
  return path.join(objects, KIND_FOLDERS[kind], id.slice(0, 2));
}

export function objectPath(objects: string, kind: ObjectKind, id: StoreId): string {
  return path.join(shardFolder(objects, kind, id), id);
}

/** `00` to `ff`. */
export const SHARDS: readonly string[] = Array.from({ length: 256 }, (_, shard) =>
  shard.toString(16).padStart(2, '0'),
);
