/** Nodes as the API shows them: docs/openapi.yaml, Node. This one last; alone when it is in no cluster. */
import { idsOnNode } from '../../catalog/file-objects.js';
import type { ServingNode } from '../serving-node.js';
import { type Holdings, holdingsOf, type ShownNode, shownNodes, shownSelf } from '../shown-members.js';

export interface ApiNodeInfo extends Omit<ShownNode, 'files' | 'chunks'> {
  /** Ids of what it holds; null when they were not asked for. */
  readonly files: readonly string[] | null;
  readonly chunks: readonly string[] | null;
  readonly self: boolean;
  readonly file_count: number;
  readonly chunk_count: number;
}

/** @param isFull with the ids of what each holds */
export async function apiNodes(
  node: ServingNode,
  isFull: boolean,
  holdings: Holdings = holdingsOf(node),
): Promise<readonly ApiNodeInfo[]> {
  const members = shownNodes(node, holdings);
  const shown = members.length > 0 ? members : [await shownSelf(node, holdings)];
  return shown.map(({ files, chunks, ...each }) => {
    const isSelf = each.id === node.id;
    const ids = (kind: 'chunk' | 'manifest') =>
      isFull ? idsOnNode(node.home.catalog, isSelf ? undefined : each.id, kind) : null;
    return {
      ...each,
      files: ids('manifest'),
      chunks: ids('chunk'),
      self: isSelf,
      file_count: files ?? 0,
      chunk_count: chunks ?? 0,
    };
  });
}
