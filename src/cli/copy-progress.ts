/** How the way of objects to peers and from them is shown: bytes, and what each peer has of them. */
import type { NodeId } from '../core/ids.js';
import type { ReplicateProgress } from '../ops/copies/object-sender.js';
import type { Progress } from './progress.js';
import { formatBytes } from './units.js';

/** Bytes by the name of the peer, as `--json -v` prints them. */
export function bytesByPeer(
  nodes: ReadonlyMap<NodeId, number>,
  nameOf: (node: NodeId) => string,
): Readonly<Record<string, number>> {
  return Object.fromEntries(Array.from(nodes, ([node, bytes]) => [nameOf(node), bytes]));
}

/** `nas 12 MiB, attic 8.0 MiB`. */
export function peersText(peers: Readonly<Record<string, number>>): string {
  return Object.entries(peers)
    .map(([name, bytes]) => `${name} ${formatBytes(bytes)}`)
    .join(', ');
}

/** What is told while copies are made. */
export function showCopying(
  progress: Progress,
  nameOf: (node: NodeId) => string,
): (facts: ReplicateProgress) => void {
  return ({ sentBytes, totalBytes, nodes }) => {
    const peers = bytesByPeer(nodes, nameOf);
    const detail = `copied to ${peersText(peers)}`;
    progress.update({ done: sentBytes, total: totalBytes, detail }, { sentBytes, totalBytes, peers });
  };
}
