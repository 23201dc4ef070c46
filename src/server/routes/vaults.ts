/** Routes about vaults as their owners sign them: public records, and what is to be deleted. Holds no key of a vault. */
import * as z from 'zod';
import { removeFileRows } from '../../catalog/garbage.js';
import { ownManifests, scheduleDeletions } from '../../catalog/holdings.js';
import type { StoreId, VaultId } from '../../core/ids.js';
import { isStoreId, isVaultId } from '../../core/ids.js';
import { isDisktroError } from '../../errors.js';
import { isSignedByVault, MAX_VAULT_RECORD_BYTES } from '../../net/vault-record.js';
import { giveAuthority } from '../../ops/ask-authority.js';
import { vaultIdOfHome } from '../../ops/home.js';
import { recordVersions, storedRecord, takeRecord } from '../../ops/stored-records.js';
import { readJsonBody, refusal, replyJson } from '../json-body.js';
import type { Call, Route } from '../router.js';
import type { ServingNode } from '../serving-node.js';

const MAX_DELETED_IDS = 10_000;
const MOST_AGE_MS = 24 * 60 * 60 * 1000;
/** How far the clock of who signs may be ahead. */
const CLOCK_SLACK_MS = 10 * 60 * 1000;

const DELETION = z.object({
  vault: z.string().refine(isVaultId),
  ids: z.array(z.string().refine(isStoreId)).max(MAX_DELETED_IDS),
  issued_ms: z.int().min(0),
  signature: z.string().max(100),
});

const AUTHORITY = z.strictObject({
  vault: z.string().refine(isVaultId),
  node: z.string().max(100),
  issued_ms: z.int().min(0),
  signature: z.string().max(100),
});

export function vaultRoutes(node: ServingNode): readonly Route[] {
  const member = (method: string, path: string, handle: (call: Call) => Promise<void>): Route => ({
    method,
    path,
    audience: 'member',
    handle,
  });
  return [
    member('GET', '/vaults', async ({ response }) =>
      replyJson(response, 200, { vaults: recordVersions(node.home) }),
    ),
    member('GET', '/vault', async ({ query, response }) => {
      const record = storedRecord(node.home, vaultIdOf(query));
      if (record === undefined) throw refusal(404, 'no record of this vault');
      replyJson(response, 200, record);
    }),
    member('PUT', '/vault', (call) => putRecord(node, call)),
    member('POST', '/delete', (call) => deleteObjects(node, call)),
    member('POST', '/authority', async ({ request, response, caller }) => {
      const order = AUTHORITY.parse(await readJsonBody(request));
      const key = await giveAuthority(node.home, caller, order).catch((error: unknown) => {
        if (isDisktroError(error, 'E_PEER_REFUSED')) throw refusal(403, error.message);
        throw error;
      });
      node.log.warning(`vault ${order.vault.slice(0, 8)} has the key of this cluster now`);
      replyJson(response, 200, { key });
    }),
  ];
}

async function putRecord(node: ServingNode, { request, response, query }: Call): Promise<void> {
  const vault = vaultIdOf(query);
  const json = await readJsonBody(request, { maxBytes: MAX_VAULT_RECORD_BYTES });
  try {
    const outcome = takeRecord(node.home, vault, json);
    replyJson(response, outcome === 'new' ? 201 : 200, { stored: outcome === 'new' });
  } catch (error) {
    // What is wrong with the record is the sender's affair.
    if (isDisktroError(error, 'E_PEER_REFUSED')) throw refusal(422, error.message);
    throw error;
  }
}

async function deleteObjects(node: ServingNode, { request, response }: Call): Promise<void> {
  const { signature, ...order } = DELETION.parse(await readJsonBody(request));
  const nowMs = Date.now();
  if (order.issued_ms < nowMs - MOST_AGE_MS || order.issued_ms > nowMs + CLOCK_SLACK_MS) {
    throw refusal(403, 'issued_ms: too old, or in the future');
  }
  const vault = order.vault as VaultId;
  const record = storedRecord(node.home, vault);
  if (record === undefined || !isSignedByVault('delete', order, record.verify_key, signature)) {
    throw refusal(403, 'not signed by this vault, as this node knows it');
  }
  const { catalog } = node.home;
  const ids = order.ids as StoreId[];
  const noted = scheduleDeletions(catalog, vault, ids, nowMs + node.deleteGraceSeconds * 1000);
  // A machine of the same vault lists its files itself: what was removed on one is removed on all.
  const isOwn = (await vaultIdOfHome(node.home)) === vault;
  const removed = isOwn ? removeFileRows(catalog, ownManifests(catalog, ids), nowMs).length : 0;
  replyJson(response, 200, { noted });
  if (noted + removed > 0)
    node.log.info(`${noted} objects are to go, as their vault ${vault.slice(0, 8)} says`);
}

function vaultIdOf(query: URLSearchParams): VaultId {
  const id = query.get('id') ?? '';
  if (!isVaultId(id)) throw refusal(400, 'id: expected 32 lower-case hex digits');
  return id;
}
