/** `disktro peers join`: takes up an invite. */
import os from 'node:os';
import { usageError } from '../../errors.js';
import { parseInvite } from '../../net/invite.js';
import { shortNodeId } from '../../net/node-id.js';
import { contactAll } from '../../ops/contact.js';
import { takeUpInvite } from '../../ops/join.js';
import type { Context } from '../context.js';
import { clusterOf, withNode } from '../node-context.js';

export async function run(context: Context, [line = '']: readonly string[]): Promise<void> {
  const invite = parseInvite(line, Date.now());
  await withNode(context, async (home, files) => {
    const { config, output, signal } = context;
    const identity = await files.ensure(config.node_name === '' ? os.hostname() : config.node_name);
    const before = await clusterOf(context, home);
    const others = before?.everyone().length ?? 0;
    await before?.close();
    if (others > 0) {
      throw usageError(
        `this node is in a cluster with ${others} others already`,
        'a machine belongs to one cluster; use another home for another one',
      );
    }
    await takeUpInvite(files, invite, signal);
    const cluster = await clusterOf(context, home);
    try {
      // So that all know of it at once, also when `serve` is not running here.
      if (cluster !== undefined) await contactAll(cluster, cluster.everyone().slice(0, 3), signal);
      if (cluster !== undefined) await files.writeMembers(cluster.membership.snapshot());
    } finally {
      await cluster?.close();
    }
    if (output.isJson) output.record({ id: identity.id, peers: cluster?.everyone() ?? [] });
    else output.result(identity.id);
    output.note(`node ${shortNodeId(identity.id)} has joined; \`disktro serve\` makes it hold copies`);
  });
}
