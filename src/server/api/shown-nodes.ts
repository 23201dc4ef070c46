/** Nodes as the API shows them: docs/openapi.yaml, Node. This one last; alone when it is in no cluster. */
import type { NodeHoldings } from '../../catalog/file-objects.js';
import { holdingsOfNodes, idsOnNode } from '../../catalog/file-objects.js';
import { countHoldings } from '../../catalog/holdings.js';
import { shownNodes } from '../routes/members.js';
import type { ServingNode } from '../serving-node.js';

export interface ApiNodeInfo {
  readonly id: string;
  readonly address: string;
  readonly port: number;
  readonly last_seen: string | null;
  readonly status: string;
  readonly files: readonly string[];
  readonly chunks: readonly string[];
  readonly name: string;
  readonly zone: string;
  readonly capacity: number;
  readonly free: number;
  readonly self: boolean;
  readonly version: string;
  readonly file_count: number;
  readonly chunk_count: number;
}

/** What each node is known to hold; worth keeping as long as the catalog does not change. */
export interface Holdings {
  readonly others: ReadonlyMap<string, NodeHoldings>;
  readonly own: { readonly manifests: number; readonly chunks: number };
}

export function holdingsOf({ home }: ServingNode): Holdings {
  return { others: holdingsOfNodes(home.catalog), own: countHoldings(home.catalog) };
}

/** @param isFull with the ids of what each holds */
export async function apiNodes(
  node: ServingNode,
  isFull: boolean,
  holdings: Holdings = holdingsOf(node),
): Promise<readonly ApiNodeInfo[]> {
  const members = shownNodes(node);
  const shown = members.length > 0 ? members : [await alone(node)];
  return shown.map((each) => {
    const isSelf = each.id === node.id;
    const there = isSelf ? holdings.own : holdings.others.get(each.id);
    const ids = (kind: 'chunk' | 'manifest') =>
      isFull ? idsOnNode(node.home.catalog, isSelf ? undefined : each.id, kind) : [];
    return {
      ...each,
      files: ids('manifest'),
      chunks: ids('chunk'),
      self: isSelf,
      file_count: there?.manifests ?? 0,
      chunk_count: there?.chunks ?? 0,
    };
  });
}

async function alone(node: ServingNode) {
  const { freeBytes, totalBytes } = await node.home.fileSystem.space(node.home.path);
  const { name, zone } = await node.files.settings();
  return {
    id: node.id,
    address: '127.0.0.1',
    port: node.port,
    name,
    last_seen: new Date().toISOString(),
    status: 'online',
    capacity: totalBytes,
    free: freeBytes,
    zone,
    version: node.version,
  };
}
