/** `disktro peers add`: takes a bucket or folder in, or learns from a member at a new address where it is. */
import { DisktroError, notFound, usageError } from '../../errors.js';
import { isNodeId } from '../../net/node-id.js';
import { contactAt } from '../../ops/cluster/contact.js';
import { isStoreUrl } from '../../store/store-url.js';
import type { Context } from '../context.js';
import { clusterOf, withNode } from '../node-context.js';
import { addStore, type HolderFlags } from './holder-add.js';
import { plainAddress } from './peers-invite.js';

export async function run(
  context: Context,
  [text = '']: readonly string[],
  flags: HolderFlags,
): Promise<void> {
  if (isStoreUrl(text)) return addStore(context, text, flags);
  const { name, zone, capacity, role } = flags;
  if ([name, zone, capacity, role].some((flag) => flag !== undefined)) {
    throw usageError('--name, --zone, --capacity and --role are for buckets and folders');
  }
  const { output, signal } = context;
  const address = plainAddress(text);
  await withNode(context, async (home, files) => {
    const cluster = await clusterOf(context, home);
    if (cluster === undefined) {
      throw notFound('this node is in no cluster', 'a machine joins by `disktro peers join`, with an invite');
    }
    try {
      const id = await contactAt(cluster, address, signal);
      if (!isNodeId(id) || cluster.membership.record(id) === undefined) {
        throw new DisktroError('E_PEER_REFUSED', `${address} is no member of this cluster`);
      }
      await files.writeMembers(cluster.membership.snapshot());
      if (output.isJson) output.record({ id, address });
      else output.result(id);
    } finally {
      await cluster.close();
    }
  });
}
