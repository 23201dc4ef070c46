// Keys in a bucket that are not ours, as consoles and other tools leave them: a listing neither stays with them nor jumps
// over objects. Sources: src/store/s3-store.ts, src/store/s3-connection.ts.
import { createServer } from 'node:net';
import t, { type Test } from 'tap';
import type { StoreId } from '../../src/core/ids.js';
import { S3Store } from '../../src/store/s3-store.js';
import { type BucketLocation, parseStoreUrl } from '../../src/store/store-url.js';
import { MemoryEngine } from './memory-engine.js';
import { sampleObject } from './object-store-contract.js';

const KEYS = { accessKeyId: 'a', secretAccessKey: 'b' };
const locate = (url: string): BucketLocation => parseStoreUrl(url) as BucketLocation;

async function bucket(t: Test): Promise<{ engine: MemoryEngine; store: S3Store }> {
  const engine = await MemoryEngine.start(t);
  const store = new S3Store(locate(engine.url('p')), KEYS);
  t.teardown(() => store.close());
  return { engine, store };
}

t.test('a folder marker at the end of a page', { timeout: 20_000 }, async (t) => {
  const { engine, store } = await bucket(t);
  const { id, bytes } = sampleObject(1);
  await store.put('manifest', id, bytes);
  engine.objects.set('p/manifests/', Buffer.alloc(0));
  t.same(
    (await store.list('manifest', { limit: 1 })).map((object) => object.id),
    [id],
  );
});

t.test('another key at the end of a page', async (t) => {
  const { engine, store } = await bucket(t);
  const ids: string[] = [];
  for (let index = 0; index < 40; index++) {
    const { id, bytes } = sampleObject(index);
    ids.push(id);
    await store.put('chunk', id, bytes);
  }
  ids.sort();
  const shard = ids[0]?.slice(0, 2) ?? '';
  engine.objects.set(`p/chunks/${shard}/zz-partial`, Buffer.alloc(1));
  for (const limit of [1, 2, 3, 40, 100]) {
    const listed = await store.list('chunk', { limit });
    t.same(
      listed.map(({ id }) => id),
      ids.slice(0, limit),
      `${limit} of them`,
    );
  }
});

t.test('a page of other keys alone', async (t) => {
  const { engine, store } = await bucket(t);
  const ids = Array.from({ length: 30 }, (_, index) => `abc${String(index).padStart(61, '0')}` as StoreId);
  for (const id of ids) engine.objects.set(`p/chunks/ab/${id}`, Buffer.alloc(100));
  // They lie between the place that is asked from and the first object behind it.
  const before = `p/chunks/ab/${ids[0]?.slice(0, -1)}`;
  for (let index = 0; index <= 1000; index++) engine.objects.set(`${before}-${index}`, Buffer.alloc(1));
  t.same(await store.sizes('chunk', ids), Array(30).fill(100), 'hides no object');
  t.equal((await store.list('chunk', { limit: 50 })).length, 30);
});

t.test('an engine that takes no connection is given up in time', { timeout: 60_000 }, async (t) => {
  // Nobody accepts: what is in the queue fills it, and further connections get no answer at all.
  const server = createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 });
  await new Promise((resolve) => server.once('listening', resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as { port: number };
  const store = new S3Store(locate(`s3://127.0.0.1:${port}/bucket/p?tls=0`), KEYS, {
    silenceMs: 1_000,
    retryForMs: 1_000,
  });
  t.teardown(() => store.close());
  const startedMs = performance.now();
  await t.rejects(store.readNote('holder.json'), { code: 'E_PEER_UNREACHABLE' });
  t.ok(performance.now() - startedMs < 20_000);
});
