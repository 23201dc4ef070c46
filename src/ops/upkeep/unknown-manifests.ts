/**
 * Manifests of this vault that lie in the store and that its catalog does not know: their process was killed between the
 * two, or the catalog is older than the store, as after a home was copied back. What they need looks like garbage, so
 * `gc` frees next to nothing as long as there is one; with the vault's keys they are entered.
 */
import fs from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { removedManifests } from '../../catalog/imports.js';
import { liveSessions } from '../../catalog/sessions.js';
import type { FileId, StoreId } from '../../core/ids.js';
import { OBJECT_HEADER_BYTES, vaultOf } from '../../core/object.js';
import { missingObject, throwIfAborted } from '../../errors.js';
import type { OpenHome } from '../home/home.js';
import type { OpenVault } from '../home/vault.js';
import { isOfManifest, ManifestEntry } from './manifest-entry.js';

/** `serve` enters what it takes in without a session: what is unknown for longer does not come from it. */
const ARRIVAL_MS = 1_000;

/** None while another process is adding files: it may be about to enter them, and until it ends nothing it needs is freed. */
export async function unknownManifests(home: OpenHome): Promise<readonly FileId[]> {
  const { catalog, paths, store, objects } = home;
  const isUnknown = (id: StoreId): boolean => objects.find(id) === undefined;
  const found: FileId[] = [];
  let after: StoreId | undefined;
  for (;;) {
    const page = await store.list('manifest', after === undefined ? {} : { after });
    after = page.at(-1)?.id;
    if (after === undefined) break;
    const unknown = page.map(({ id }) => id).filter(isUnknown);
    if (unknown.length === 0 || liveSessions(catalog, paths.temporary).length > 0) continue;
    // Once more, now that nobody is adding: its row may have come meanwhile.
    for (const id of unknown.filter(isUnknown)) {
      if ((await vaultOfStored(home, id)) === home.vaultId) found.push(id as FileId);
    }
  }
  if (found.length > 0 && fs.existsSync(paths.node)) await pause(ARRIVAL_MS);
  return found.filter(isUnknown);
}

/**
 * Makes them files of the catalog, those of which every chunk is in the store. The others stay unknown.
 * @returns how many are known since now
 * @throws E_ABORTED, and what this home's disk does
 */
export async function enterUnknownManifests(
  vault: OpenVault,
  signal: AbortSignal | undefined,
): Promise<number> {
  const { home } = vault;
  const unknown = await unknownManifests(home);
  if (unknown.length === 0) return 0;
  const removed = removedManifests(home.catalog, unknown);
  const find = async (kind: 'manifest' | 'chunk', id: StoreId): Promise<number> => {
    const [size] = await home.store.sizes(kind, [id]);
    if (size === undefined) throw missingObject(id);
    return size;
  };
  const work = new ManifestEntry(vault, { find, isStrict: true, signal });
  let entered = 0;
  try {
    for (const id of unknown) {
      throwIfAborted(signal);
      if (removed.has(id)) continue;
      try {
        if (await work.enter(id)) entered++;
      } catch (error) {
        if (!isOfManifest(error)) throw error;
      }
    }
  } finally {
    // Or `gc`, which comes next in this process, would wait for it.
    home.endSession();
  }
  return entered;
}

/** Of a manifest that is not this vault's own nothing here depends. */
async function vaultOfStored({ store, vaultId }: OpenHome, id: StoreId): Promise<string | undefined> {
  try {
    return vaultOf(await store.get('manifest', id, { offset: 0, length: OBJECT_HEADER_BYTES })) ?? vaultId;
  } catch {
    return vaultId;
  }
}
