/**
 * What would become of the files of this vault if nodes were gone. Asks the other members which objects they have, notes
 * what they say, and reads the rest from the catalog. Needs no key: files are told by their ids.
 */
import { forgetCopies, noteCopies } from '../../catalog/copies.js';
import { countFiles } from '../../catalog/files.js';
import { filesBelow, ownObjectIds } from '../../catalog/survival.js';
import type { FileId, NodeId, StoreId } from '../../core/ids.js';
import { DisktroError, isDisktroError, throwIfAborted } from '../../errors.js';
import type { Cluster } from '../cluster/cluster.js';
import type { OpenHome } from '../home/home.js';

export interface WhatifOptions {
  /** Nodes that are taken for gone, this one perhaps among them. */
  readonly lose: readonly NodeId[];
  /** Whether this node is gone: so that one in no cluster can be lost too. */
  readonly isSelfLost: boolean;
  readonly replicas: number;
  readonly signal?: AbortSignal | undefined;
  /** Told of a member that could not be asked: it counts as it was last known. */
  readonly onFailure?: ((node: NodeId, error: unknown) => void) | undefined;
}

export interface WhatifResult {
  /** Files that no set of the remaining nodes could write back. */
  readonly lost: readonly FileId[];
  /** Files that would have fewer than `replicas` copies, but at least one. */
  readonly degraded: readonly FileId[];
  readonly safe: number;
}

const ASK_IDS = 5_000;

/** @throws E_ABORTED; that a member does not answer is told and no error */
export async function whatIf(
  home: OpenHome,
  cluster: Cluster | undefined,
  { lose, isSelfLost, replicas, signal, onFailure }: WhatifOptions,
): Promise<WhatifResult> {
  const nodes = cluster === undefined ? [] : remainingNodes(cluster, lose);
  if (cluster !== undefined) await refreshCopies(home, cluster, nodes, signal, onFailure);
  const remaining = { nodes, isSelfLeft: !isSelfLost };
  const lost = filesBelow(home.catalog, 1, remaining);
  const isLost = new Set(lost);
  const degraded = filesBelow(home.catalog, replicas, remaining).filter((id) => !isLost.has(id));
  return { lost, degraded, safe: countFiles(home.catalog) - lost.length - degraded.length };
}

function remainingNodes(cluster: Cluster, lose: readonly NodeId[]): readonly NodeId[] {
  const gone = new Set(lose);
  return cluster.counted().filter((node) => node !== cluster.self && !gone.has(node));
}

/**
 * Asks these nodes which of the objects that files here need they have, and notes their answers. All are asked side by
 * side, each in batches.
 */
async function refreshCopies(
  home: OpenHome,
  cluster: Cluster,
  nodes: readonly NodeId[],
  signal?: AbortSignal,
  onFailure?: (node: NodeId, error: unknown) => void,
): Promise<void> {
  const asking = new Set(nodes);
  for (const ids of ownObjectIds(home.catalog, ASK_IDS)) {
    await Promise.all([...asking].map((node) => refreshPage(node, ids)));
    throwIfAborted(signal);
  }

  async function refreshPage(node: NodeId, ids: readonly StoreId[]): Promise<void> {
    try {
      const { missing, deleted } = await cluster.peer(node).lacking(ids, signal);
      const lacking = new Set([...missing, ...deleted]);
      noteCopies(
        home.catalog,
        node,
        ids.filter((id) => !lacking.has(id)),
      );
      if (lacking.size > 0) forgetCopies(home.catalog, node, [...lacking]);
    } catch (error) {
      if (isDisktroError(error, 'E_ABORTED') || !(error instanceof DisktroError)) throw error;
      asking.delete(node);
      onFailure?.(node, error);
    }
  }
}
