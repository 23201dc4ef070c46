/** What storing begins and ends with, alike for files and trees: a session, a writer, and a head start for copies. */
import { throwIfAborted } from '../../errors.js';
import type { OpenVault } from '../home/vault.js';
import type { ChunkOptions, CopiesAhead } from './chunk.js';
import { ChunkWriter } from './chunk-writer.js';
import { checkNameAndTags } from './manifest-writer.js';
import { DEFAULT_REPLICAS } from './store-result.js';
import { threadCount } from './threads.js';

export interface Storing {
  readonly writer: ChunkWriter;
  /** Copies that are made while the input is still being read. */
  readonly ahead: CopiesAhead | undefined;
}

/** @throws E_ABORTED, E_USAGE for a name or tags that a manifest cannot hold, and what `store` throws */
export async function withWriter<T>(
  vault: OpenVault,
  options: ChunkOptions,
  store: (storing: Storing) => Promise<T>,
): Promise<T> {
  const { signal } = options;
  throwIfAborted(signal);
  checkNameAndTags(options.name, options.tags ?? []);
  vault.home.session();
  const ahead = options.copier?.ahead?.(options.replicas ?? DEFAULT_REPLICAS, signal);
  const writer = new ChunkWriter(
    vault,
    vault.engine(threadCount(options.workers)),
    options.compression ?? 'auto',
    (object) => ahead?.offer(object),
  );
  try {
    return await store({ writer, ahead });
  } finally {
    await ahead?.stop();
    await writer.close();
  }
}
