/** Where the copies of an object go when some of its holders have no room left. Speaks to nobody. */
import type { NodeId, StoreId } from '../../core/ids.js';
import type { Cluster } from '../cluster/cluster.js';

/** Its holders, this node perhaps among them; in place of each that is full, the next in rank. A mirror has no next. */
export function placesOf(cluster: Cluster, id: StoreId, full: ReadonlySet<NodeId>): readonly NodeId[] {
  const holders = cluster.holders(id);
  if (full.size === 0) return holders;
  const mirrors = new Set(cluster.mirrors());
  const lacking = holders.filter((node) => full.has(node) && !mirrors.has(node)).length;
  const next = cluster.ranked(id).filter((node) => !holders.includes(node) && !full.has(node));
  return [...holders.filter((node) => !full.has(node)), ...next.slice(0, lacking)];
}
