/** How a node shows itself and the others to whoever may ask. Times are ISO 8601. */
import type { NodeHoldings } from '../catalog/file-objects.js';
import { holdingsOfNodes } from '../catalog/file-objects.js';
import { countHoldings } from '../catalog/holdings.js';
import type { NodeId } from '../core/ids.js';
import type { ServingNode } from './serving-node.js';

export interface ShownNode {
  readonly id: NodeId;
  readonly address: string;
  readonly port: number;
  readonly name: string;
  readonly last_seen: string | null;
  readonly status: string;
  /** How many it is known to hold; null: nothing is known. */
  readonly files: number | null;
  readonly chunks: number | null;
  readonly capacity: number;
  readonly free: number;
  readonly zone: string;
  readonly version: string;
}

/** What each node is known to hold; worth keeping as long as the catalog does not change. */
export interface Holdings {
  readonly others: ReadonlyMap<string, NodeHoldings>;
  readonly own: { readonly manifests: number; readonly chunks: number };
}

export function holdingsOf({ home }: ServingNode): Holdings {
  return { others: holdingsOfNodes(home.catalog), own: countHoldings(home.catalog) };
}

/** All members, this node last; none when it is in no cluster. */
export function shownNodes(
  node: ServingNode,
  { others, own }: Holdings = holdingsOf(node),
): readonly ShownNode[] {
  const cluster = node.cluster();
  if (cluster === undefined) return [];
  const { membership } = cluster;
  const shown = membership.members().map((record) => {
    const [address = ''] = record.addresses;
    const colon = address.lastIndexOf(':');
    const isSelf = record.id === node.id;
    const held = isSelf ? own : others.get(record.id);
    const seenMs = isSelf ? Date.now() : membership.lastSeenMs(record.id);
    return {
      id: record.id,
      address: address.slice(0, Math.max(0, colon)),
      port: Number(address.slice(colon + 1)),
      name: record.name,
      last_seen: seenMs === undefined ? null : new Date(seenMs).toISOString(),
      status: record.status === 'active' ? (membership.status(record.id) ?? 'offline') : record.status,
      files: held?.manifests ?? null,
      chunks: held?.chunks ?? null,
      capacity: record.capacity,
      free: record.free,
      zone: record.zone,
      version: record.version,
    };
  });
  return [...shown.filter(({ id }) => id !== node.id), ...shown.filter(({ id }) => id === node.id)];
}

/** This node, in a cluster or not. */
export async function shownSelf(
  node: ServingNode,
  holdings: Holdings = holdingsOf(node),
): Promise<ShownNode> {
  const member = shownNodes(node, holdings).at(-1);
  if (member?.id === node.id) return member;
  const { freeBytes, totalBytes } = await node.home.fileSystem.space(node.home.path);
  const { name, zone } = await node.files.settings();
  return {
    id: node.id,
    address: '127.0.0.1',
    port: node.port,
    name,
    last_seen: new Date().toISOString(),
    status: 'online',
    files: holdings.own.manifests,
    chunks: holdings.own.chunks,
    capacity: totalBytes,
    free: freeBytes,
    zone,
    version: node.version,
  };
}
