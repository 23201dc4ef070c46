/**
 * Reads everything again, a little at a time, so that damage is found while there are good copies (docs/PROTOCOL.md,
 * "Scrub"). What is damaged is put aside, never served or spread, and `repair` fetches it again.
 */
import { getMeta, setMeta } from '../catalog/meta.js';
import type { ObjectRow } from '../catalog/objects.js';
import { sha256Hex } from '../core/hashes.js';
import { isDisktroError, throwIfAborted } from '../errors.js';
import type { OpenHome } from './home.js';

export interface ScrubResult {
  readonly objects: number;
  readonly bytes: number;
  readonly damaged: readonly string[];
  /** Whether the end of the store was reached: the next scrub begins again. */
  readonly isRound: boolean;
}

const PAGE_ROWS = 100;

/** Goes on from where the last one stopped, until `bytes` were read or the end is reached. */
export async function scrubSome(home: OpenHome, bytes: number, signal?: AbortSignal): Promise<ScrubResult> {
  const result = { objects: 0, bytes: 0, damaged: [] as string[], isRound: false };
  let row = getMeta(home.catalog, 'scrubbed_row') ?? 0;
  while (result.bytes < bytes) {
    throwIfAborted(signal);
    const page = home.objects.page(row, PAGE_ROWS);
    if (page.length === 0) {
      result.isRound = true;
      row = 0;
      break;
    }
    for (const object of page) {
      if (result.bytes >= bytes) break;
      row = object.row;
      if (object.state !== 'present') continue;
      result.objects++;
      result.bytes += object.storedBytes;
      if (!(await isWhole(home, object))) result.damaged.push(object.storeId);
    }
  }
  home.catalog.write(() => setMeta(home.catalog.database, 'scrubbed_row', row));
  return result;
}

async function isWhole(home: OpenHome, { row, kind, storeId }: ObjectRow): Promise<boolean> {
  try {
    if (sha256Hex(await home.store.get(kind, storeId)) === storeId) return true;
    home.objects.markLost([row]);
    await home.store.quarantine(kind, storeId);
  } catch (error) {
    if (!isDisktroError(error, 'E_OBJECT_MISSING', 'E_IO')) throw error;
    // `gc` may have freed it meanwhile: then it has no row any more, and there is nothing to note.
    home.objects.markLost([row]);
  }
  return home.objects.find(storeId)?.state !== 'lost';
}
