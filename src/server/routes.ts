/** Every route of a node, whoever may ask it. */
import type { Api } from './api/api.js';
import type { Route } from './router.js';
import { apiDownloadRoutes } from './routes/api-download.js';
import { apiFileRoutes } from './routes/api-files.js';
import { apiNetworkRoutes } from './routes/api-network.js';
import { apiReadRoutes } from './routes/api-read.js';
import { apiServerRoutes } from './routes/api-server.js';
import { apiStoreRoutes } from './routes/api-store.js';
import { apiVaultRoutes } from './routes/api-vault.js';
import { memberRoutes } from './routes/members.js';
import { objectRoutes } from './routes/objects.js';
import { pageRoutes } from './routes/page.js';
import { recoveryRoutes } from './routes/recovery.js';
import { vaultRoutes } from './routes/vaults.js';
import type { ServingNode } from './serving-node.js';

export function allRoutes(node: ServingNode, api: Api): readonly Route[] {
  return [
    ...memberRoutes(node),
    ...objectRoutes(node),
    ...vaultRoutes(node),
    ...recoveryRoutes(node),
    ...pageRoutes(),
    ...apiVaultRoutes(api),
    ...apiFileRoutes(api),
    ...apiStoreRoutes(api),
    ...apiReadRoutes(api),
    ...apiDownloadRoutes(api),
    ...apiNetworkRoutes(api),
    ...apiServerRoutes(api),
  ];
}
