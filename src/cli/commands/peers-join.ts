/** `disktro peers join`: takes up an invite. */
import os from 'node:os';
import { parseInvite } from '../../net/invite.js';
import { shortNodeId } from '../../net/node-id.js';
import { joinCluster } from '../../ops/cluster/join-cluster.js';
import type { Context } from '../context.js';
import { clusterOptions, withNode } from '../node-context.js';
import { tellUntoldVault } from '../untold-vault.js';

export async function run(context: Context, [line = '']: readonly string[]): Promise<void> {
  // Before a home is made for a line that is no invite.
  parseInvite(line, Date.now());
  await withNode(context, async (home, files) => {
    const { config, output, signal } = context;
    const name = config.node_name === '' ? os.hostname() : config.node_name;
    const joined = await joinCluster(home, files, line, { ...clusterOptions(context), name, signal });
    if (output.isJson) output.record(joined);
    else output.result(joined.id);
    output.note(`node ${shortNodeId(joined.id)} has joined; \`disktro serve\` makes it hold copies`);
  });
  await tellUntoldVault(context);
}
