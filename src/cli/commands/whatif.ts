/** `disktro whatif`: which files would be lost, or short of copies, if nodes were gone. No password. */
import type { NodeId } from '../../core/ids.js';
import { notFound, usageError } from '../../errors.js';
import type { Cluster } from '../../ops/cluster/cluster.js';
import { type WhatifResult, whatIf } from '../../ops/copies/whatif.js';
import { noVault } from '../../ops/home/home.js';
import { openedHome } from '../../ops/home/vault.js';
import { type Context, openHome } from '../context.js';
import { clusterOf, memberNames } from '../node-context.js';
import { count } from '../units.js';
import { warnOfUntoldVault } from '../untold-vault.js';

interface WhatifFlags {
  readonly lose?: readonly string[];
}

const SELF = 'self';

export async function run(context: Context, _operands: readonly string[], flags: WhatifFlags): Promise<void> {
  const { output, config, signal } = context;
  const wanted = (flags.lose ?? []).flatMap((text) => text.split(',').map((name) => name.trim()));
  if (wanted.length === 0) throw usageError('expected --lose NODE', 'NODE may be `self`: this machine');
  if (wanted.includes('')) throw usageError('--lose: expected the names of nodes, got an empty one');
  await using opened = await openHome(context);
  const home = openedHome(opened);
  if (home.vaultId === undefined) throw noVault(home.path);
  const cluster = await clusterOf(context, home);
  await using _closing = { [Symbol.asyncDispose]: async () => cluster?.close() };
  const { nodes, isSelfLost } = lostNodes(wanted, cluster);
  const nameOf = cluster === undefined ? String : memberNames(cluster);
  const result = await whatIf(home, cluster, {
    lose: nodes,
    isSelfLost,
    replicas: config.replica_count,
    signal,
    onFailure: (node) =>
      output.warning(`${nameOf(node)} is out of reach: it counts with the copies it was last known to have`),
  });
  report(context, result);
  await warnOfUntoldVault(context, home, cluster);
}

function lostNodes(
  wanted: readonly string[],
  cluster: Cluster | undefined,
): { nodes: NodeId[]; isSelfLost: boolean } {
  const nodes = wanted.flatMap((text) => {
    if (text === SELF) return cluster?.self ?? [];
    if (cluster === undefined) throw notFound(`no node ${JSON.stringify(text)}: this node is in no cluster`);
    return cluster.find(text);
  });
  return { nodes, isSelfLost: wanted.includes(SELF) || nodes.includes(cluster?.self as NodeId) };
}

function report({ output, config }: Context, result: WhatifResult): void {
  const { lost, degraded, safe } = result;
  if (output.isJson) output.record(result);
  else {
    for (const id of lost) output.result(`lost      ${id}`);
    for (const id of degraded) output.result(`degraded  ${id}`);
  }
  output.note(
    `${count(lost.length, 'file')} lost, ${degraded.length} with fewer than ${config.replica_count} copies, ${safe} safe`,
  );
}
