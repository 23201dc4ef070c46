/** Routes about objects: whole ones in and out, which are here, proof that they are. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import * as z from 'zod';
import type { Holding, HoldingRange } from '../../catalog/holdings.js';
import { findHolding, isDeletionNoted, missingHoldings, vaultManifests } from '../../catalog/holdings.js';
import { notedDeletions } from '../../catalog/withdrawals.js';
import type { NodeId, StoreId, VaultId } from '../../core/ids.js';
import { isStoreId, isVaultId } from '../../core/ids.js';
import { youngCollector } from '../../core/young-collector.js';
import { DisktroError, isDisktroError, missingObject } from '../../errors.js';
import { MIB } from '../../limits.js';
import { DIGEST_GROUPS, digestsToJson, type GroupSpan } from '../../net/digest.js';
import { MAX_PROOF_BYTES, MAX_PROOFS, proofOf } from '../../net/proof.js';
import type { BandwidthLimit } from '../../net/rate-limit.js';
import { MAX_HELD_OBJECT_BYTES } from '../../ops/copies/held-writer.js';
import { sharedDigests } from '../../ops/copies/shared-digests.js';
import { sharedHoldings, spanRange } from '../../ops/copies/shared-holdings.js';
import { vaultIdOfHome } from '../../ops/home/home.js';
import { objectPath } from '../../store/paths.js';
import { readJsonBody, refusal, replyJson } from '../json-body.js';
import {
  checkFile,
  SEND_BYTES,
  type Sending,
  sendFromMemory,
  sendPart,
  sendWhileReading,
} from '../object-sending.js';
import { hasTag, rangeOf } from '../range.js';
import type { Call, Route } from '../router.js';
import type { ServingNode } from '../serving-node.js';

const MAX_IDS = 10_000;
/** An object of up to this size is read whole before any of it is sent, and but once while there is room. */
const IN_MEMORY_BYTES = 4 * MIB;
/** What an answer says of an object that a refusal must not say. */
const OBJECT_HEADERS = ['Content-Range', 'Cache-Control', 'ETag', 'Accept-Ranges', 'X-Disktro-Kind'];
const MANIFEST_PAGE = 1_000;

/** TLS gives its bytes in buffers of their own. */
const noteReceived = youngCollector(4 * MIB);

const STORE_ID = z.string().refine(isStoreId);
const MISSING = z.object({ ids: z.array(STORE_ID).max(MAX_IDS), store: z.string().max(100).optional() });
const PROVE = z.object({
  nonce: z.string().regex(/^[0-9a-f]{32,128}$/),
  ranges: z
    .array(z.object({ id: STORE_ID, offset: z.int().min(0), length: z.int().min(1).max(MAX_PROOF_BYTES) }))
    .max(MAX_PROOFS),
});
const OFFER = z.object({ chunk_id: STORE_ID, from_node: z.string().max(100) });

export function objectRoutes(node: ServingNode): readonly Route[] {
  const member = (method: string, path: string, handle: (call: Call) => Promise<void>): Route => ({
    method,
    path,
    audience: 'member',
    handle,
  });
  return [
    member('GET', '/chunk', (call) => sendObject(node, call)),
    member('PUT', '/chunk', (call) => takeObject(node, call)),
    member('POST', '/chunk-transfer', (call) => fetchOffered(node, call)),
    member('POST', '/chunks/missing', async ({ request, response }) => {
      const { ids, store } = MISSING.parse(await readJsonBody(request));
      const asked = ids as StoreId[];
      if (store !== undefined) {
        replyJson(response, 200, { missing: await missingInStore(node, store, asked) });
        return;
      }
      const { catalog } = node.home;
      replyJson(response, 200, {
        missing: missingHoldings(catalog, asked),
        deleted: notedDeletions(catalog, asked),
      });
    }),
    member('POST', '/chunks/prove', (call) => prove(node, call)),
    member('GET', '/manifests', async ({ query, response }) => {
      const vault = vaultIdOf(query);
      const after = query.get('after');
      if (after !== null && !isStoreId(after)) throw refusal(400, 'after: expected an id');
      const isOwn = (await vaultIdOfHome(node.home)) === vault;
      const page = vaultManifests(node.home.catalog, vault, isOwn, after ?? undefined, MANIFEST_PAGE);
      const next = page.length < MANIFEST_PAGE ? null : (page.at(-1)?.id ?? null);
      replyJson(response, 200, { manifests: page.map(({ id, bytes }) => ({ id, bytes })), next });
    }),
    member('GET', '/digests', async ({ query, response, caller }) => {
      const span = spanOf(query);
      const other = query.get('scope') === 'all' ? undefined : caller;
      if (span === undefined) {
        const digests = sharedDigests(node.home.catalog, node.cluster(), other);
        replyJson(response, 200, { groups: digestsToJson(digests) });
        return;
      }
      const ids = [...sharedOf(node, other, spanRange(span))];
      replyJson(response, 200, { ids: ids.map(({ id, kind, bytes }) => ({ id, kind, bytes })) });
    }),
  ];
}

async function sendObject(node: ServingNode, { request, response, query, caller }: Call): Promise<void> {
  const id = storeIdOf(query);
  const holding = findHolding(node.home.catalog, id);
  if (holding === undefined) throw missingObject(id);
  response.setHeader('Content-Type', 'application/octet-stream');
  response.setHeader('Cache-Control', 'public, max-age=31536000, immutable');
  response.setHeader('ETag', `"${id}"`);
  response.setHeader('Accept-Ranges', 'bytes');
  response.setHeader('X-Disktro-Kind', holding.kind);
  if (hasTag(request.headers['if-none-match'], `"${id}"`)) {
    response.writeHead(304).end();
    return;
  }
  const range = rangeOf(request.headers.range, holding.bytes);
  if (range === 'unsatisfiable') {
    response.writeHead(416, { 'Content-Range': `bytes */${holding.bytes}` }).end();
    return;
  }
  const { start, end } = range ?? { start: 0, end: holding.bytes - 1 };
  response.setHeader('Content-Length', end - start + 1);
  if (range !== undefined) response.setHeader('Content-Range', `bytes ${start}-${end}/${holding.bytes}`);
  response.statusCode = range === undefined ? 200 : 206;
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  const limit = caller === undefined ? undefined : node.cluster()?.upload;
  const isSmall = holding.bytes <= IN_MEMORY_BYTES;
  // Slow clients must not keep others from the first byte: when there are many, all make do with less.
  const room =
    (isSmall ? node.sends.takeNow(holding.bytes) : undefined) ?? (await node.sends.take(SEND_BYTES));
  let isSent = false;
  try {
    if (response.destroyed) return;
    isSent = await send(node, response, holding, { start, end, limit }, room.bytes);
  } finally {
    room.release(isSent);
  }
}

/**
 * What is damaged is noted. A part is only sent of an object that was read whole just before, and so is a small object;
 * a large one is hashed on its way out and cut off before its last bytes.
 * @returns whether all of it was sent
 */
async function send(
  node: ServingNode,
  response: ServerResponse,
  { id, kind, bytes }: Holding,
  sending: Sending,
  room: Buffer,
): Promise<boolean> {
  const file = objectPath(node.home.paths.objects, kind, id);
  const isPart = sending.end - sending.start + 1 < bytes;
  try {
    if (room.byteLength === bytes) await sendFromMemory(file, id, sending, room, response);
    else if (isPart || bytes <= IN_MEMORY_BYTES) {
      await checkFile(file, id, bytes, room);
      await sendPart(file, sending, room, response);
    } else await sendWhileReading(file, id, { sizeBytes: bytes, limit: sending.limit }, room, response);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const isUnreadable = code === 'ENOENT' || code === 'EIO' || error instanceof DisktroError;
    const isFreed = code === 'ENOENT' && isDeletionNoted(node.home.catalog, id);
    if (isUnreadable && !isFreed) {
      noteDamaged(node, id, code === 'ENOENT');
    }
    if (isUnreadable && !response.headersSent) throw withoutObject(response, id);
    response.destroy();
    return false;
  }
}

function withoutObject(response: ServerResponse, id: StoreId): DisktroError {
  for (const name of OBJECT_HEADERS) response.removeHeader(name);
  return missingObject(id);
}

/** Nothing relies on it from now on, and whoever has it whole may send it again. */
function noteDamaged(node: ServingNode, id: StoreId, isGone: boolean): void {
  node.log.error(`object ${id} is ${isGone ? 'gone' : 'damaged'} here; it is fetched again from a peer`);
  const row = node.home.objects.find(id);
  if (row !== undefined) node.home.objects.markLost([row.row]);
}

async function* braked(source: AsyncIterable<Buffer>, limit: BandwidthLimit): AsyncGenerator<Buffer> {
  for await (const piece of source) {
    await limit.take(piece.byteLength);
    yield piece;
  }
}

async function takeObject(node: ServingNode, { request, response, query, caller }: Call): Promise<void> {
  const id = storeIdOf(query);
  const kind = query.get('kind') ?? 'chunk';
  if (kind !== 'chunk' && kind !== 'manifest') throw refusal(400, 'kind: expected chunk or manifest');
  const length = Number(request.headers['content-length'] ?? Number.NaN);
  if (!Number.isSafeInteger(length)) throw refusal(411, 'expected a length');
  if (length > MAX_HELD_OBJECT_BYTES) {
    throw refusal(413, `body: expected at most ${MAX_HELD_OBJECT_BYTES} bytes, got ${length}`);
  }
  if (isDeletionNoted(node.home.catalog, id)) throw refusal(410, 'its vault had this object deleted');
  if (node.writer.has(id)) {
    request.resume();
    replyJson(response, 200, { stored: false });
    return;
  }
  if (query.get('fresh') === '1') node.noteFresh();
  const { bytes, release } = await node.bodies.take(length);
  try {
    const limit = caller === undefined ? undefined : node.cluster()?.download;
    if (limit === undefined) await readInto(request, bytes);
    else await readFully(braked(request, limit), bytes);
    noteReceived(length);
    const outcome = await node.writer.put(kind, id, bytes).catch(asRefusal);
    replyJson(response, outcome === 'new' ? 201 : 200, { stored: outcome === 'new' });
  } finally {
    release();
  }
}

/** What is wrong with the bytes is the sender's affair; a deleted object is not wanted again. */
function asRefusal(error: unknown): never {
  if (isDisktroError(error, 'E_OBJECT_LENGTH', 'E_OBJECT_MAGIC', 'E_OBJECT_ID'))
    throw refusal(422, error.message);
  throw error;
}

/** Without a promise for each piece, of which a TLS connection makes 64 to a megabyte. */
function readInto(request: IncomingMessage, body: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    if (request.destroyed) {
      reject(refusal(400, 'the body broke off'));
      return;
    }
    let filled = 0;
    const refuse = (why: string): void => {
      // `body` is another's from now on.
      request.off('data', take);
      reject(refusal(400, why));
    };
    const take = (piece: Buffer): void => {
      if (filled + piece.byteLength > body.byteLength) refuse('the body is longer than announced');
      else filled += piece.copy(body, filled);
    };
    request.on('data', take);
    request.once('end', () =>
      filled === body.byteLength ? resolve() : refuse('the body is shorter than announced'),
    );
    request.once('error', () => refuse('the body broke off'));
    request.once('close', () => refuse('the body broke off'));
  });
}

async function readFully(request: AsyncIterable<Buffer>, body: Buffer): Promise<void> {
  let filled = 0;
  try {
    for await (const piece of request) {
      if (filled + piece.byteLength > body.byteLength)
        throw refusal(400, 'the body is longer than announced');
      filled += piece.copy(body, filled);
    }
  } catch (error) {
    throw isDisktroError(error) ? error : refusal(400, 'the body broke off');
  }
  if (filled < body.byteLength) throw refusal(400, 'the body is shorter than announced');
}

/** What a bucket or folder lacks, for a node that cannot use it. */
async function missingInStore(
  node: ServingNode,
  store: string,
  ids: readonly StoreId[],
): Promise<readonly StoreId[]> {
  const holder = node
    .cluster()
    ?.holderClients()
    .find(({ id }) => id === store);
  if (holder === undefined) throw refusal(404, 'store: this node cannot use it');
  return await holder.missing(ids);
}

/** The object is fetched from the member that is named, never from an address in the request. */
async function fetchOffered(node: ServingNode, { request, response }: Call): Promise<void> {
  const offer = OFFER.parse(await readJsonBody(request));
  const id = offer.chunk_id as StoreId;
  const cluster = node.cluster();
  const from = cluster?.everyone().find((member) => member === offer.from_node);
  if (cluster === undefined || from === undefined)
    throw refusal(400, 'from_node: expected a member of this cluster');
  if (node.writer.has(id)) {
    replyJson(response, 200, { stored: false });
    return;
  }
  const bytes = await cluster.client(from).headObject(id);
  if (bytes === undefined) throw missingObject(id);
  if (bytes > MAX_HELD_OBJECT_BYTES) throw refusal(422, 'too long for an object');
  const body = await node.bodies.take(bytes);
  try {
    const length = await cluster.client(from).getObject(id, body.bytes, {});
    await node.writer.put('chunk', id, body.bytes.subarray(0, length));
    replyJson(response, 201, { stored: true });
  } finally {
    body.release();
  }
}

async function prove(node: ServingNode, { request, response }: Call): Promise<void> {
  const { nonce, ranges } = PROVE.parse(await readJsonBody(request));
  const key = Buffer.from(nonce, 'hex');
  const proofs: (string | null)[] = [];
  for (const { id, offset, length } of ranges) {
    const holding = findHolding(node.home.catalog, id as StoreId);
    if (holding === undefined || offset + length > holding.bytes) {
      proofs.push(null);
      continue;
    }
    const bytes = await node.home.store
      .get(holding.kind, id as StoreId, { offset, length })
      .catch(() => undefined);
    if (bytes?.byteLength === length) proofs.push(proofOf(key, offset, bytes));
    else {
      noteDamaged(node, id as StoreId, bytes === undefined);
      proofs.push(null);
    }
  }
  replyJson(response, 200, { proofs });
}

/** What the caller and this node should both hold; everything for who is on this machine. */
function sharedOf(
  node: ServingNode,
  caller: NodeId | undefined,
  range: HoldingRange = {},
): Iterable<Holding> {
  return sharedHoldings(node.home.catalog, node.cluster(), caller, range);
}

function storeIdOf(query: URLSearchParams): StoreId {
  const id = query.get('id') ?? '';
  if (!isStoreId(id)) throw refusal(400, 'id: expected 64 lower-case hex digits');
  return id;
}

/** @returns undefined when no group is named */
function spanOf(query: URLSearchParams): GroupSpan | undefined {
  const group = query.get('group');
  if (group === null) return undefined;
  const [first, last] = [group, query.get('last') ?? group].map((text) =>
    /^\d{1,4}$/.test(text) ? Number(text) : DIGEST_GROUPS,
  ) as [number, number];
  if (last < first || last >= DIGEST_GROUPS) throw refusal(400, 'group: no such group');
  return { first, last };
}

function vaultIdOf(query: URLSearchParams): VaultId {
  const id = query.get('vault') ?? '';
  if (!isVaultId(id)) throw refusal(400, 'vault: expected 32 lower-case hex digits');
  return id;
}
