/**
 * A vault whose objects are on other nodes while its slots are not: `serve` copies objects without a key, and only who has
 * the key can sign the record with the slots. Then no password and no recovery code opens anything there.
 */
import { vaultRecord } from '../../catalog/holdings.js';
import type { VaultId } from '../../core/ids.js';
import type { OpenHome } from '../home/home.js';
import { vaultIdOfHome } from '../home/home.js';

export const UNTOLD_VAULT =
  'no other node could give this vault back yet: run `disktro repair` here, with the password';

/** Whether this home has a vault of which no record was ever signed for the others. */
export async function isVaultUntold(home: OpenHome): Promise<boolean> {
  const id = await vaultIdOfHome(home);
  return id !== undefined && vaultRecord(home.catalog, id as VaultId) === undefined;
}
