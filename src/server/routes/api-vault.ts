/** Routes of the API that open and lock the vault. */
import * as z from 'zod';
import type { Api } from '../api/api.js';
import { credentialsOf } from '../api/api.js';
import { replyData, requiredJson } from '../json-body.js';
import type { Route } from '../router.js';

const UNLOCK = z.strictObject({ password: z.string().min(1).max(4096), create: z.boolean().optional() });

export function apiVaultRoutes(api: Api): readonly Route[] {
  const { door } = api;
  return [
    {
      method: 'POST',
      path: '/api/unlock',
      audience: 'local',
      handle: async ({ request, response }) => {
        const { password, create = false } = UNLOCK.parse(await requiredJson(request));
        const opened = await door.unlock(password, create);
        const message = opened.recoveryCode === undefined ? 'the vault is open' : 'made a new vault';
        replyData(response, 200, message, { ...opened, idleSeconds: Math.round(door.idleMs / 1000) });
      },
    },
    {
      method: 'POST',
      path: '/api/lock',
      audience: 'local',
      handle: async (call) => {
        // Links end too: locking means that nothing is read from now on.
        api.tickets.clear();
        await door.lock(credentialsOf(call).session);
        replyData(call.response, 200, 'locked', { sessions: door.sessions });
      },
    },
  ];
}
