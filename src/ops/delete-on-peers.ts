/**
 * Tells peers what this vault does not need any more, signed by its key (docs/PROTOCOL.md, "Deleting"). Nothing is told
 * while a member is out of reach that may know of a file that needs it; and what was told is never taken in again here.
 */
import { forgetFreed, freedObjects } from '../catalog/copies.js';
import { rememberDeletions } from '../catalog/holdings.js';
import type { NodeId, StoreId } from '../core/ids.js';
import { privateKeyOfSeed } from '../core/seed-key.js';
import { isDisktroError, throwIfAborted } from '../errors.js';
import { signJson } from '../net/canonical-json.js';
import type { Cluster } from './cluster.js';
import type { OpenVault } from './vault.js';

export interface PeerDeletion {
  /** Objects that peers were told of. */
  readonly told: number;
  /** Objects that are not needed here and that some peers do not know of yet. */
  readonly waiting: number;
  readonly failures: ReadonlyMap<NodeId, unknown>;
}

const IDS_PER_REQUEST = 5_000;

/**
 * To be called when every reachable member's manifests are in this catalog.
 * @param graceMs how long this node keeps what it holds of these for the cluster
 * @throws E_ABORTED; what members do wrong is in the result: they are told again the next time
 */
export async function deleteOnPeers(
  vault: OpenVault,
  cluster: Cluster,
  { graceMs, signal }: { readonly graceMs: number; readonly signal?: AbortSignal | undefined },
): Promise<PeerDeletion> {
  const { catalog } = vault.home;
  const failures = new Map<NodeId, unknown>();
  let told = 0;
  let after: StoreId | undefined;
  for (;;) {
    throwIfAborted(signal);
    const ids = freedObjects(catalog, IDS_PER_REQUEST, after);
    after = ids.at(-1);
    if (after === undefined) break;
    rememberDeletions(catalog, vault.id, ids, Date.now() + graceMs);
    const order = signedOrder(vault, ids);
    const nodes = cluster.everyone();
    await Promise.all(
      nodes.map(async (node) => {
        try {
          await cluster.client(node).json('POST', '/delete', order, { signal, isIdempotent: true });
        } catch (error) {
          if (isDisktroError(error, 'E_ABORTED')) throw error;
          failures.set(node, error);
        }
      }),
    );
    const holders = cluster.holderClients();
    // No grace of its own: what is told here has waited for it.
    for (const holder of holders)
      await holder.deleteObjects(ids).catch((error) => failures.set(holder.id, error));
    const all = nodes.length + holders.length;
    if (failures.size < all || all === 0) told += ids.length;
    // As long as one has not heard it, all of it is told again.
    if (failures.size === 0) forgetFreed(catalog, ids);
  }
  return { told, waiting: failures.size === 0 ? 0 : told, failures };
}

function signedOrder({ id, keys }: OpenVault, ids: readonly StoreId[]) {
  const order = { vault: id, ids, issued_ms: Date.now() };
  return { ...order, signature: signJson('delete', order, privateKeyOfSeed(keys.signing)) };
}
