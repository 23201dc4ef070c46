/** The state of the node and its home as the API shows it: docs/openapi.yaml, Status. */
import { getMeta } from '../../catalog/meta.js';
import { homeFacts } from '../../ops/home/status.js';
import type { Api } from './api.js';
import { shownTask } from './tasks.js';

/** With the tasks as they are: {@link shownStatus} is what may be told. */
export async function apiStatus(api: Api) {
  const { node, settings, door, tasks, startedAt } = api;
  const facts = await homeFacts(node.home, settings.replicaCount, api.counted());
  const { name } = await node.files.settings();
  const { credentials, caKeyPem } = (await node.files.read()) ?? {};
  return {
    nodeId: node.id,
    name,
    version: node.version,
    port: node.port,
    startedAt: startedAt.toISOString(),
    uptimeSeconds: Math.floor((Date.now() - startedAt.getTime()) / 1000),
    unlocked: door.isOpen,
    mayInvite: credentials === undefined || caKeyPem !== undefined,
    outputDir: settings.outputDir,
    replicas: settings.replicaCount,
    minReplicas: settings.minReplicas,
    ...facts,
    peers: peersByStatus(api),
    scrub: scrubProgress(api),
    tasks: tasks.running(),
  };
}

export function shownStatus(
  status: Awaited<ReturnType<typeof apiStatus>>,
  hasNames: boolean,
): Awaited<ReturnType<typeof apiStatus>> {
  return { ...status, tasks: status.tasks.map((task) => shownTask(task, hasNames)) };
}

/** As the running node sees them, without asking anybody. */
export function peersByStatus({ node }: Api) {
  const peers = { online: 0, unreachable: 0, offline: 0 };
  const cluster = node.cluster();
  for (const id of cluster?.everyone() ?? []) peers[cluster?.membership.status(id) ?? 'offline']++;
  return peers;
}

/** How far the present pass has come, in rows of the catalog. */
export function scrubProgress({ node: { home } }: Api) {
  const { objects, last } = home.objects.span();
  const row = getMeta(home.catalog, 'scrubbed_row') ?? 0;
  const share = last === 0 ? 0 : Math.min(1, row / last);
  return { objects: Math.round(objects * share), totalObjects: objects };
}
