/** Every route of a node, whoever may ask it. */

import type { Route } from './router.js';
import { memberRoutes } from './routes/members.js';
import { objectRoutes } from './routes/objects.js';
import { recoveryRoutes } from './routes/recovery.js';
import { vaultRoutes } from './routes/vaults.js';
import type { ServingNode } from './serving-node.js';

export function allRoutes(node: ServingNode): readonly Route[] {
  return [...memberRoutes(node), ...objectRoutes(node), ...vaultRoutes(node), ...recoveryRoutes(node)];
}
