/** Routes of the API about the files there are: listing, one in detail, removing. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setImmediate as nextTick } from 'node:timers/promises';
import type { FileId } from '../../core/ids.js';
import { isStoreId } from '../../core/ids.js';
import { notFound } from '../../errors.js';
import { eachFileFacts, type FactsOptions, fileFacts, placementOf } from '../../ops/files/file-facts.js';
import { removeFiles } from '../../ops/files/files.js';
import { resolveFileId } from '../../ops/files/resolve.js';
import type { Vault } from '../../ops/home/vault.js';
import { partOf } from '../../ops/read/inner-path.js';
import { listFolder } from '../../ops/read/tree-listing.js';
import type { Api } from '../api/api.js';
import { shownFile, shownPlacedFile } from '../api/shown-files.js';
import { refusal, replyData } from '../json-body.js';
import type { Call, Route } from '../router.js';

const WRITE_BYTES = 64 * 1024;
/** A tree is opened anew for each page: large ones take few. */
const PAGE_ENTRIES = 10_000;

export function apiFileRoutes(api: Api): readonly Route[] {
  return [
    { method: 'GET', path: '/api/files', audience: 'local', handle: (call) => files(api, call) },
    { method: 'GET', path: '/api/entries', audience: 'local', handle: (call) => entries(api, call) },
    { method: 'DELETE', path: '/api/files', audience: 'local', handle: (call) => remove(api, call) },
  ];
}

async function files(api: Api, call: Call): Promise<void> {
  using lease = await api.leaseIfAny(call);
  const vault = lease?.vault;
  const id = call.query.get('id');
  if (id === null) await listAll(api, call, vault);
  else replyData(call.response, 200, 'one file', await oneFile(api, id, vault));
}

/** One file as the answers about it show it. @throws E_NOT_FOUND, E_AMBIGUOUS */
export async function shownById(api: Api, id: FileId, vault: Vault | undefined) {
  const [facts] = fileFacts(api.node.home, [id], factsOptions(api, vault, true));
  if (facts === undefined) throw notFound(`no file ${id}`);
  return { facts, by: await api.shownBy(vault !== undefined) };
}

async function oneFile(api: Api, text: string, vault: Vault | undefined) {
  const { node } = api;
  if (text === '') throw refusal(400, 'id: expected a file id');
  const id = resolveFileId(vault ?? node.home, text);
  const { facts, by } = await shownById(api, id, vault);
  const placement = await placementOf(node.home, id, { self: node.id, vault, cluster: node.cluster() });
  return shownPlacedFile(facts, by, placement);
}

function factsOptions(api: Api, vault: Vault | undefined, withObjects: boolean): FactsOptions {
  const { node, settings } = api;
  return { self: node.id, vault, wanted: settings.replicaCount, counted: api.counted(), withObjects };
}

/** Written while it is read, so that the list may be of any length. */
async function listAll(api: Api, { query, response }: Call, vault: Vault | undefined): Promise<void> {
  const summary = query.get('summary');
  if (summary !== null && summary !== '1' && summary !== '0') throw refusal(400, 'summary: expected 1');
  const by = await api.shownBy(vault !== undefined);
  const pages = eachFileFacts(api.node.home, factsOptions(api, vault, summary !== '1'));
  // The first page before the headers: what fails at all mostly fails there.
  let page = pages.next();
  response.writeHead(200, {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  if (response.req.method === 'HEAD') {
    response.end();
    return;
  }
  let text = '{"success":true,"message":"the files","data":[';
  let separator = '';
  while (page.done !== true && !response.destroyed) {
    for (const facts of page.value) {
      text += separator + JSON.stringify(shownFile(facts, by));
      separator = ',';
    }
    if (text.length > WRITE_BYTES) {
      await write(response, text);
      text = '';
    }
    await nextTick();
    page = pages.next();
  }
  response.end(`${text}]}`);
}

/** Waits while the client has enough to read. */
async function write(response: ServerResponse, text: string): Promise<void> {
  if (response.write(text) || response.destroyed) return;
  await Promise.race([once(response, 'drain'), once(response, 'close')]);
}

/** What lies inside a tree. */
async function entries(api: Api, call: Call): Promise<void> {
  const { query } = call;
  const id = query.get('id') ?? '';
  if (id === '') throw refusal(400, 'id: expected a file id');
  const deep = query.get('deep') ?? '0';
  if (!/^[01]$/.test(deep)) throw refusal(400, 'deep: expected 1');
  using lease = await api.lease(call);
  const { vault } = lease;
  const part = partOf(vault, id, query.get('path') ?? '');
  const signal = api.signalOf(call);
  const page = await api.reads.run(signal, () =>
    listFolder(vault, part, {
      from: numberIn(query, 'from', 0, Number.MAX_SAFE_INTEGER) ?? 0,
      limit: numberIn(query, 'limit', 1, PAGE_ENTRIES) ?? PAGE_ENTRIES,
      isDeep: deep === '1',
      source: api.source(vault),
      signal,
    }),
  );
  replyData(call.response, 200, 'what is inside', { ...page, path: part.inner });
}

/** @throws 400 naming the parameter */
function numberIn(query: URLSearchParams, name: string, least: number, most: number): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most))
    throw refusal(400, `${name}: expected a number from ${least} to ${most}`);
  return value;
}

async function remove(api: Api, call: Call): Promise<void> {
  const id = call.query.get('id') ?? '';
  // Nothing is deleted by a name or a beginning: those may mean another file tomorrow.
  if (!isStoreId(id)) throw refusal(400, 'id: expected the 64 digits of a file id');
  using lease = await api.lease(call);
  const result = await removeFiles(lease.vault, [id]);
  replyData(call.response, 200, 'removed', result);
}
