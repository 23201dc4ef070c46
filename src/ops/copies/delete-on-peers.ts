/**
 * Tells peers what this vault does not need any more, signed by its key (docs/PROTOCOL.md, "Deleting"). Nothing is told
 * while a member is out of reach that may know of a file that needs it; and what was told is never taken in again here.
 */
import { forgetFreed, freedObjects } from '../../catalog/copies.js';
import { rememberDeletions } from '../../catalog/holdings.js';
import type { NodeId, StoreId } from '../../core/ids.js';
import { privateKeyOfSeed } from '../../core/seed-key.js';
import { isDisktroError, throwIfAborted } from '../../errors.js';
import { signJson } from '../../net/canonical-json.js';
import type { Cluster } from '../cluster/cluster.js';
import type { OpenVault } from '../home/vault.js';
import { withdrawEverywhere } from './withdraw-deletions.js';

export interface PeerDeletion {
  /** Objects that peers were told of. */
  readonly told: number;
  readonly failures: ReadonlyMap<NodeId, unknown>;
}

const IDS_PER_REQUEST = 5_000;
/** All of the ids of an order may come back. */
const ANSWER_BYTES = 1024 * 1024;

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
    const nodes = cluster.served();
    const needed = new Set<StoreId>();
    await Promise.all(
      nodes.map(async (node) => {
        try {
          const options = { signal, isIdempotent: true, maxBytes: ANSWER_BYTES };
          const answer = await cluster.client(node).json('POST', '/delete', order, options);
          for (const id of neededOf(answer, ids)) needed.add(id);
        } catch (error) {
          if (isDisktroError(error, 'E_ABORTED')) throw error;
          failures.set(node, error);
        }
      }),
    );
    // Another machine of this vault relies on them since it was asked.
    for (const [node, error] of await withdrawEverywhere(vault, cluster, [...needed], signal))
      failures.set(node, error);
    const unwanted = ids.filter((id) => !needed.has(id));
    const holders = cluster.holderClients();
    // No grace of its own: what is told here has waited for it.
    for (const holder of holders)
      await holder.deleteObjects(unwanted).catch((error) => failures.set(holder.id, error));
    const unusable = unusableStores(cluster);
    for (const store of unusable) failures.set(store, new Error('not to be used from here'));
    const all = nodes.length + holders.length + unusable.length;
    if (failures.size < all || all === 0) told += unwanted.length;
    // As long as one has not heard it, all of it is told again.
    if (failures.size === 0 && cluster.neverServed().length === 0) forgetFreed(catalog, ids);
  }
  return { told, failures };
}

/** Buckets and folders that only other machines can use: what lies there has to be freed from one of those. */
function unusableStores(cluster: Cluster): readonly NodeId[] {
  const usable = new Set(cluster.holderClients().map(({ id }) => id));
  return cluster.membership
    .members()
    .flatMap(({ id, kind }) => (kind === undefined || usable.has(id) ? [] : id));
}

/** What a member says that files of this vault need, of what it was told. */
function neededOf(answer: unknown, told: readonly StoreId[]): readonly StoreId[] {
  const { needed } = (answer ?? {}) as { readonly needed?: unknown };
  const list = new Set(Array.isArray(needed) ? needed : []);
  return told.filter((id) => list.has(id));
}

function signedOrder({ id, keys }: OpenVault, ids: readonly StoreId[]) {
  const order = { vault: id, ids, issued_ms: Date.now() };
  return { ...order, signature: signJson('delete', order, privateKeyOfSeed(keys.signing)) };
}
