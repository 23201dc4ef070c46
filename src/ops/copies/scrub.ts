/**
 * Reads everything again, a little at a time, so that damage is found while there are good copies. What is damaged is put
 * aside, never served or spread, and `repair` fetches it again.
 */

import { keepUnfreed } from '../../catalog/holdings.js';
import { getMeta, setMeta } from '../../catalog/meta.js';
import type { ObjectRow } from '../../catalog/objects.js';
import { sha256Hex } from '../../core/hashes.js';
import type { StoreId } from '../../core/ids.js';
import type { ObjectKind } from '../../core/object.js';
import { DisktroError, integrityError, isDisktroError, throwIfAborted } from '../../errors.js';
import { OBJECT_KINDS } from '../../store/paths.js';
import type { OpenHome } from '../home/home.js';

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

/**
 * An object as it may be sent to others: its bytes hash to its name. One that is gone or damaged is noted.
 * @throws E_OBJECT_MISSING, E_OBJECT_ID, E_IO
 */
export async function readWhole(home: OpenHome, kind: ObjectKind, id: StoreId): Promise<Buffer> {
  const row = home.objects.find(id);
  const lost = (): void => home.objects.markLost(row === undefined ? [] : [row.row]);
  const bytes = await home.store.get(kind, id).catch((error: unknown) => {
    if (isDisktroError(error, 'E_OBJECT_MISSING')) lost();
    throw error;
  });
  if (sha256Hex(bytes) === id) return bytes;
  lost();
  throw integrityError('E_OBJECT_ID', `object ${id} is damaged here`);
}

const CENSUS_ROWS = 1_000;

/**
 * Looks whether every object's file is there with its length, and reads none: finds at once what an emptied disk has
 * lost, where {@link scrubSome} takes a week.
 * @returns how many are gone or cut
 * @throws E_IO when objects/ as a whole is gone: then nothing is taken for lost
 */
export async function census(home: OpenHome, signal?: AbortSignal): Promise<number> {
  const { objects } = home.paths;
  if ((await home.fileSystem.stat(objects)) === undefined) {
    throw new DisktroError('E_IO', `${objects} is gone: is its disk mounted?`);
  }
  keepUnfreed(home.catalog);
  let gone = 0;
  let row = 0;
  for (;;) {
    throwIfAborted(signal);
    const page = home.objects.page(row, CENSUS_ROWS);
    row = page.at(-1)?.row ?? row;
    if (page.length === 0) return gone;
    for (const kind of OBJECT_KINDS) {
      const present = page.filter((object) => object.kind === kind && object.state === 'present');
      const sizes = await home.store.sizes(
        kind,
        present.map(({ storeId }) => storeId),
      );
      const lost = present.filter(({ storedBytes }, index) => sizes[index] !== storedBytes);
      home.objects.markLost(lost.map((object) => object.row));
      gone += lost.length;
    }
  }
}

async function isWhole(home: OpenHome, { row, kind, storeId }: ObjectRow): Promise<boolean> {
  try {
    if (sha256Hex(await home.store.get(kind, storeId)) === storeId) return true;
    // In this order: once it is noted as lost, a push may put a whole one in its place.
    await home.store.quarantine(kind, storeId);
    home.objects.markLost([row]);
  } catch (error) {
    if (!isDisktroError(error, 'E_OBJECT_MISSING', 'E_IO')) throw error;
    // `gc` may have freed it meanwhile: then it has no row any more, and there is nothing to note.
    home.objects.markLost([row]);
  }
  return home.objects.find(storeId)?.state !== 'lost';
}
