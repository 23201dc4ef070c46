/**
 * Reads what a bucket or folder holds again, a little at a time, from a random place on, so that all of it is read in the
 * long run without a note of where the last run stopped. Wrong bytes are replaced by whole ones from here or from a node.
 */
import { randomBytes } from 'node:crypto';
import type { NodeId, StoreId } from '../../core/ids.js';
import type { ObjectKind } from '../../core/object.js';
import { isDisktroError, throwIfAborted } from '../../errors.js';
import { checkObject } from '../../store/holder-store.js';
import type { Cluster } from '../cluster/cluster.js';
import { MAX_HELD_OBJECT_BYTES } from '../copies/held-writer.js';
import { PeerSource } from '../copies/peer-source.js';
import { readWhole } from '../copies/scrub.js';
import type { OpenHome } from '../home/home.js';
import type { HolderClient } from './holder-client.js';

export interface HolderScrubResult {
  readonly objects: number;
  readonly bytes: number;
  readonly repaired: readonly StoreId[];
  /** Damaged, and whole nowhere else: left as they are, the person may have a copy of that disk. */
  readonly damaged: readonly StoreId[];
}

const PAGE = 100;

/** @param bytes how much to read, at most @throws E_PEER_UNREACHABLE, E_PEER_REFUSED, E_ABORTED */
export async function scrubHolder(
  home: OpenHome,
  cluster: Cluster,
  holder: HolderClient,
  bytes: number,
  signal?: AbortSignal,
): Promise<HolderScrubResult> {
  const result = { objects: 0, bytes: 0, repaired: [] as StoreId[], damaged: [] as StoreId[] };
  const room = Buffer.allocUnsafeSlow(MAX_HELD_OBJECT_BYTES);
  // Manifests first, with half at most: there are few of them, and chunks would use up all of it every time.
  for (const kind of ['manifest', 'chunk'] as const) {
    const most = kind === 'manifest' ? bytes / 2 : bytes;
    let after: StoreId | undefined = randomBytes(32).toString('hex') as StoreId;
    // From there to the end, then from the beginning: a small store is read whole.
    for (let lap = 0; lap < 2 && result.bytes < most; lap++, after = undefined) {
      for (;;) {
        throwIfAborted(signal);
        const page = await holder.listObjects(kind, {
          limit: PAGE,
          ...(after === undefined ? {} : { after }),
        });
        after = page.at(-1)?.id;
        if (after === undefined || result.bytes >= most) break;
        for (const { id, bytes: length } of page) {
          if (result.bytes >= most) break;
          result.objects++;
          result.bytes += length;
          if (await isWhole(holder, kind, id, room, signal)) continue;
          const isBack = await bringBack(home, cluster, holder, kind, id, signal);
          (isBack ? result.repaired : result.damaged).push(id);
        }
      }
    }
  }
  return result;
}

async function isWhole(
  holder: HolderClient,
  kind: ObjectKind,
  id: StoreId,
  room: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  try {
    await holder.readObject(kind, id, room, signal);
    return true;
  } catch (error) {
    // Freed meanwhile: nothing to bring back.
    if (isDisktroError(error, 'E_OBJECT_MISSING')) return true;
    if (isDisktroError(error, 'E_OBJECT_ID', 'E_OBJECT_LENGTH')) return false;
    throw error;
  }
}

async function bringBack(
  home: OpenHome,
  cluster: Cluster,
  holder: HolderClient,
  kind: ObjectKind,
  id: StoreId,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const replace = (bytes: Uint8Array): Promise<void> => holder.replaceObject(kind, id, bytes, signal);
  try {
    if (home.objects.find(id)?.state === 'present') {
      await replace(await readWhole(home, kind, id));
      return true;
    }
    const source = new PeerSource(home, cluster, () => {}, new Set<NodeId>([holder.id]));
    await source.fetch(
      id,
      Buffer.allocUnsafeSlow(MAX_HELD_OBJECT_BYTES),
      async (bytes) => {
        checkObject(id, bytes, 'a node');
        await replace(bytes);
      },
      signal,
    );
    return true;
  } catch (error) {
    if (!isDisktroError(error) || isDisktroError(error, 'E_ABORTED', 'E_NO_SPACE')) throw error;
    return false;
  }
}
