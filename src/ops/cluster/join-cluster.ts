/** Taking up an invite from its line to the first talk with the members, for the command and the API alike. */
import type { NodeId } from '../../core/ids.js';
import { DisktroError } from '../../errors.js';
import { authorityFingerprint } from '../../net/certificates.js';
import { type Invite, parseInvite } from '../../net/invite.js';
import type { OpenHome } from '../home/home.js';
import type { Cluster, ClusterOptions } from './cluster.js';
import { openCluster } from './cluster.js';
import { contactAll, hasExpired } from './contact.js';
import { takeUpInvite } from './join.js';
import type { NodeFiles } from './node-files.js';

export interface JoinedCluster {
  readonly id: NodeId;
  /** The other members. */
  readonly peers: readonly NodeId[];
}

const FIRST_CONTACTS = 3;

/**
 * @param name what this machine is called when it is no node yet
 * @throws E_USAGE for a line that is no invite, and when this node has peers already (`details.others`);
 *   E_PEER_UNREACHABLE, E_PEER_REFUSED, E_ABORTED
 */
export async function joinCluster(
  home: OpenHome,
  files: NodeFiles,
  line: string,
  options: ClusterOptions & { readonly name: string; readonly signal?: AbortSignal | undefined },
): Promise<JoinedCluster> {
  const invite = parseInvite(line, Date.now());
  const { id } = await files.ensure(options.name);
  const before = await openCluster(home, options);
  const others = before?.everyone().length ?? 0;
  await before?.close();
  if (others > 0 && !isOut(before, invite)) throw isInCluster(others);
  await takeUpInvite(files, invite, options.signal);
  const cluster = await openCluster(home, options);
  try {
    // So that all know of it at once, also when `serve` is not running here.
    if (cluster !== undefined) {
      await contactAll(cluster, cluster.everyone().slice(0, FIRST_CONTACTS), options.signal);
      await files.writeMembers(cluster.membership.snapshot());
    }
  } finally {
    await cluster?.close();
  }
  return { id, peers: cluster?.everyone() ?? [] };
}

/** Whether this node belongs to the invite's cluster, with a certificate that the others take no more. */
function isOut(cluster: Cluster | undefined, { caFingerprint }: Invite): boolean {
  if (cluster === undefined || !hasExpired(cluster)) return false;
  return authorityFingerprint(cluster.credentials.caPem) === caFingerprint;
}

function isInCluster(others: number): DisktroError {
  return new DisktroError('E_USAGE', `this node is in a cluster with ${others} others already`, {
    hint: 'a machine belongs to one cluster; use another home for another one',
    details: { others },
  });
}
