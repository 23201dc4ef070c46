/** `disktro peers`: the nodes of the cluster, this one last. */

import type { NodeId } from '../../core/ids.js';
import { throwIfAborted } from '../../errors.js';
import type { SignedRecord } from '../../net/member-record.js';
import type { Cluster } from '../../ops/cluster/cluster.js';
import {
  type ContactOutcome,
  contactAsServing,
  isRefusal,
  pingHolders,
  throwIfRefused,
} from '../../ops/cluster/contact.js';
import type { Context } from '../context.js';
import { escapeControls } from '../escape.js';
import { clusterOf, withNode } from '../node-context.js';
import { tableLines } from '../table.js';
import { formatLocalTime } from '../units.js';

interface PeerLine {
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly status: string;
  readonly lastSeen: string | null;
  readonly self: boolean;
  /** `bucket` and `folder` have a URL in place of an address. */
  readonly kind: 'node' | 'bucket' | 'folder';
  readonly store: string | null;
}

export async function run(context: Context): Promise<void> {
  const { output, signal } = context;
  await withNode(context, async (home, files) => {
    const cluster = await clusterOf(context, home);
    try {
      const outcomes = cluster === undefined ? new Map() : await contactMembers(cluster, signal);
      const identity = await files.read();
      const lines = cluster === undefined ? aloneLines(identity) : peerLines(cluster, outcomes);
      if (output.isJson) for (const line of lines) output.record(line);
      else printTable(context, lines);
      if (cluster !== undefined)
        throwIfRefused(
          cluster,
          [...outcomes.values()].map(({ failure }) => failure),
        );
      if (cluster === undefined) output.note('this node is in no cluster: `disktro peers invite` founds one');
    } finally {
      await cluster?.close();
    }
  });
}

async function contactMembers(cluster: Cluster, signal: AbortSignal): Promise<Outcomes> {
  const outcomes = new Map<NodeId, ContactOutcome>();
  const ask = async (node: NodeId): Promise<void> => {
    outcomes.set(node, await contactAsServing(cluster, node, signal));
  };
  await Promise.all([...cluster.served().map(ask), pingHolders(cluster, signal)]);
  throwIfAborted(signal);
  return outcomes;
}

function aloneLines(
  identity:
    | { readonly id: string; readonly settings: { readonly name: string; readonly port: number } }
    | undefined,
): PeerLine[] {
  if (identity === undefined) return [];
  const { id, settings } = identity;
  const { name, port } = settings;
  return [
    {
      id,
      name,
      address: '',
      port,
      status: 'online',
      lastSeen: new Date().toISOString(),
      self: true,
      kind: 'node',
      store: null,
    },
  ];
}

type Outcomes = ReadonlyMap<NodeId, ContactOutcome>;

/** What is known of each member; a peer that was not reached shows when it last was. */
function peerLines(cluster: Cluster, outcomes: Outcomes): readonly PeerLine[] {
  const { membership } = cluster;
  const lines = membership.members().map((record) => {
    const [first = ''] = record.addresses;
    const colon = first.lastIndexOf(':');
    const isSelf = record.id === cluster.self;
    const seenMs = membership.lastSeenMs(record.id);
    return {
      id: record.id,
      name: record.name,
      address: first.slice(0, Math.max(0, colon)),
      port: Number(first.slice(colon + 1)),
      status: isRefusal(outcomes.get(record.id)?.failure) ? 'refuses' : statusOf(cluster, record),
      lastSeen: seenMs === undefined ? null : new Date(seenMs).toISOString(),
      self: isSelf,
      kind: record.kind ?? ('node' as const),
      store: record.store ?? null,
    };
  });
  return [...lines.filter(({ self }) => !self), ...lines.filter(({ self }) => self)];
}

/** A store that cannot be used from here is neither there nor away, nor is a node that has told no address yet. */
function statusOf(cluster: Cluster, { id, status, kind }: SignedRecord): string {
  if (status !== 'active') return status;
  if (cluster.neverServed().includes(id)) return 'never served';
  const isUsable = kind === undefined || cluster.holderClients().some((holder) => holder.id === id);
  return isUsable ? (cluster.membership.status(id) ?? 'offline') : 'not used here';
}

function printTable({ output }: Context, lines: readonly PeerLine[]): void {
  const rows = lines.map(({ id, name, address, port, status, lastSeen, self, store }) => [
    id.slice(0, 8),
    escapeControls(name),
    store !== null ? escapeControls(store) : address === '' ? '-' : `${address}:${port}`,
    self ? (status === 'draining' ? 'this node, draining' : 'this node') : status,
    lastSeen === null ? 'never' : formatLocalTime(lastSeen),
  ]);
  for (const line of tableLines(rows)) output.result(line);
}
