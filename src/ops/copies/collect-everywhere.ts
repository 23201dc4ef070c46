/**
 * Garbage collection of a vault that has copies on other nodes: first what other machines of the vault have stored is
 * found out, then this home is collected, then the peers are told, if nobody is out of reach who may know more.
 */
import type { NodeId } from '../../core/ids.js';
import type { Cluster } from '../cluster/cluster.js';
import { contactAll } from '../cluster/contact.js';
import { agreeOnRecord } from '../cluster/vault-record.js';
import type { OpenVault } from '../home/vault.js';
import type { GcOptions, GcResult } from '../upkeep/gc.js';
import { collectGarbage } from '../upkeep/gc.js';
import { deleteOnPeers } from './delete-on-peers.js';
import { freeDueDeletions } from './deletions.js';
import { importManifests } from './import-manifests.js';

export interface CollectOptions extends GcOptions {
  /** Tell peers even when a member is out of reach, or has a file that could not be read. */
  readonly isForced: boolean;
}

export interface CollectResult extends GcResult {
  /** Files of other machines that are in this catalog since now. */
  readonly imported: number;
  readonly peers: {
    /** Objects that peers were told to delete. */
    readonly told: number;
    /** Members that have not heard all of it. */
    readonly unreachable: readonly NodeId[];
    /** Whether nothing was told because some member may know of files that this machine does not. */
    readonly isWaiting: boolean;
    /** Members that have joined and not run `serve` yet: they are not waited for. */
    readonly neverServed: readonly NodeId[];
  };
}

/** @throws what {@link collectGarbage} throws; members' failures are in the result */
export async function collectEverywhere(
  vault: OpenVault,
  cluster: Cluster,
  options: CollectOptions,
): Promise<CollectResult> {
  const { signal, graceSeconds = 0, isForced } = options;
  // A member may have begun to serve since this machine last heard of it: the others know.
  if (cluster.neverServed().length > 0) await contactAll(cluster, cluster.served(), signal);
  const found = await importManifests(vault, cluster, { signal });
  const result = await collectGarbage(vault, options);
  const isWaiting = !isForced && (found.unreachable.size > 0 || found.failed.size > 0);
  const neverServed = cluster.neverServed();
  const peers = { told: 0, unreachable: [...found.unreachable.keys()], isWaiting, neverServed };
  if (isWaiting) return { ...result, imported: found.imported.length, peers };
  // A member takes an order only from a vault that it knows.
  await agreeOnRecord(vault, cluster, signal);
  const { told, failures } = await deleteOnPeers(vault, cluster, { graceMs: graceSeconds * 1000, signal });
  await freeDueDeletions(vault.home, Date.now());
  return {
    ...result,
    imported: found.imported.length,
    peers: { told, unreachable: [...failures.keys()], isWaiting, neverServed },
  };
}
