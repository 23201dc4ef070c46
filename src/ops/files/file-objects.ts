/** The objects that files need, each once, as far as they are here. */
import { eachFile } from '../../catalog/files.js';
import type { Holding } from '../../catalog/holdings.js';
import type { FileId, StoreId } from '../../core/ids.js';
import type { Vault } from '../home/vault.js';
import { openedHome } from '../home/vault.js';
import { resolveFileId } from './resolve.js';

export interface FileChoice {
  /** As a person names files; empty: all. */
  readonly ids: readonly string[];
  /** Only files stored since then, ms since 1970. */
  readonly sinceMs?: number | undefined;
}

/** All that one file needs, here or not. */
export function allObjectsOf(vault: Vault, id: FileId): readonly Holding[] {
  const rows = openedHome(vault).objects.descendants(id);
  return rows.map(({ storeId, kind, storedBytes }) => ({ id: storeId, kind, bytes: storedBytes }));
}

export interface FileObjects {
  readonly files: number;
  readonly objects: readonly Holding[];
  /** Needed, and lost or never fetched here. */
  readonly absent: number;
}

/** @throws E_NOT_FOUND, E_AMBIGUOUS */
export function fileObjects(vault: Vault, { ids, sinceMs = 0 }: FileChoice): FileObjects {
  const { catalog, objects } = openedHome(vault);
  const named = ids.map((id) => resolveFileId(vault, id));
  const all = named.length > 0 ? [] : [...eachFile(catalog)].filter(({ createdMs }) => createdMs >= sinceMs);
  const files = [...new Set([...named, ...all.map(({ id }) => id)])];
  const needed = new Map<StoreId, Holding>();
  let absent = 0;
  for (const file of files) {
    for (const { storeId, kind, storedBytes, state } of objects.descendants(file)) {
      if (needed.has(storeId)) continue;
      if (state === 'present') needed.set(storeId, { id: storeId, kind, bytes: storedBytes });
      else absent++;
    }
  }
  return { files: files.length, objects: [...needed.values()], absent };
}
