/** Routes of the API about the machines: who they are, inviting, joining, how safe files are on them. */
import * as z from 'zod';
import { type CopyCounts, copyCounts, holdingsOfNodes } from '../../catalog/file-objects.js';
import { countHoldings } from '../../catalog/holdings.js';
import type { NodeId } from '../../core/ids.js';
import { isDisktroError, notFound } from '../../errors.js';
import { formatAddress, parseAddress } from '../../net/peer-address.js';
import { makeInvite } from '../../ops/cluster/join.js';
import { joinCluster } from '../../ops/cluster/join-cluster.js';
import { whatIf } from '../../ops/copies/whatif.js';
import type { Api } from '../api/api.js';
import { apiNodes } from '../api/shown-nodes.js';
import { readJsonBody, replyData, requiredJson, withStatus } from '../json-body.js';
import type { Call, Route } from '../router.js';

const INVITE = z.strictObject({ address: z.string().min(1).max(300).optional() });
const JOIN = z.strictObject({ invite: z.string().min(1).max(8192) });
const WHATIF = z.strictObject({ nodes: z.array(z.string().min(1).max(300)).max(1000) });

export function apiNetworkRoutes(api: Api): readonly Route[] {
  const local = (method: string, path: string, handle: (call: Call) => Promise<void>): Route => ({
    method,
    path,
    audience: 'local',
    handle,
  });
  return [
    local('GET', '/api/peers', async ({ response, query }) => {
      const nodes = await apiNodes(api.node, query.get('full') === '1');
      replyData(response, 200, 'the nodes, this one last', nodes);
    }),
    local('POST', '/api/invite', (call) => invite(api, call)),
    local('POST', '/api/join', (call) => join(api, call)),
    local('POST', '/api/whatif', (call) => whatif(api, call)),
    local('GET', '/api/buckets', async ({ response, query }) => {
      const lose = (query.get('lose') ?? '').split(',').filter((text) => text !== '');
      replyData(response, 200, 'copies by ranges of ids', bucketsOf(api, lose));
    }),
  ];
}

async function invite({ node }: Api, { request, response }: Call): Promise<void> {
  const { address } = INVITE.parse((await readJsonBody(request)) ?? {});
  const { addresses } = await node.files.settings();
  const given = address === undefined ? addresses : [formatAddress(parseAddress(address))];
  // Another state of this node than the request needs, and no peer's fault.
  const line = await makeInvite(node.files, given, Date.now()).catch((error: unknown) => {
    throw isDisktroError(error, 'E_PEER_REFUSED') ? withStatus(409, error) : error;
  });
  replyData(response, 200, 'good for one machine and one hour', { invite: line, addresses: given });
}

async function join(api: Api, call: Call): Promise<void> {
  const { node, settings } = api;
  const { invite: line } = JOIN.parse(await requiredJson(call.request));
  const { name } = await node.files.settings();
  const joined = await joinCluster(node.home, node.files, line, {
    ...node.cluster()?.options,
    replicaCount: settings.replicaCount,
    repairGraceSeconds: 0,
    name,
    signal: api.signalOf(call),
  }).catch((error: unknown) => {
    throw isDisktroError(error, 'E_USAGE') && error.details?.others !== undefined
      ? withStatus(409, error)
      : error;
  });
  replyData(call.response, 200, 'joined', joined);
}

async function whatif(api: Api, call: Call): Promise<void> {
  const { node, settings } = api;
  const { nodes } = WHATIF.parse(await requiredJson(call.request));
  const cluster = node.cluster();
  const lose = nodes.map((text) => find(api, text));
  const unreachable: NodeId[] = [];
  const result = await whatIf(node.home, cluster, {
    lose,
    isSelfLost: lose.includes(node.id),
    replicas: settings.replicaCount,
    signal: api.signalOf(call),
    onFailure: (id) => unreachable.push(id),
  });
  replyData(call.response, 200, 'what would become of the files', { ...result, unreachable });
}

/** @throws E_NOT_FOUND, E_AMBIGUOUS */
function find({ node }: Api, text: string): NodeId {
  if (text === node.id) return node.id;
  const found = node.cluster()?.find(text);
  if (found === undefined) throw notFound(`no node ${JSON.stringify(text)}: this node is in no cluster`);
  return found;
}

/** @param lost nodes whose copies are left out */
function bucketsOf(api: Api, lost: readonly string[]) {
  const { node, settings } = api;
  const { catalog } = node.home;
  const gone = new Set(lost.map((text) => find(api, text)));
  const nodes = api.counted().filter((id) => !gone.has(id));
  const cells = copyCounts(catalog, { nodes, isSelfLeft: !gone.has(node.id) });
  const copies: CopyCounts = [0, 0, 0, 0];
  for (const [none, one, two, more] of cells) {
    copies[0] += none;
    copies[1] += one;
    copies[2] += two;
    copies[3] += more;
  }
  const membership = node.cluster()?.membership;
  const others = [...holdingsOfNodes(catalog)]
    .filter(([id]) => membership?.record(id) !== undefined)
    .map(([id, { manifests, chunks, bytes }]) => ({ id, objects: manifests + chunks, bytes }));
  const own = countHoldings(catalog);
  const { bytes } = node.home.objects.totals();
  const self = { id: node.id, objects: own.manifests + own.chunks, bytes };
  return { wanted: settings.replicaCount, copies, cells, nodes: [...others, self] };
}
