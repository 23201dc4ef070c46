/**
 * Takes back what members were told to delete (docs/PROTOCOL.md, "Deleting"): whoever relies on an object anew, and has
 * the vault's key, signs for it. What was freed meanwhile may then be sent again.
 */
import { regrettedDeletions, withdrawDeletions } from '../../catalog/withdrawals.js';
import type { NodeId, StoreId } from '../../core/ids.js';
import { privateKeyOfSeed } from '../../core/seed-key.js';
import { isDisktroError } from '../../errors.js';
import { signJson } from '../../net/canonical-json.js';
import type { Cluster } from '../cluster/cluster.js';
import type { OpenVault } from '../home/vault.js';

/** Of a deletion or a withdrawal: what is older is refused. */
export const MOST_ORDER_AGE_MS = 24 * 60 * 60 * 1000;
/** How far the clock of who signs may be ahead. */
export const ORDER_SLACK_MS = 10 * 60 * 1000;
const IDS_PER_REQUEST = 5_000;

/** For how long orders that were signed earlier do not count, where a withdrawal has come at `nowMs`. */
export const withdrawalTimes = (nowMs: number) => ({
  untilMs: nowMs + ORDER_SLACK_MS,
  forgetMs: nowMs - MOST_ORDER_AGE_MS,
});

/** Tells one member. @throws E_PEER_UNREACHABLE, E_PEER_REFUSED, also where it knows no withdrawals yet; E_ABORTED */
export async function withdrawOn(
  { id, keys }: OpenVault,
  cluster: Cluster,
  node: NodeId,
  ids: readonly StoreId[],
  signal?: AbortSignal,
): Promise<void> {
  for (let from = 0; from < ids.length; from += IDS_PER_REQUEST) {
    const order = { vault: id, ids: ids.slice(from, from + IDS_PER_REQUEST), issued_ms: Date.now() };
    const signature = signJson('keep', order, privateKeyOfSeed(keys.signing));
    await cluster.client(node).json('POST', '/keep', { ...order, signature }, { signal, isIdempotent: true });
  }
}

/** Takes them back here and on all members. @returns members that have not heard of it, with why. @throws E_ABORTED */
export async function withdrawEverywhere(
  vault: OpenVault,
  cluster: Cluster,
  ids: readonly StoreId[],
  signal?: AbortSignal,
): Promise<ReadonlyMap<NodeId, unknown>> {
  const failures = new Map<NodeId, unknown>();
  if (ids.length === 0) return failures;
  await Promise.all(
    cluster.served().map((node) =>
      withdrawOn(vault, cluster, node, ids, signal).catch((error: unknown) => {
        if (isDisktroError(error, 'E_ABORTED')) throw error;
        failures.set(node, error);
      }),
    ),
  );
  // Last: as long as one has not heard of it, it is told again.
  if (failures.size === 0) withdrawDeletions(vault.home.catalog, vault.id, ids, withdrawalTimes(Date.now()));
  return failures;
}

/** What this machine once told to delete and needs again. @returns as {@link withdrawEverywhere} */
export function withdrawRegretted(
  vault: OpenVault,
  cluster: Cluster,
  signal?: AbortSignal,
): Promise<ReadonlyMap<NodeId, unknown>> {
  return withdrawEverywhere(vault, cluster, regrettedDeletions(vault.home.catalog), signal);
}
