/**
 * The digests of what two nodes should both hold, worked out again only when it may have changed: for 100,000 objects
 * that takes half a second, and every node is asked for it by every other one, round after round.
 */
import type { Catalog } from '../../catalog/catalog.js';
import { holdingsVersion } from '../../catalog/holdings.js';
import type { NodeId } from '../../core/ids.js';
import { type Digests, digestGroups } from '../../net/digest.js';
import type { Cluster } from '../cluster/cluster.js';
import { idsOf, sharedHoldings } from './shared-holdings.js';

interface Known {
  readonly version: string;
  readonly digests: Digests;
}

const ALL = 'all';
const known = new WeakMap<Catalog, Map<NodeId | typeof ALL, Known>>();

/** @param other undefined: of everything that is here */
export function sharedDigests(
  catalog: Catalog,
  cluster: Cluster | undefined,
  other: NodeId | undefined,
): Digests {
  const ofCatalog = known.get(catalog) ?? new Map<NodeId | typeof ALL, Known>();
  known.set(catalog, ofCatalog);
  const version = `${holdingsVersion(catalog)} ${cluster?.placementKey() ?? ''}`;
  const earlier = ofCatalog.get(other ?? ALL);
  if (earlier?.version === version) return earlier.digests;
  const digests = digestGroups(idsOf(sharedHoldings(catalog, cluster, other)));
  // What was added meanwhile makes another version the next time.
  ofCatalog.set(other ?? ALL, { version, digests });
  return digests;
}
