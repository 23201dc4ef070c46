/** How a home stands: what it holds, how safe it is, when it was last used and checked. */

import { countFiles } from '../catalog/files.js';
import type { MetaKey } from '../catalog/meta.js';
import { getMeta } from '../catalog/meta.js';
import type { Home } from './home.js';
import { openedHome } from './vault.js';

export interface Status {
  readonly home: string;
  readonly vaultId: string | null;
  readonly nodeId: string | null;
  readonly objects: number;
  readonly bytes: number;
  readonly files: number;
  /** Objects with fewer copies than wanted. */
  readonly degradedObjects: number;
  /** Objects that nothing needs any more and that `gc` has not freed yet. */
  readonly tombstoned: number;
  readonly freeBytes: number;
  readonly peers: Readonly<Record<'online' | 'unreachable' | 'offline', number>>;
  /** ISO 8601, UTC; null when there was none. */
  readonly lastChunk: string | null;
  readonly lastVerify: string | null;
}

/** @param replicas copies wanted of each object, this node's included */
export async function homeStatus(home: Home, { replicas }: { readonly replicas: number }): Promise<Status> {
  const open = openedHome(home);
  const { objects, bytes, tombstoned, lost } = open.objects.totals();
  const { freeBytes } = await open.fileSystem.space(open.path);
  const time = (key: MetaKey): string | null => {
    const ms = getMeta(open.catalog, key);
    return typeof ms === 'number' ? new Date(ms).toISOString() : null;
  };
  return {
    home: open.path,
    vaultId: open.vaultId ?? null,
    nodeId: null,
    objects,
    bytes,
    files: countFiles(open.catalog),
    degradedObjects: replicas > 1 ? objects - tombstoned : lost,
    tombstoned,
    freeBytes,
    peers: { online: 0, unreachable: 0, offline: 0 },
    lastChunk: time('last_chunk_ms'),
    lastVerify: time('last_verify_ms'),
  };
}
