/** `disktro peers ping`: whether nodes are there; status 20 when one is not. */
import { DisktroError, notFound } from '../../errors.js';
import { shortNodeId } from '../../net/node-id.js';
import { contact, isRefusal, throwIfRefused } from '../../ops/cluster/contact.js';
import type { Context } from '../context.js';
import { escapeControls } from '../escape.js';
import { clusterOf, withNode } from '../node-context.js';

export async function run(context: Context, [text]: readonly string[]): Promise<void> {
  const { output, signal } = context;
  await withNode(context, async (home) => {
    const cluster = await clusterOf(context, home);
    if (cluster === undefined) throw notFound('this node is in no cluster', 'run `disktro peers join` first');
    try {
      const nodes = text === undefined ? cluster.reachable() : [cluster.find(text)];
      const silent: string[] = [];
      const failures: unknown[] = [];
      for (const id of nodes) {
        const startedMs = performance.now();
        const holder = cluster.holderClients().find((each) => each.id === id);
        const answered = holder === undefined ? contact(cluster, id, signal) : holder.ping(signal);
        const failure = await answered.then(
          () => undefined,
          (error: unknown) => error,
        );
        const ms = Math.round(performance.now() - startedMs);
        if (failure !== undefined) silent.push(id);
        failures.push(failure);
        const said = failure === undefined ? `${ms} ms` : isRefusal(failure) ? 'refused' : 'no answer';
        const name = cluster.membership.record(id)?.name ?? '';
        if (output.isJson) output.record({ id, name, ok: failure === undefined, ms });
        else output.result(`${shortNodeId(id)} ${escapeControls(name)}: ${said}`);
      }
      throwIfRefused(cluster, failures);
      if (silent.length > 0) {
        throw new DisktroError(
          'E_PEER_UNREACHABLE',
          `${silent.length} of ${nodes.length} nodes did not answer`,
          {
            details: { nodes: silent },
          },
        );
      }
    } finally {
      await cluster.close();
    }
  });
}
