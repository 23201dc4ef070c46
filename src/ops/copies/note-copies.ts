/** Asks the members which objects of files they have, so that the copies that this catalog counts are those there are. */
import { forgetCopies, noteCopies } from '../../catalog/copies.js';
import type { FileId, NodeId, StoreId } from '../../core/ids.js';
import { isDisktroError } from '../../errors.js';
import type { Cluster } from '../cluster/cluster.js';
import type { OpenHome } from '../home/home.js';

const ASK_IDS = 10_000;

/** Members that do not answer are passed over. @throws E_ABORTED */
export async function noteCopiesOf(
  home: OpenHome,
  cluster: Cluster,
  files: readonly FileId[],
  nodes: readonly NodeId[],
  signal?: AbortSignal,
): Promise<void> {
  const ids = new Set<StoreId>();
  for (const file of files) for (const { storeId } of home.objects.descendants(file)) ids.add(storeId);
  const all = [...ids];
  await Promise.all(
    nodes.map(async (node) => {
      try {
        for (let from = 0; from < all.length; from += ASK_IDS) {
          const page = all.slice(from, from + ASK_IDS);
          const { missing, deleted } = await cluster.peer(node).lacking(page, signal);
          const lacking = new Set([...missing, ...deleted]);
          noteCopies(
            home.catalog,
            node,
            page.filter((id) => !lacking.has(id)),
          );
          forgetCopies(home.catalog, node, [...lacking]);
        }
      } catch (error) {
        if (!isDisktroError(error, 'E_PEER_REFUSED', 'E_PEER_UNREACHABLE')) throw error;
      }
    }),
  );
}
