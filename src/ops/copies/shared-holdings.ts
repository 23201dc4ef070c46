/** What two nodes should both hold: the part of a store that is worth comparing between them. */
import type { Catalog } from '../../catalog/catalog.js';
import type { Holding, HoldingRange } from '../../catalog/holdings.js';
import { eachHolding } from '../../catalog/holdings.js';
import type { NodeId, StoreId } from '../../core/ids.js';
import { DIGEST_GROUPS, type GroupSpan } from '../../net/digest.js';
import type { Cluster } from '../cluster/cluster.js';

/**
 * The objects of this node's catalog that both it and `other` should hold, in ascending order.
 * @param other undefined: all of them
 */
export function* sharedHoldings(
  catalog: Catalog,
  cluster: Cluster | undefined,
  other: NodeId | undefined,
  range: HoldingRange = {},
): Generator<Holding> {
  for (const holding of eachHolding(catalog, range)) {
    if (cluster === undefined || other === undefined) {
      yield holding;
      continue;
    }
    const holders = cluster.holders(holding.id);
    if (holders.includes(other) && holders.includes(cluster.self)) yield holding;
  }
}

export function* idsOf(holdings: Iterable<Holding>): Generator<StoreId> {
  for (const { id } of holdings) yield id;
}

/** The ids of a span of digest groups. */
export function spanRange({ first, last }: GroupSpan): HoldingRange {
  const shift = BigInt(256 - Math.log2(DIGEST_GROUPS));
  const hex = (value: bigint): StoreId => value.toString(16).padStart(64, '0') as StoreId;
  const through = hex((BigInt(last + 1) << shift) - 1n);
  return first === 0 ? { through } : { after: hex((BigInt(first) << shift) - 1n), through };
}
