/** Stored files to one member, whatever placement says: what `upload`, `copy` and the API have in common. */
import type { Holding } from '../../catalog/holdings.js';
import type { NodeId } from '../../core/ids.js';
import type { Cluster } from '../cluster/cluster.js';
import type { Vault } from '../home/vault.js';
import { opened } from '../home/vault.js';
import { type ReplicateOptions, type ReplicateResult, replicate } from './replicate.js';

export interface PutOptions extends Pick<ReplicateOptions, 'signal' | 'onProgress'> {
  /** Tells the members the vault's public record: one that does not know the vault could not give it back. */
  readonly agree: () => Promise<void> | void;
}

/** @throws what the member refused or could not do; E_ABORTED */
export async function putOnMember(
  vault: Vault,
  cluster: Cluster,
  node: NodeId,
  objects: readonly Holding[],
  { agree, ...options }: PutOptions,
): Promise<Pick<ReplicateResult, 'confirmed' | 'sentBytes'>> {
  await agree();
  const wanted = { ...options, copies: 2, only: [node] };
  const { failures, confirmed, sentBytes } = await replicate(opened(vault), cluster, objects, wanted);
  const failure = failures.get(node);
  if (failure !== undefined) throw failure;
  return { confirmed, sentBytes };
}
