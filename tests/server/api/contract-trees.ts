// The answers of the contract that are about stored folders: lists of what is inside, parts of them, archives.
import { mkdirSync, symlinkSync } from 'node:fs';
import type { Test } from 'tap';
import { sampleBytes } from '../../ops/sample-bytes.js';
import type { Answer, ApiNode, Asked } from './api-node.js';

/** Asks, and holds the answer against the document. */
export type See = (
  t: Test,
  node: ApiNode,
  expected: readonly [method: string, path: string, status: number],
  asked?: Asked & { readonly query?: string },
) => Promise<Answer>;

/** @param file the id of a file that is no tree */
export async function treesOut(t: Test, node: ApiNode, file: string, see: See): Promise<void> {
  for (const folder of ['tree', 'tree/sub']) mkdirSync(node.place.path(folder));
  const [large, small] = [sampleBytes('large', 200_000), Buffer.from('small')];
  node.place.write('tree/large.bin', large);
  node.place.write('tree/sub/näme.txt', small);
  const id = (await node.place.run('chunk', 'tree')).stdout.trim();
  const query = `?id=${id}`;
  const listed = await see(t, node, ['GET', '/api/entries', 200], { query: `${query}&deep=1` });
  t.match(listed.json.data, { id, name: 'tree', path: '', next: null });
  t.same(
    listed.json.data.entries.map(({ path }: { path: string }) => path),
    ['large.bin', 'sub', 'sub/näme.txt'],
  );
  const paged = await see(t, node, ['GET', '/api/entries', 200], { query: `${query}&limit=1` });
  t.match(paged.json.data, { entries: [{ path: 'large.bin', size: 200_000, type: 'file' }], next: 1 });
  const ofFile = await see(t, node, ['GET', '/api/entries', 200], { query: `?id=${file}` });
  t.match(ofFile.json.data.entries, [{ path: 'holiday.tar', type: 'file' }]);
  for (const bad of [
    '',
    `${query}&limit=0`,
    `${query}&limit=10001`,
    `${query}&from=-1`,
    `${query}&deep=yes`,
    `${query}&path=a/../b`,
  ])
    await see(t, node, ['GET', '/api/entries', 400], { query: bad });
  await see(t, node, ['GET', '/api/entries', 401], { query, session: '' });
  await see(t, node, ['GET', '/api/entries', 404], { query: `${query}&path=none` });
  const inner = `${query}&path=${encodeURIComponent('sub/näme.txt')}`;
  const whole = await see(t, node, ['GET', '/api/download', 200], { query: inner });
  t.equal(whole.text, 'small');
  t.match(whole.headers['content-disposition'], /n%C3%A4me\.txt/);
  const range = await see(t, node, ['GET', '/api/download', 206], {
    query: `${query}&path=large.bin`,
    headers: { range: 'bytes=150000-150099' },
  });
  t.ok(range.bytes.equals(large.subarray(150_000, 150_100)));
  const all = await see(t, node, ['GET', '/api/download', 200], { query, headers: { range: 'bytes=5-' } });
  t.match(all.headers, { 'content-type': 'application/x-tar', 'content-length': String(all.bytes.length) });
  t.match(all.headers['content-disposition'], /filename="tree\.tar"/);
  const head = await node.ask('HEAD', `/api/download${query}`);
  t.match([head.status, head.headers['content-length']], [200, String(all.bytes.length)]);
  await see(t, node, ['GET', '/api/download', 404], { query: `${query}&path=none` });
  await see(t, node, ['GET', '/api/download', 400], { query: `${query}&path=../large.bin` });
  const ticket = await see(t, node, ['POST', '/api/tickets', 201], { json: { fileId: id, path: 'sub' } });
  const linked = await node.ask('GET', `${ticket.json.data.url}&path=large.bin`, {
    token: null,
    session: '',
  });
  t.match(linked.headers['content-disposition'], /filename="sub\.tar"/, 'a ticket is for its part only');
  const into = (outputPath: string, path?: string) => ({ json: { fileId: id, outputPath, path } });
  const written = await see(t, node, ['POST', '/api/reassemble', 200], into('tree.back'));
  t.match(written.json.data, { name: 'tree', files: 2, bytes: 200_005, skipped: 0 });
  t.ok(node.place.read('tree.back/large.bin').equals(large));
  await see(t, node, ['POST', '/api/reassemble', 409], into('tree.back'));
  await see(t, node, ['POST', '/api/reassemble', 200], into('large.back', 'large.bin'));
  await see(t, node, ['POST', '/api/reassemble', 400], into('sub/../../tree'));
  await see(t, node, ['POST', '/api/reassemble', 200], into('tree.back/part', 'sub'));
  t.equal(node.place.read('tree.back/part/näme.txt').toString(), 'small');
  symlinkSync('/', node.place.path('elsewhere'));
  await see(t, node, ['POST', '/api/reassemble', 400], into('elsewhere'));
  await see(t, node, ['POST', '/api/reassemble', 400], into('elsewhere/tmp/tree'));
}
