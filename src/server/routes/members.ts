/** Routes about who belongs to the cluster: alive, joining, exchange of records, the list. */

import * as z from 'zod';
import { countUnderCopied } from '../../catalog/copies.js';
import { isDisktroError } from '../../errors.js';
import { KIB } from '../../limits.js';
import { MAX_EXCHANGE_BYTES } from '../../net/bounded-json.js';
import { readExchange } from '../../net/exchange-message.js';
import { JOIN_EXPORTER_LABEL } from '../../net/invite.js';
import { shortNodeId } from '../../net/node-id.js';
import { acceptJoin, renewCertificate } from '../../ops/cluster/join.js';
import { wantedCopies } from '../../ops/copies/repair.js';
import { readJsonBody, refusal, replyJson, replyText, withStatus } from '../json-body.js';
import type { Call, Route } from '../router.js';
import type { ServingNode } from '../serving-node.js';
import { shownNodes, shownSelf } from '../shown-members.js';

/** Strangers may send it: a request for a certificate and the fields of a record. */
const REGISTER_BYTES = 64 * KIB;

const JOIN = z.object({
  v: z.literal(1),
  invite: z.string().regex(/^[0-9a-f]{64}$/),
  csr: z.string().max(4096),
  proof: z.string().regex(/^[0-9a-f]{64}$/),
  record: z.record(z.string().max(20), z.unknown()).optional(),
});
/** What asks for a certificate; else a Node, as the caller describes itself: nothing is learnt from that. */
const REGISTER = z.looseObject({ invite: z.unknown().optional(), csr: z.unknown().optional() });
const RENEWAL = z.object({ csr: z.string().max(4096) });

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
        const body = await readJsonBody(request, { maxBytes: MAX_EXCHANGE_BYTES });
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
        await node.drain(true);
        replyJson(response, 200, { left: leftToDrain(node) });
      },
    },
    {
      method: 'DELETE',
      path: '/drain',
      audience: 'member',
      handle: async ({ response }) => {
        clusterOf(node);
        await node.drain(false);
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
  const body = REGISTER.parse((await readJsonBody(request, { maxBytes: REGISTER_BYTES })) ?? {});
  const isLocal = !connection.isTls;
  if (body.invite === undefined && caller === undefined && !isLocal)
    throw refusal(403, 'not a member of this cluster');
  if (body.invite === undefined && body.csr === undefined) {
    replyJson(response, 200, await shownSelf(node));
    return;
  }
  if (isLocal) throw refusal(400, 'body: certificates are given over TLS only: use `disktro peers join`');
  if (body.invite === undefined && caller !== undefined) {
    const { csr } = RENEWAL.parse(body);
    replyJson(response, 200, await renewCertificate(node.files, caller, csr).catch(refuse));
    return;
  }
  const join = JOIN.parse(body);
  const joined = await acceptJoin(node.files, join, connection.exporter(JOIN_EXPORTER_LABEL)).catch(refuse);
  // Only this node's record: whoever has joined hears of the others by an exchange, in as many messages as it takes.
  const { membership } = clusterOf(node);
  const records = [membership.record(node.id)];
  const { removals } = membership.snapshot();
  replyJson(response, 200, { certificate: joined.certificatePem, ca: joined.caPem, records, removals });
  node.log.info(`node ${shortNodeId(joined.nodeId)} has joined`);
}

/** It is this node that refuses, and no peer of it that failed. */
function refuse(error: unknown): never {
  throw isDisktroError(error, 'E_PEER_REFUSED') ? withStatus(403, error) : error;
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
