/** Says once in a node's life when its vault could not be recovered from the others, as soon as there are others. */
import { isVaultUntold, UNTOLD_VAULT } from '../ops/cluster/untold-vault.js';
import type { ServingNode } from './serving-node.js';

const warned = new WeakSet<ServingNode>();

/** To be called when members have come. */
export async function warnOfUntoldVault(node: ServingNode): Promise<void> {
  if (warned.has(node) || (node.cluster()?.served().length ?? 0) === 0) return;
  warned.add(node);
  if (await isVaultUntold(node.home)) node.log.warning(UNTOLD_VAULT);
}
