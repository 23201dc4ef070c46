/** Routes of the API about this node itself: its state, its log, what happens. */
import type { Api } from '../api/api.js';
import { credentialsOf } from '../api/api.js';
import { apiNodes } from '../api/shown-nodes.js';
import { apiStatus, shownStatus } from '../api/shown-status.js';
import { replyData } from '../json-body.js';
import type { Call, Route } from '../router.js';

export function apiServerRoutes(api: Api): readonly Route[] {
  const local = (path: string, handle: (call: Call) => Promise<void>): Route => ({
    method: 'GET',
    path,
    audience: 'local',
    handle,
  });
  return [
    local('/api/status', async (call) => {
      const hasNames = await api.mayKnowNames(call);
      replyData(call.response, 200, 'the state of now', shownStatus(await apiStatus(api), hasNames));
    }),
    local('/api/log', async ({ response }) => {
      replyData(response, 200, 'the last lines, oldest first', api.node.log.tail());
    }),
    local('/api/events', (call) => events(api, call)),
    local('/metrics', async ({ response }) => {
      const { type, text } = await api.metrics.report();
      response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store' });
      response.end(response.req.method === 'HEAD' ? undefined : text);
    }),
  ];
}

async function events(api: Api, call: Call): Promise<void> {
  const { session } = credentialsOf(call);
  const { 'last-event-id': lastId } = call.request.headers;
  const listening = {
    lastId: typeof lastId === 'string' ? lastId : undefined,
    hasNames: () => api.door.peek(session) !== undefined,
  };
  // All of it before the head of the answer: whoever has that misses nothing from then on.
  await api.news.begin();
  const [status, peers] = [await apiStatus(api), await apiNodes(api.node, false)];
  await api.events.serve(call.response, listening, [
    ['status', (hasNames) => shownStatus(status, hasNames)],
    ['peers', () => peers],
  ]);
}
