/**
 * Finds what other machines of the same vault have stored: the manifests that members list are fetched with their lists
 * and entered in this catalog. Used by `recover`, `repair` and `gc`. A manifest that was removed here does not
 * come back, and one that is not of this vault's key is not taken.
 */
import { noteCopies } from '../../catalog/copies.js';
import { heldManifests, knownFiles, removedManifests } from '../../catalog/imports.js';
import type { FileId, NodeId, StoreId } from '../../core/ids.js';
import { maxObjectBytes } from '../../core/object.js';
import { isDisktroError, missingObject, throwIfAborted } from '../../errors.js';
import type { Cluster } from '../cluster/cluster.js';
import type { OpenVault } from '../home/vault.js';
import type { FindObject } from '../upkeep/manifest-entry.js';
import { isOfManifest, ManifestEntry } from '../upkeep/manifest-entry.js';
import { HeldWriter } from './held-writer.js';
import { noteCopiesOf } from './note-copies.js';
import { PeerSource } from './peer-source.js';
import { withdrawRegretted } from './withdraw-deletions.js';

export interface ImportOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?:
    | ((progress: { readonly done: number; readonly total: number | undefined }) => void)
    | undefined;
}

export interface ImportResult {
  /** Files that are new here. */
  readonly imported: readonly FileId[];
  /** Manifests that could not be fetched or opened, with why. */
  readonly failed: ReadonlyMap<StoreId, unknown>;
  /** Members that could not be asked what they know. */
  readonly unreachable: ReadonlyMap<NodeId, unknown>;
}

/** @throws E_ABORTED, and what this home's disk does; members' failures are in the result */
export async function importManifests(
  vault: OpenVault,
  cluster: Cluster,
  { signal, onProgress }: ImportOptions = {},
): Promise<ImportResult> {
  const { home } = vault;
  const unreachable = new Map<NodeId, unknown>();
  const listed = new Map<NodeId, readonly StoreId[]>();
  await Promise.all(
    cluster.reachable().map(async (node) => {
      try {
        const manifests = await cluster.peer(node).listManifests(vault.id, signal);
        listed.set(
          node,
          manifests.map(({ id }) => id),
        );
        cluster.membership.noteSeen(node);
      } catch (error) {
        if (isDisktroError(error, 'E_ABORTED')) throw error;
        unreachable.set(node, error);
        cluster.membership.notePingFailed(node);
      }
    }),
  );
  const all = [...new Set([...[...listed.values()].flat(), ...heldManifests(home.catalog, vault.id)])].sort();
  const [known, removed] = [knownFiles(home.catalog, all), removedManifests(home.catalog, all)];
  const wanted = all.filter((id) => !known.has(id) && !removed.has(id)) as FileId[];
  const failed = await importEach(vault, cluster, wanted, { signal, onProgress });
  const imported = wanted.filter((id) => !failed.has(id));
  for (const [node, ids] of listed) noteCopies(home.catalog, node, ids);
  // What was told to be deleted while another machine came to rely on it.
  await withdrawRegretted(vault, cluster, signal);
  await noteCopiesOf(home, cluster, imported, [...listed.keys()], signal);
  return { imported, failed, unreachable };
}

async function importEach(
  vault: OpenVault,
  cluster: Cluster,
  wanted: readonly FileId[],
  { signal, onProgress }: ImportOptions,
): Promise<ReadonlyMap<StoreId, unknown>> {
  const failed = new Map<StoreId, unknown>();
  const work = new ManifestEntry(vault, { find: fetcher(vault, cluster, signal), signal });
  try {
    for (const [done, id] of wanted.entries()) {
      throwIfAborted(signal);
      onProgress?.({ done, total: wanted.length });
      try {
        await work.enter(id);
      } catch (error) {
        if (!isOfManifest(error)) throw error;
        failed.set(id, error);
      }
    }
  } finally {
    // Or `gc`, which may come next in this process, would wait for it.
    vault.home.endSession();
  }
  return failed;
}

/** Where the objects of manifests come from: this home, or the members. */
function fetcher(vault: OpenVault, cluster: Cluster, signal: AbortSignal | undefined): FindObject {
  const { home } = vault;
  const source = new PeerSource(home, cluster);
  const writer = new HeldWriter(home, { quotaBytes: 0, reserveBytes: 0 });
  const buffer = Buffer.allocUnsafeSlow(maxObjectBytes(vault.sizes.max));
  // Manifests and list chunks lie here afterwards: without them the catalog could not be made again.
  return async (kind, id) => {
    const [size] = await home.store.sizes(kind, [id]);
    const row = home.objects.find(id);
    if (size !== undefined && row?.state !== 'lost') return size;
    // The catalog says that it is here, and the store does not have it.
    if (row?.state === 'present') home.objects.markLost([row.row]);
    await source.fetch(id, buffer, (bytes) => writer.put(kind, id, bytes), signal);
    const [stored] = await home.store.sizes(kind, [id]);
    if (stored === undefined) throw missingObject(id);
    return stored;
  };
}
