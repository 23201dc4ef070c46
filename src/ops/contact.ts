/** Speaking to a member about members (docs/PROTOCOL.md, "Exchange"), and noting whether it is there. */
import type { NodeId } from '../core/ids.js';
import { DisktroError, isDisktroError } from '../errors.js';
import type { ExchangeMessage } from '../net/exchange-message.js';
import { MAX_CONTACT_REQUESTS, readExchange } from '../net/exchange-message.js';
import type { MergeResult } from '../net/membership.js';
import type { Cluster } from './cluster.js';

const EXCHANGE_BYTES = 8 * 1024 * 1024;

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
        await cluster.client(node).json('POST', '/exchange', request, { maxBytes: EXCHANGE_BYTES, signal }),
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
        maxBytes: EXCHANGE_BYTES,
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
