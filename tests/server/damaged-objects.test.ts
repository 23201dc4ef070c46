// Objects that went bad on this machine's disk: none of their bytes are served as good, and they are put aside.
// Sources: src/server/routes/objects.ts, src/server/object-sending.ts.
import { readFileSync, writeFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { sampleBytes } from '../ops/sample-bytes.js';
import { type ApiNode, startApi } from './api/api-node.js';

t.setTimeout(600_000);

/** A node with one object of which the last byte is wrong. */
async function damaged(t: Test): Promise<{ node: ApiNode; id: string; bytes: Buffer }> {
  const node = await startApi(t);
  await node.unlock();
  const stored = await node.chunk('a', sampleBytes('damaged', 300_000));
  const id = String(stored.json.data.chunks[0]);
  const file = node.node.objectFile(id);
  const bytes = readFileSync(file);
  const bad = Buffer.from(bytes);
  bad[bad.byteLength - 1] = (bad.at(-1) ?? 0) ^ 1;
  writeFileSync(file, bad);
  return { node, id, bytes };
}

t.test('no part of a damaged object is served, and nobody is told that it is here any more', async (t) => {
  const { node, id } = await damaged(t);
  const part = await node.ask('GET', `/chunk?id=${id}`, { headers: { range: 'bytes=0-9' } });
  t.equal(part.status, 404);
  t.match(part.json, { error: { code: 'E_OBJECT_MISSING' } });
  t.notOk(part.headers['content-range'] ?? part.headers.etag);
  const { json } = await node.ask('POST', '/chunks/missing', { json: { ids: [id] } });
  t.same(json.missing, [id]);
});

t.test('nor is all of it: a small one is read before the first byte is sent', async (t) => {
  const { node, id, bytes } = await damaged(t);
  const whole = await node.ask('GET', `/chunk?id=${id}`);
  t.equal(whole.status, 404);
  t.match(whole.headers['cache-control'], /no-store/);
  const back = await node.ask('PUT', `/chunk?id=${id}`, { body: bytes });
  t.equal(back.status, 201, 'whoever has it may send it again');
  const part = await node.ask('GET', `/chunk?id=${id}`, { headers: { range: 'bytes=-9' } });
  t.equal(part.status, 206);
  t.same(part.bytes, bytes.subarray(-9));
});

t.test('an object that is shorter than it was, or gone, is missing', async (t) => {
  const { node, id, bytes } = await damaged(t);
  writeFileSync(node.node.objectFile(id), bytes.subarray(0, 100));
  t.equal((await node.ask('GET', `/chunk?id=${id}`, { headers: { range: 'bytes=0-9' } })).status, 404);
});
