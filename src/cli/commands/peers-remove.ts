/** `disktro peers remove`: takes a node out, after its copies have been made elsewhere. */
import { notFound } from '../../errors.js';
import { shortNodeId } from '../../net/node-id.js';
import { drainNode, removeNode } from '../../ops/cluster/remove-node.js';
import { drainHolder, forgetHolder } from '../../ops/holders/drain-holder.js';
import { type Context, progressOf } from '../context.js';
import { clusterOf, withNode } from '../node-context.js';

interface RemoveFlags {
  readonly force?: boolean;
  readonly timeout?: number;
}

const DEFAULT_TIMEOUT_SECONDS = 3600;

export async function run(
  context: Context,
  [text = '']: readonly string[],
  flags: RemoveFlags,
): Promise<void> {
  const { output, signal } = context;
  await withNode(context, async (home, files) => {
    const cluster = await clusterOf(context, home);
    if (cluster === undefined) throw notFound('this node is in no cluster');
    try {
      const node = cluster.find(text);
      if (flags.force !== true) {
        using progress = await progressOf(context, { label: `draining ${shortNodeId(node)}`, unit: 'count' });
        let most = 0;
        const options = {
          timeoutMs: (flags.timeout ?? DEFAULT_TIMEOUT_SECONDS) * 1000,
          signal,
          onProgress: (left: number) => {
            most = Math.max(most, left);
            progress.update({ done: most - left, total: most }, { left });
          },
        };
        if (cluster.isStatic(node)) await drainHolder(home, files, cluster, node, options);
        else await drainNode(files, cluster, node, options);
      }
      await removeNode(files, cluster, node, signal);
      await forgetHolder(files, node);
      if (output.isJson) output.record({ id: node, removed: true });
      else output.result(node);
    } finally {
      await cluster.close();
    }
  });
}
