/** Speaking to a member about members (docs/PROTOCOL.md, "Exchange"), and noting whether it is there. */

import { setTimeout as delay } from 'node:timers/promises';
import type { NodeId } from '../../core/ids.js';
import { DisktroError, isDisktroError } from '../../errors.js';
import { MAX_EXCHANGE_BYTES } from '../../net/bounded-json.js';
import { parseCertificate, refusalOfTime } from '../../net/certificates.js';
import type { ExchangeMessage } from '../../net/exchange-message.js';
import { MAX_CONTACT_REQUESTS, readExchange } from '../../net/exchange-message.js';
import type { MemberStatus } from '../../net/liveness.js';
import type { MergeResult } from '../../net/membership.js';
import type { Cluster } from './cluster.js';

/**
 * One contact. What was learned is merged; whether the member answered is noted.
 * @throws E_PEER_UNREACHABLE, E_PEER_REFUSED
 */
export async function contact(
  cluster: Cluster,
  node: NodeId,
  signal?: AbortSignal,
): Promise<readonly MergeResult[]> {
  const { membership } = cluster;
  const merges: MergeResult[] = [];
  let request: ExchangeMessage | undefined = membership.exchangeRequest();
  try {
    for (let turn = 0; request !== undefined && turn < MAX_CONTACT_REQUESTS; turn++) {
      const read = readExchange(
        await cluster
          .client(node)
          .json('POST', '/exchange', request, { maxBytes: MAX_EXCHANGE_BYTES, signal }),
      );
      if ('refusal' in read) {
        throw new DisktroError('E_PEER_REFUSED', `node ${node} answered with no exchange: ${read.refusal}`);
      }
      membership.noteSeen(node);
      const { merged, followUp } = membership.absorb(read.message, request);
      merges.push(merged);
      request = followUp;
    }
  } catch (error) {
    if (!isDisktroError(error, 'E_ABORTED')) membership.notePingFailed(node);
    throw error;
  }
  return merges;
}

/** A contact with each of these at once. @returns those that failed, with why */
export async function contactAll(
  cluster: Cluster,
  nodes: readonly NodeId[],
  signal?: AbortSignal,
): Promise<ReadonlyMap<NodeId, unknown>> {
  const failures = new Map<NodeId, unknown>();
  await Promise.all(
    nodes.map((node) => contact(cluster, node, signal).catch((error: unknown) => failures.set(node, error))),
  );
  return failures;
}

const PINGS = 3;
const PING_PAUSE_MS = 300;

/** How a member is, and why its last contact failed. */
export interface ContactOutcome {
  readonly status: MemberStatus;
  readonly failure: DisktroError | undefined;
}

/** Up to three contacts, as a running node would count them; `signal` ends them, and then it is unreachable. */
export async function contactAsServing(
  cluster: Cluster,
  node: NodeId,
  signal?: AbortSignal,
): Promise<ContactOutcome> {
  for (let tries = 1; ; tries++) {
    try {
      await contact(cluster, node, signal);
      return { status: 'online', failure: undefined };
    } catch (error) {
      if (!isDisktroError(error)) throw error;
      if (error.code === 'E_ABORTED') return { status: 'unreachable', failure: error };
      if (tries === PINGS || isRefusal(error)) return { status: 'offline', failure: error };
      await delay(PING_PAUSE_MS);
    }
  }
}

/** Whether a member has answered that this node is none: it was removed, and others have heard of it first. */
export function isRefusal(error: unknown): error is DisktroError {
  return isDisktroError(error, 'E_PEER_REFUSED') && error.details?.status === 403;
}

/** Whether the time of this node's own certificate is over. */
export function hasExpired({ credentials }: Cluster): boolean {
  return refusalOfTime(parseCertificate(credentials.certificatePem), Date.now()) !== undefined;
}

/** @param failures of contacts with members, undefined for one that answered. @throws E_PEER_REFUSED */
export function throwIfRefused(cluster: Cluster, failures: readonly unknown[]): void {
  const { membership, self } = cluster;
  const nodes = failures.filter(isRefusal).length;
  const hasFriend = failures.includes(undefined);
  if (!membership.isRemoved(self) && (nodes === 0 || hasFriend)) return;
  if (!membership.isRemoved(self) && hasExpired(cluster)) {
    throw new DisktroError(
      'E_PEER_REFUSED',
      'the certificate of this node has expired: the others refuse it',
      {
        hint: 'run `disktro peers invite` on the machine that made the cluster, and `disktro peers join` here',
        details: { nodes },
      },
    );
  }
  throw new DisktroError('E_PEER_REFUSED', 'this node was removed from the cluster: the others refuse it', {
    hint: 'to come back it takes a new home and an invite: `disktro peers invite` on one of the others',
    details: { nodes },
  });
}

/** Whether each usable bucket or folder is there and the one it was. @returns those that are not, with why */
export async function pingHolders(
  cluster: Cluster,
  signal?: AbortSignal,
): Promise<ReadonlyMap<NodeId, unknown>> {
  const failures = new Map<NodeId, unknown>();
  await Promise.all(
    cluster.holderClients().map(async (holder) => {
      try {
        await holder.ping(signal);
        cluster.membership.noteSeen(holder.id);
      } catch (error) {
        if (isDisktroError(error, 'E_ABORTED')) throw error;
        cluster.membership.notePingFailed(holder.id);
        failures.set(holder.id, error);
      }
    }),
  );
  return failures;
}

/**
 * A contact with whoever of the cluster is at an address. @returns its node id
 * @param onMerge told what was learned
 */
export async function contactAt(
  cluster: Cluster,
  address: string,
  signal?: AbortSignal,
  onMerge?: (merged: MergeResult) => Promise<void>,
): Promise<string> {
  const client = cluster.clientAt(address);
  try {
    const shown = (await client.json('POST', '/register', {}, { signal })) as { id?: unknown };
    const read = readExchange(
      await client.json('POST', '/exchange', cluster.membership.exchangeRequest(), {
        maxBytes: MAX_EXCHANGE_BYTES,
        signal,
      }),
    );
    if ('message' in read) {
      const { merged } = cluster.membership.absorb(read.message, cluster.membership.exchangeRequest());
      await onMerge?.(merged);
    }
    return String(shown.id);
  } finally {
    await client.close();
  }
}
