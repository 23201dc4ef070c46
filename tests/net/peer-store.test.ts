// A live peer keeps the contract of all stores, but for what a peer does not do. Sources: src/net/peer-store.ts.
import t from 'tap';
import type { StoreId } from '../../src/core/ids.js';
import { PeerClient } from '../../src/net/peer-client.js';
import { PeerStore } from '../../src/net/peer-store.js';
import type { RequestHandler } from '../../src/server/exchanges.js';
import { readJsonBody, refusal, replyJson, replyText } from '../../src/server/json-body.js';
import { MemoryStore } from '../../src/store/memory-store.js';
import { sampleBytes } from '../ops/sample-bytes.js';
import { openPort } from '../server/one-port.js';
import { sampleObject, testObjectStore } from '../store/object-store-contract.js';
import { testCluster } from './cluster.js';

const cluster = await testCluster();
const [node, me] = [await cluster.addNode(), await cluster.addNode()];

/** The object routes of PROTOCOL.md over a store in memory, as short as they can be. */
function routesOf(store: MemoryStore): RequestHandler {
  const everything = async () => [
    ...(await store.list('chunk', { limit: 1e9 })).map((entry) => ({ ...entry, kind: 'chunk' as const })),
    ...(await store.list('manifest', { limit: 1e9 })).map((entry) => ({
      ...entry,
      kind: 'manifest' as const,
    })),
  ];
  const find = async (id: string) => (await everything()).find((entry) => entry.id === id);
  const groupOf = (id: string): number => Number.parseInt(id.slice(0, 3), 16);
  return async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://x');
    const id = searchParams.get('id') as StoreId;
    if (pathname === '/chunks/missing') {
      const { ids } = (await readJsonBody(request)) as { ids: StoreId[] };
      const known = new Set((await everything()).map((entry) => entry.id));
      return replyJson(response, 200, { missing: ids.filter((id) => !known.has(id)) });
    }
    if (pathname === '/digests' && searchParams.has('group')) {
      const [first, last] = [Number(searchParams.get('group')), Number(searchParams.get('last'))];
      const isAsked = (group: number) => group >= first && group <= last;
      return replyJson(response, 200, {
        ids: (await everything()).filter((entry) => isAsked(groupOf(entry.id))),
      });
    }
    if (pathname === '/digests') {
      const used = (await everything()).map((entry) => [
        groupOf(entry.id),
        { count: 1, digest: 'a'.repeat(64) },
      ]);
      return replyJson(response, 200, { groups: Object.fromEntries(used) });
    }
    if (request.method === 'PUT') {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      const kind = searchParams.get('kind') === 'chunk' ? 'chunk' : 'manifest';
      const isNew = await store.put(kind, id, Buffer.concat(parts));
      return replyText(response, isNew ? 201 : 200, '');
    }
    const entry = await find(id);
    if (entry === undefined) throw refusal(404, 'no such object');
    const bytes = await store.get(entry.kind, id);
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
    const [first, last] = [Number(range?.[1] ?? 0), Number(range?.[2] || bytes.length - 1)];
    if (range && first >= bytes.length) throw refusal(416, 'behind the end');
    const part = bytes.subarray(first, last + 1);
    response.writeHead(range ? 206 : 200, {
      'content-length': part.length,
      ...(range && { 'content-range': `bytes ${first}-${first + part.length - 1}/${bytes.length}` }),
    });
    response.end(request.method === 'HEAD' ? undefined : part);
  };
}

async function openStore(t: { teardown(work: () => unknown): void }, store = new MemoryStore()) {
  const { port } = await openPort(t as Parameters<typeof openPort>[0], {
    tls: node.credentials,
    handler: routesOf(store),
  });
  const client = new PeerClient({
    nodeId: node.nodeId,
    addresses: [`127.0.0.1:${port}`],
    credentials: me.credentials,
  });
  t.teardown(() => client.close());
  return new PeerStore(client);
}

testObjectStore('a peer', openStore, {
  'keeps chunks and manifests apart': 'on the wire an object goes by its id alone',
  'deletes exactly what it is told and counts what was there': 'a peer deletes nothing',
  'counts objects and bytes of both kinds': 'its end deletes',
  'shows a batch when it is committed, not before': 'objects are sent as they are written',
  'leaves nothing of an aborted batch': 'what has arrived stays',
});

t.test('a peer deletes nothing', async (t) => {
  const store = await openStore(t);
  await t.rejects(store.delete(), { code: 'E_PEER_REFUSED' });
});

t.test('a peer counts objects and keeps kinds apart in lists', async (t) => {
  const store = await openStore(t);
  const [chunk, manifest] = [sampleObject('chunk', 10), sampleObject('manifest', 200)];
  await store.put('chunk', chunk.id, chunk.bytes);
  await store.put('manifest', manifest.id, manifest.bytes);
  t.same(await store.list('chunk'), [{ id: chunk.id, bytes: 10 }]);
  t.same(await store.list('manifest'), [{ id: manifest.id, bytes: 200 }]);
  t.same(await store.usage(), { objects: 2, bytes: 210, freeBytes: undefined });
});

t.test('a batch fails when one of its objects does, and ends its uploads when aborted', async (t) => {
  class FullStore extends MemoryStore {
    override async put(): Promise<boolean> {
      throw refusal(507, 'full');
    }
  }
  const store = await openStore(t, new FullStore());
  const batch = store.batch();
  const bytes = sampleBytes('full', 1000);
  await batch.write('chunk', 'a'.repeat(64) as StoreId, bytes);
  await t.rejects(batch.commit(), { code: 'E_NO_SPACE', details: { node: node.nodeId } });
  await t.rejects(batch.write('chunk', 'b'.repeat(64) as StoreId, bytes), { code: 'E_NO_SPACE' });
  await batch.abort();
  t.pass('abort never throws');
});
