/** `disktro upload`: puts the objects of one file on one peer. */
import { existsSync } from 'node:fs';
import { notFound } from '../../errors.js';
import { chunkFile } from '../../ops/chunk.js';
import { replicate } from '../../ops/replicate.js';
import { resolveFileId } from '../../ops/resolve.js';
import { openedHome } from '../../ops/vault.js';
import { type Context, openOrCreateVault, progressOf } from '../context.js';
import { showCopying } from '../copy-progress.js';
import { clusterOf, type LimitFlags, limitedContext, memberNames } from '../node-context.js';
import { rawArguments } from '../raw-arguments.js';
import { formatBytes } from '../units.js';

export async function run(
  given: Context,
  [what = '', peer = '']: readonly string[],
  flags: LimitFlags,
): Promise<void> {
  const context = limitedContext(given, flags);
  const { config, output, signal } = context;
  await using vault = await openOrCreateVault(context);
  const home = openedHome(vault);
  const cluster = await clusterOf(context, home);
  if (cluster === undefined) throw notFound('this node is in no cluster', 'run `disktro peers join` first');
  try {
    const node = cluster.find(peer);
    const path = rawArguments()(what) ?? what;
    const id = existsSync(path)
      ? (await chunkFile(vault, path, { workers: config.workers, compression: config.compression, signal }))
          .id
      : resolveFileId(vault, what);
    const objects = home.objects
      .descendants(id)
      .map(({ storeId, kind, storedBytes }) => ({ id: storeId, kind, bytes: storedBytes }));
    using progress = await progressOf(context, { label: what, unit: 'bytes' });
    const { confirmed, sentBytes, failures } = await replicate(home, cluster, objects, {
      copies: 2,
      only: [node],
      signal,
      onProgress: showCopying(progress, memberNames(cluster)),
    });
    progress.stop();
    const failure = failures.get(node);
    if (failure !== undefined) throw failure;
    const name = cluster.membership.record(node)?.name ?? node;
    if (output.isJson) output.record({ id, node, objects: objects.length, sentBytes, copies: { confirmed } });
    else output.result(id);
    output.note(`${objects.length} objects are on ${name}, ${formatBytes(sentBytes)} of them sent now`);
  } finally {
    await cluster.close();
  }
}
