/** What the metrics say of this node, read when they are asked for. */
import { getMeta } from '../../catalog/meta.js';
import { homeFacts } from '../../ops/home/status.js';
import type { Measures } from '../metrics.js';
import type { Api } from './api.js';
import { peersByStatus, scrubProgress } from './shown-status.js';

export async function measuresOf(api: Api): Promise<Measures> {
  const { node, settings, door, tasks } = api;
  const { objects, bytes, held, files, degradedObjects, tombstoned, freeBytes } = await homeFacts(
    node.home,
    settings.replicaCount,
    api.counted(),
  );
  const scrub = scrubProgress(api);
  return {
    objects,
    bytes,
    heldObjects: held.objects,
    files,
    degradedObjects,
    tombstonedObjects: tombstoned,
    freeBytes,
    peers: peersByStatus(api),
    lastChunkMs: getMeta(node.home.catalog, 'last_chunk_ms'),
    lastVerifyMs: getMeta(node.home.catalog, 'last_verify_ms'),
    scrubbedShare: scrub.totalObjects === 0 ? 1 : scrub.objects / scrub.totalObjects,
    sessions: door.sessions,
    tasks: tasks.running().length,
  };
}
