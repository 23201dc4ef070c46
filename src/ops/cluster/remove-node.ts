/** Taking a node out of the cluster: its copies are made elsewhere first, then the CA's key says that it is gone. */
import { createPrivateKey } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { NodeId } from '../../core/ids.js';
import { DisktroError, isDisktroError, throwIfAborted, usageError } from '../../errors.js';
import { type SignedRemoval, signRemoval } from '../../net/member-record.js';
import type { Cluster } from './cluster.js';
import { contactAll } from './contact.js';
import type { NodeFiles } from './node-files.js';

export interface DrainOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Objects of the node that have too few copies elsewhere. */
  readonly onProgress?: ((left: number) => void) | undefined;
}

const POLL_MS = 500;

/**
 * Asks a node to hold no more, and waits until everything it has is elsewhere.
 * @throws E_PEER_UNREACHABLE, E_PEER_REFUSED; E_TOO_FEW_COPIES when too few others are up, or the time is over
 */
export async function drainNode(
  files: NodeFiles,
  cluster: Cluster,
  node: NodeId,
  { timeoutMs, signal, onProgress }: DrainOptions,
): Promise<void> {
  await caKeyOf(files);
  if (node === cluster.self) {
    throw usageError('this node cannot remove itself', 'run the command on another node of the cluster');
  }
  const client = cluster.client(node);
  await client.json('POST', '/drain', {}, { signal });
  const takeBack = async (reason: unknown): Promise<never> => {
    await client.json('DELETE', '/drain', undefined, { signal });
    throw reason;
  };
  const endMs = Date.now() + timeoutMs;
  let isChecked = false;
  for (;;) {
    throwIfAborted(signal);
    const { left } = (await client.json('GET', '/drain', undefined, { signal })) as { left?: unknown };
    if (left === 0) return;
    if (!isChecked) await checkTargets(cluster, node, Number(left), signal).catch(takeBack);
    isChecked = true;
    onProgress?.(Number(left));
    if (Date.now() > endMs) {
      throw new DisktroError(
        'E_TOO_FEW_COPIES',
        `${Number(left)} objects of node ${node} have too few copies elsewhere`,
        {
          hint: 'wait and run it again, or give --force when the node is dead',
          details: { left: Number(left) },
        },
      );
    }
    await pause(POLL_MS);
  }
}

/**
 * Whether enough others are there to take what a node leaves: else nothing would come of waiting.
 * @throws E_TOO_FEW_COPIES
 */
async function checkTargets(
  cluster: Cluster,
  node: NodeId,
  left: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const others = cluster.counted().filter((id) => id !== node);
  const wanted = Math.max(1, Math.min(cluster.options.replicaCount, others.length));
  const answers = await Promise.all(others.map((id) => isServing(cluster, id, signal)));
  const there = answers.filter(Boolean).length;
  if (there >= wanted) return;
  const copies = `${wanted} ${wanted === 1 ? 'copy' : 'copies'}`;
  throw new DisktroError(
    'E_TOO_FEW_COPIES',
    `${left} objects of ${cluster.nameOf(node)} want ${copies} elsewhere, and ${there} of ${others.length} other nodes are up`,
    {
      hint: 'start `disktro serve` on the others, this one too, and run it again; --force gives up what only it has',
      details: { left, wanted, there },
    },
  );
}

/** Also of this very node: only its `serve` takes anything in. */
async function isServing(cluster: Cluster, id: NodeId, signal: AbortSignal | undefined): Promise<boolean> {
  try {
    const holder = cluster.holderClients().find((each) => each.id === id);
    if (holder !== undefined) await holder.ping(signal);
    else await cluster.client(id).json('POST', '/register', {}, { signal });
    return true;
  } catch (error) {
    if (isDisktroError(error, 'E_ABORTED')) throw error;
    return false;
  }
}

/** Removes a node for good and tells the others. @throws E_PEER_REFUSED when this node may not */
export async function removeNode(
  files: NodeFiles,
  cluster: Cluster,
  node: NodeId,
  signal?: AbortSignal,
): Promise<void> {
  const caKeyPem = await caKeyOf(files);
  if (node === cluster.self) throw usageError('this node cannot remove itself');
  const removal = signRemoval({ v: 1, id: node, removed_ms: Date.now() }, createPrivateKey(caKeyPem));
  const others = cluster.everyone().filter((id) => id !== node);
  // The removed one hears of it too, while it may still listen.
  await tell(cluster, node, removal, signal).catch(() => {});
  cluster.membership.merge({ records: [], removals: [removal] });
  await files.writeMembers(cluster.membership.snapshot());
  await contactAll(cluster, others, signal);
}

/** @throws also when it never told where it is */
async function tell(
  cluster: Cluster,
  node: NodeId,
  removal: SignedRemoval,
  signal: AbortSignal | undefined,
): Promise<void> {
  await cluster.client(node).json('POST', '/exchange', { removals: [removal] }, { signal });
}

async function caKeyOf(files: NodeFiles): Promise<string> {
  const identity = await files.read();
  if (identity?.caKeyPem !== undefined) return identity.caKeyPem;
  throw new DisktroError(
    'E_PEER_REFUSED',
    'this node may not remove others: it does not hold the key of its cluster',
    {
      hint: 'run the command on the machine that the cluster began on',
    },
  );
}
