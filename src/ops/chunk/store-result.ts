/** The end of storing, alike for files and trees: manifest, copies on other nodes, and what is told of it. */

import type { OpenVault } from '../home/vault.js';
import type { ChunkOptions, ChunkResult, CopiesAhead } from './chunk.js';
import type { ChunkWriter } from './chunk-writer.js';
import type { NewManifest } from './manifest-writer.js';
import { storeManifest } from './manifest-writer.js';

export const DEFAULT_REPLICAS = 3;

/**
 * Everything that the manifest names is durable.
 * @param ahead copies that were begun while it was read
 */
export async function storeResult(
  vault: OpenVault,
  writer: ChunkWriter,
  options: ChunkOptions,
  manifest: NewManifest,
  ahead?: CopiesAhead,
): Promise<Omit<ChunkResult, 'seconds'>> {
  const { id, storedBytes } = await storeManifest(vault, writer, manifest);
  const wanted = options.replicas ?? DEFAULT_REPLICAS;
  await ahead?.drained();
  const confirmed = await options.copier?.copy(vault.home.objects.descendants(id), wanted, options.signal);
  const copies = { wanted, confirmed: confirmed ?? 1 };
  return {
    id,
    name: manifest.name,
    kind: manifest.kind,
    bytes: manifest.bytes,
    chunks: manifest.chunks.count,
    newChunks: writer.stats.newChunks,
    storedBytes: writer.stats.storedBytes + storedBytes,
    dedupedBytes: writer.stats.dedupedBytes,
    copies,
    degraded: copies.confirmed < copies.wanted,
  };
}
