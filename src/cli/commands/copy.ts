/** `disktro copy`: puts the objects of stored files on one member, whatever placement says. */
import { notFound, usageError } from '../../errors.js';
import { fileObjects } from '../../ops/file-objects.js';
import { replicate } from '../../ops/replicate.js';
import { openedHome } from '../../ops/vault.js';
import { type Context, openVault, progressOf } from '../context.js';
import { showCopying } from '../copy-progress.js';
import { agreeOnRecord, clusterOf, type LimitFlags, limitedContext, memberNames } from '../node-context.js';
import { count, formatBytes } from '../units.js';

interface CopyFlags extends LimitFlags {
  readonly to?: string;
  readonly since?: number;
}

export async function run(given: Context, ids: readonly string[], flags: CopyFlags): Promise<void> {
  const context = limitedContext(given, flags);
  const { output, signal } = context;
  if (flags.to === undefined)
    throw usageError('expected --to NODE', 'run `disktro peers` to see the members');
  if (ids.length > 0 && flags.since !== undefined) throw usageError('expected ids or --since, got both');
  await using vault = await openVault(context);
  const home = openedHome(vault);
  const cluster = await clusterOf(context, home);
  if (cluster === undefined) throw notFound('this node is in no cluster', 'run `disktro peers add` first');
  try {
    const node = cluster.find(flags.to);
    const { files, objects, absent } = fileObjects(vault, { ids, sinceMs: flags.since });
    await agreeOnRecord(context, vault, cluster);
    using progress = await progressOf(context, { label: 'copy', unit: 'bytes' });
    const { sentBytes, failures } = await replicate(home, cluster, objects, {
      copies: 2,
      only: [node],
      signal,
      onProgress: showCopying(progress, memberNames(cluster)),
    });
    progress.stop();
    const failure = failures.get(node);
    if (failure !== undefined) throw failure;
    const name = memberNames(cluster)(node);
    if (output.isJson) output.record({ node, files, objects: objects.length, absent, sentBytes });
    else output.result(`${count(files, 'file')}, ${count(objects.length, 'object')} on ${name}`);
    output.note(`${formatBytes(sentBytes)} sent now`);
    if (absent > 0) {
      output.warning(
        `${count(absent, 'object')} not on this machine: run \`disktro repair\` first, or copy from another`,
      );
    }
  } finally {
    await cluster.close();
  }
}
