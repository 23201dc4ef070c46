/** Routes about vaults as their owners sign them: public records, and what is to be deleted. Holds no key of a vault. */
import type { IncomingMessage } from 'node:http';
import * as z from 'zod';
import { removeFileRows } from '../../catalog/garbage.js';
import { scheduleDeletions } from '../../catalog/holdings.js';
import { knownFiles } from '../../catalog/imports.js';
import { neededHere, withdrawDeletions } from '../../catalog/withdrawals.js';
import type { StoreId, VaultId } from '../../core/ids.js';
import { isStoreId, isVaultId } from '../../core/ids.js';
import { isDisktroError } from '../../errors.js';
import { isSignedByVault, MAX_VAULT_RECORD_BYTES } from '../../net/vault-record.js';
import { giveAuthority } from '../../ops/cluster/ask-authority.js';
import { recordVersions, storedRecord, takeRecord } from '../../ops/cluster/stored-records.js';
import { MOST_ORDER_AGE_MS, ORDER_SLACK_MS, withdrawalTimes } from '../../ops/copies/withdraw-deletions.js';
import { vaultIdOfHome } from '../../ops/home/home.js';
import { readJsonBody, refusal, replyJson } from '../json-body.js';
import type { Call, Route } from '../router.js';
import type { ServingNode } from '../serving-node.js';

const MAX_DELETED_IDS = 10_000;

/** Of a deletion, and of what takes it back. */
const ORDER = z.object({
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
    member('POST', '/keep', (call) => keepObjects(node, call)),
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
  const { vault, ids, issuedMs } = await orderOf(node, 'delete', request);
  const { catalog } = node.home;
  const nowMs = Date.now();
  const freeMs = nowMs + node.deleteGraceSeconds * 1000;
  const noted = scheduleDeletions(catalog, vault, ids, { freeMs, issuedMs });
  // A machine of the same vault lists its files itself: what was removed on one is removed on all.
  const isOwn = (await vaultIdOfHome(node.home)) === vault;
  const removed = isOwn ? removeFileRows(catalog, [...knownFiles(catalog, ids)], nowMs).length : 0;
  replyJson(response, 200, { noted, needed: isOwn ? neededHere(catalog, ids) : [] });
  if (noted + removed > 0)
    node.log.info(`${noted} objects are to go, as their vault ${vault.slice(0, 8)} says`);
}

async function keepObjects(node: ServingNode, { request, response }: Call): Promise<void> {
  const { vault, ids } = await orderOf(node, 'keep', request);
  const kept = withdrawDeletions(node.home.catalog, vault, ids, withdrawalTimes(Date.now()));
  replyJson(response, 200, { kept });
  if (kept > 0)
    node.log.info(`${kept} objects are to stay after all, as their vault ${vault.slice(0, 8)} says`);
}

interface Order {
  readonly vault: VaultId;
  readonly ids: readonly StoreId[];
  readonly issuedMs: number;
}

/** What a vault has signed. @throws 403 for what it has not, or not now */
async function orderOf(
  node: ServingNode,
  purpose: 'delete' | 'keep',
  request: IncomingMessage,
): Promise<Order> {
  const { signature, ...order } = ORDER.parse(await readJsonBody(request));
  const nowMs = Date.now();
  if (order.issued_ms < nowMs - MOST_ORDER_AGE_MS || order.issued_ms > nowMs + ORDER_SLACK_MS) {
    throw refusal(403, 'issued_ms: too old, or in the future');
  }
  const vault = order.vault as VaultId;
  const record = storedRecord(node.home, vault);
  if (record === undefined || !isSignedByVault(purpose, order, record.verify_key, signature)) {
    throw refusal(403, 'not signed by this vault, as this node knows it');
  }
  return { vault, ids: order.ids as StoreId[], issuedMs: order.issued_ms };
}

function vaultIdOf(query: URLSearchParams): VaultId {
  const id = query.get('id') ?? '';
  if (!isVaultId(id)) throw refusal(400, 'id: expected 32 lower-case hex digits');
  return id;
}
