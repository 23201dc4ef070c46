/** Objects to one member, as `upload` and `copy` show it. */
import type { Holding } from '../catalog/holdings.js';
import type { NodeId } from '../core/ids.js';
import { notFound } from '../errors.js';
import type { Cluster } from '../ops/cluster/cluster.js';
import { putOnMember } from '../ops/copies/put-on-member.js';
import type { ReplicateResult } from '../ops/copies/replicate.js';
import type { Vault } from '../ops/home/vault.js';
import { openedHome } from '../ops/home/vault.js';
import { type Context, progressOf } from './context.js';
import { showCopying } from './copy-progress.js';
import { agreeOnRecord, clusterOf, memberNames } from './node-context.js';

/** Where objects can be put from here. */
export interface Target {
  readonly cluster: Cluster;
  readonly node: NodeId;
  /** Of the member, for showing. */
  readonly name: string;
  [Symbol.asyncDispose](): Promise<void>;
}

/** @throws E_NOT_FOUND, E_AMBIGUOUS */
export async function openTarget(context: Context, vault: Vault, member: string): Promise<Target> {
  const cluster = await clusterOf(context, openedHome(vault));
  if (cluster === undefined)
    throw notFound('this node is in no cluster', 'run `disktro peers join` or `disktro peers add` first');
  const close = (): Promise<void> => cluster.close();
  try {
    const node = cluster.find(member);
    return { cluster, node, name: memberNames(cluster)(node), [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** @throws what {@link putOnMember} throws */
export async function put(
  context: Context,
  vault: Vault,
  { cluster, node }: Target,
  objects: readonly Holding[],
  label: string,
): Promise<Pick<ReplicateResult, 'confirmed' | 'sentBytes'>> {
  using progress = await progressOf(context, { label, unit: 'bytes' });
  return await putOnMember(vault, cluster, node, objects, {
    agree: () => agreeOnRecord(context, vault, cluster),
    signal: context.signal,
    onProgress: showCopying(progress, memberNames(cluster)),
  });
}
