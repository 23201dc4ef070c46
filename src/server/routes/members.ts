/** Routes about who belongs to the cluster: alive, joining, exchange of records, the list. */
import * as z from 'zod';
import { countUnderCopied } from '../../catalog/copies.js';
import { countHoldings } from '../../catalog/holdings.js';
import type { NodeId } from '../../core/ids.js';
import { readExchange } from '../../net/exchange-message.js';
import { JOIN_EXPORTER_LABEL } from '../../net/invite.js';
import { acceptJoin, renewCertificate } from '../../ops/join.js';
import { wantedCopies } from '../../ops/repair.js';
import { readJsonBody, refusal, replyJson, replyText } from '../json-body.js';
import type { Call, Route } from '../router.js';
import type { ServingNode } from '../serving-node.js';

const EXCHANGE_BYTES = 8 * 1024 * 1024;

const JOIN = z.object({
  v: z.literal(1),
  invite: z.string().regex(/^[0-9a-f]{64}$/),
  csr: z.string().max(4096),
  proof: z.string().regex(/^[0-9a-f]{64}$/),
  record: z.record(z.string().max(20), z.unknown()).optional(),
});
const RENEWAL = z.object({ csr: z.string().max(4096) });

/** How a node shows itself and others to whoever may ask. Times are ISO 8601. */
export interface ShownNode {
  readonly id: NodeId;
  readonly address: string;
  readonly port: number;
  readonly name: string;
  readonly last_seen: string | null;
  readonly status: string;
  readonly files: number;
  readonly chunks: number;
  readonly capacity: number;
  readonly free: number;
  readonly zone: string;
  readonly version: string;
}

export function memberRoutes(node: ServingNode): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/ping',
      audience: 'anyone',
      handle: async ({ response }) => replyText(response, 200, 'pong'),
    },
    { method: 'POST', path: '/register', audience: 'joining', handle: (call) => register(node, call) },
    {
      method: 'POST',
      path: '/exchange',
      audience: 'certified',
      handle: async ({ request, response, caller }) => {
        const cluster = clusterOf(node);
        const body = await readJsonBody(request, { maxBytes: EXCHANGE_BYTES });
        if (caller !== undefined) cluster.membership.noteSeen(caller);
        const read = readExchange(body);
        if ('refusal' in read) throw refusal(400, read.refusal);
        const { response: answer, merged } = cluster.membership.answer(read.message);
        replyJson(response, 200, answer);
        await node.noteMerge(merged);
      },
    },
    {
      method: 'GET',
      path: '/peers',
      audience: 'member',
      handle: async ({ response }) => replyJson(response, 200, shownNodes(node)),
    },
    {
      method: 'POST',
      path: '/drain',
      audience: 'member',
      handle: async ({ response }) => {
        clusterOf(node);
        await node.drain();
        replyJson(response, 200, { left: leftToDrain(node) });
      },
    },
    {
      method: 'GET',
      path: '/drain',
      audience: 'member',
      handle: async ({ response }) => replyJson(response, 200, { left: leftToDrain(node) }),
    },
  ];
}

async function register(node: ServingNode, { request, response, connection, caller }: Call): Promise<void> {
  const body = await readJsonBody(request);
  const isEmpty = body === undefined || Object.keys(body as object).length === 0;
  if (isEmpty) {
    if (caller === undefined) throw refusal(403, 'not a member of this cluster');
    replyJson(response, 200, shownNodes(node).at(-1));
    return;
  }
  if (!Object.hasOwn(body as object, 'invite')) {
    if (caller === undefined) throw refusal(403, 'not a member of this cluster');
    const { csr } = RENEWAL.parse(body);
    replyJson(response, 200, await renewCertificate(node.files, caller, csr));
    return;
  }
  const join = JOIN.parse(body);
  const joined = await acceptJoin(node.files, join, connection.exporter(JOIN_EXPORTER_LABEL));
  // Only this node's record: whoever has joined hears of the others by an exchange, in as many messages as it takes.
  const { membership } = clusterOf(node);
  const records = [membership.record(node.id)];
  const { removals } = membership.snapshot();
  replyJson(response, 200, { certificate: joined.certificatePem, ca: joined.caPem, records, removals });
  node.log.info(`node ${joined.nodeId} has joined`);
}

/** Objects here that have too few copies elsewhere. */
function leftToDrain(node: ServingNode): number {
  const cluster = clusterOf(node);
  return countUnderCopied(node.home.catalog, wantedCopies(cluster), cluster.counted());
}

function clusterOf(node: ServingNode) {
  const cluster = node.cluster();
  if (cluster === undefined) throw refusal(404, 'this node belongs to no cluster');
  return cluster;
}

/** All members, this node last. */
export function shownNodes(node: ServingNode): readonly ShownNode[] {
  const { manifests, chunks } = countHoldings(node.home.catalog);
  const cluster = node.cluster();
  if (cluster === undefined) return [];
  const { membership } = cluster;
  const shown = membership.members().map((record) => {
    const [address = ''] = record.addresses;
    const colon = address.lastIndexOf(':');
    const isSelf = record.id === node.id;
    const seenMs = isSelf ? Date.now() : membership.lastSeenMs(record.id);
    return {
      id: record.id,
      address: address.slice(0, colon),
      port: Number(address.slice(colon + 1)),
      name: record.name,
      last_seen: seenMs === undefined ? null : new Date(seenMs).toISOString(),
      status: record.status === 'active' ? (membership.status(record.id) ?? 'offline') : record.status,
      files: isSelf ? manifests : 0,
      chunks: isSelf ? chunks : 0,
      capacity: record.capacity,
      free: record.free,
      zone: record.zone,
      version: record.version,
    };
  });
  return [...shown.filter(({ id }) => id !== node.id), ...shown.filter(({ id }) => id === node.id)];
}
