// Files that come in by the API: many at once, large ones, broken ones, and what people call them.
// Sources: src/server/routes/api-store.ts, src/server/api/form.ts, turns.ts, src/ops/chunk/chunk.ts.
import { createHash, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { type ClientRequest, request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import t, { type Test } from 'tap';
import { until } from '../../cluster/node.js';
import { sampleBytes } from '../../ops/sample-bytes.js';
import { type ApiNode, fileHead, form, formEnd, formHeaders, startApi } from './api-node.js';

// Real nodes, and machines that are busy with other tests.
t.setTimeout(600_000);

const MIB = 1024 * 1024;
/** Stands in every MiB of the large upload, so that it is found wherever clear text lies. */
const MARK = 'a line that nobody may find on the disk';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function opened(t: Test): Promise<ApiNode> {
  const node = await startApi(t);
  await node.unlock();
  return node;
}

t.test('200 uploads at once are all stored, and memory stays bounded', async (t) => {
  const node = await opened(t);
  const files = Array.from({ length: 200 }, (_, index) => sampleBytes(`file ${index}`, 150_000 + index));
  const answers = await Promise.all(files.map((bytes, index) => node.chunk(`file ${index}`, bytes)));
  t.same([...new Set(answers.map(({ status }) => status))], [201]);
  const { json } = await node.ask('GET', '/api/files?summary=1');
  t.equal(json.data.length, 200);
  t.equal(new Set(json.data.map(({ name }: { name: string }) => name)).size, 200);
  for (const index of [0, 99, 199]) {
    const back = await node.ask('GET', `/api/download?id=${answers[index]?.json.data.id}`);
    t.equal(sha256(back.bytes), sha256(files[index] ?? Buffer.alloc(0)), `file ${index} comes back`);
  }
  t.ok(peakMib(node) < 700, `peak ${peakMib(node)} MiB`);
});

t.test('an upload of 1 GiB is streamed: memory bounded, nothing of it in clear on any disk', async (t) => {
  const node = await opened(t);
  const before = peakMib(node);
  const block = Buffer.alloc(MIB);
  sampleBytes('block', MIB).copy(block);
  block.write(MARK, 1000);
  const hash = createHash('sha256');
  let openFiles: string[] = [];
  const body = Readable.from(
    (async function* () {
      yield fileHead('large.bin');
      for (let index = 0; index < 1024; index++) {
        block.writeUInt32LE(index, 0);
        const part = Buffer.from(block);
        hash.update(part);
        yield part;
        if (index === 512) openFiles = openPaths(node.node.pid);
      }
      yield formEnd();
    })(),
  );
  const { status, json } = await node.ask('POST', '/api/chunk', { body, headers: formHeaders() });
  t.equal(status, 201);
  t.equal(json.data.size, 1024 * MIB);
  t.ok(peakMib(node) < before + 350, `peak ${peakMib(node)} MiB, ${before} MiB before`);
  const outside = openFiles.filter((path) => !path.startsWith(node.place.home) && isRegular(path));
  t.same(outside, [], 'no file outside the home is open meanwhile');
  t.same(filesWith(node.place.home, MARK), [], 'the home does not hold it in clear');
  const back = await hashOfDownload(node, String(json.data.id));
  t.equal(back, hash.digest('hex'), 'and it comes back as it was');
  t.ok(peakMib(node) < before + 400, `the download too is streamed: peak ${peakMib(node)} MiB`);
});

t.test('an upload that is broken off leaves nothing listed and nothing half done', async (t) => {
  const node = await opened(t);
  const task = randomUUID();
  const request = begin(node, { 'content-length': String(50 * MIB), 'x-disktro-task': task });
  request.write(fileHead('broken.bin'));
  request.write(sampleBytes('broken', 10 * MIB));
  await until('it is under way', async () => (await runningTasks(node)).includes(task));
  request.destroy();
  await until('it has ended', async () => !(await runningTasks(node)).includes(task));
  t.same((await node.ask('GET', '/api/files')).json.data, []);
  t.same(
    node.place.temporary().filter((name) => !name.endsWith('.lock')),
    [],
    'tmp/ is empty',
  );
  const whole = await node.chunk('after it', sampleBytes('whole', 100_000));
  t.equal(whole.status, 201, 'the next one is stored');
  await node.place.expectGood();
});

t.test('a form without its end is refused, and not stored', async (t) => {
  const node = await opened(t);
  const cut = form({ file: { name: 'cut', bytes: sampleBytes('cut', 200_000) }, isCut: true });
  const { status, json } = await node.ask('POST', '/api/chunk', cut);
  t.equal(status, 400);
  t.match(json, { success: false, data: null, code: 'E_USAGE', message: /form/ });
  t.same((await node.ask('GET', '/api/files')).json.data, []);
});

t.test('a file for a peer that is none is not kept, wherever the peer is named', async (t) => {
  const node = await opened(t);
  const file = { name: 'for nobody', bytes: sampleBytes('nobody', 200_000) };
  for (const [asked, status] of [
    [form({ file }), 400],
    [form({ fields: { peerAddress: '127.0.0.1:1' }, file }), 403],
    [form({ file, late: { peerAddress: '127.0.0.1:1' } }), 403],
    [form({ file, late: { peerAddress: 'attic' } }), 403],
  ] as const) {
    const { status: told, json } = await node.ask('POST', '/api/upload', asked);
    t.equal(told, status);
    t.match(json.message, /^peerAddress: /);
    t.same((await node.ask('GET', '/api/files')).json.data, [], 'nothing is listed');
  }
  const { objects } = (await node.ask('GET', '/api/status')).json.data;
  t.ok(objects <= 4, 'what was read of it goes with the next gc');
});

t.test('each fault of a form has a status and a message that names the field', async (t) => {
  const node = await opened(t);
  const file = { name: 'a', bytes: Buffer.from('content') };
  const twoFiles = Buffer.concat([
    fileHead('a'),
    Buffer.from('1\r\n'),
    fileHead('b'),
    Buffer.from('2'),
    formEnd(),
  ]);
  const twice = form({ fields: { name: 'a' }, file, late: { name: 'b' } });
  const many = form({
    fields: Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`f${i}`, 'x'])),
    file,
  });
  for (const [what, asked, status, message] of [
    ['no file', form({ fields: { name: 'a' } }), 400, /^file: /],
    ['two files', { body: twoFiles, headers: formHeaders() }, 400, /^file: expected one/],
    ['a field twice', twice, 400, /^name: given twice/],
    [
      'a field that does not exist',
      form({ fields: { replica: '2' }, file }),
      400,
      /"replica": no such field/,
    ],
    ['1,000 fields', many, 400, /"f0": no such field/],
    ['file as a field', form({ fields: { file: 'text' } }), 400, /"file": expected a file/],
    ['replicas that are no number', form({ fields: { replicas: 'many' }, file }), 400, /^replicas: /],
    ['replicas after the file', form({ file, late: { replicas: '1e3' } }), 400, /^replicas: /],
    ['a name with a NUL', form({ file, late: { name: 'a\0b' } }), 400, /^name: .*NUL/],
    [
      'a name of 5,000 bytes',
      form({ file, late: { name: 'n'.repeat(5000) } }),
      400,
      /^name: expected 1 to 4096/,
    ],
    ['too many tags', form({ file, late: { tags: 'x,'.repeat(100) } }), 400, /^tags: /],
    ['a field of 65 KiB', form({ fields: { tags: 'x'.repeat(65 * 1024) }, file }), 413, /"tags": longer/],
    [
      'no boundary',
      { body: 'x', headers: { 'content-type': 'multipart/form-data' } },
      400,
      /^form: .*boundary/,
    ],
    ['not a form', { body: 'x' }, 415, /Content-Type/],
  ] as const) {
    const answer = await node.ask('POST', '/api/chunk', asked);
    t.equal(answer.status, status, `${what}: ${answer.text}`);
    t.match(answer.json, { success: false, data: null, message }, what);
  }
  t.same((await node.ask('GET', '/api/files')).json.data, [], 'nothing of all that is stored');
});

t.test('the password may come in any field before the file, and after it not', async (t) => {
  const node = await startApi(t);
  const file = { name: 'a', bytes: Buffer.from('content') };
  const late = await node.ask('POST', '/api/chunk', form({ file, late: { password: node.secret } }));
  t.match(late, { status: 400, json: { message: /^password: expected before file/ } });
  const fields = { tags: 'one', password: node.secret, name: 'b' };
  t.equal((await node.ask('POST', '/api/chunk', form({ fields, file }))).status, 201);
  const header = { ...form({ file }), headers: { ...formHeaders(), 'x-disktro-password': node.secret } };
  t.equal((await node.ask('POST', '/api/chunk', header)).status, 201, 'in the header too');
});

t.test('names are kept as they are, and never as paths', async (t) => {
  const node = await opened(t);
  for (const [given, kept] of [
    ['<script>alert(1)</script>', 'script>'],
    ['../../etc/passwd', 'passwd'],
    ['C:\\Users\\me\\photo.jpg', 'photo.jpg'],
    [`${'n'.repeat(251)}.txt`, `${'n'.repeat(251)}.txt`],
    ['fête 🎉 日本.txt', 'fête 🎉 日本.txt'],
    ['', 'file'],
  ] as const) {
    const { status, json } = await node.chunk(given, Buffer.from(`named ${given}`));
    t.equal(status, 201, given);
    t.equal(json.data.name, kept);
  }
  const told = await node.chunk('ignored', Buffer.from('x'), { name: '<img src=x onerror=alert(1)>' });
  t.equal(told.json.data.name, '<img src=x onerror=alert(1)>');
  const saved = await node.ask('GET', `/api/download?id=${told.json.data.id}`);
  t.match(
    saved.headers['content-disposition'],
    /^attachment; filename="<img src=x onerror=alert\(1\)>"; filename\*=UTF-8''%3Cimg/,
  );
});

t.test('an empty file and one that is here already are stored like any other', async (t) => {
  const node = await opened(t);
  const empty = await node.chunk('empty', Buffer.alloc(0));
  t.match(empty, { status: 201, json: { data: { size: 0, result: { chunks: 0 } } } });
  const back = await node.ask('GET', `/api/download?id=${empty.json.data.id}`);
  t.match(back, { status: 200, text: '' });
  const bytes = sampleBytes('twice', 500_000);
  await node.chunk('one', bytes);
  const again = await node.chunk('two', bytes);
  t.match(again.json.data.result, { newChunks: 0, dedupedBytes: 500_000 });
});

function begin(node: ApiNode, headers: Record<string, string>): ClientRequest {
  const request = httpRequest({
    host: '127.0.0.1',
    port: node.node.port,
    method: 'POST',
    path: '/api/chunk',
    headers: {
      ...formHeaders(),
      ...headers,
      authorization: `Bearer ${node.token}`,
      'x-disktro-session': node.session ?? '',
    },
  });
  request.on('error', () => {});
  return request;
}

async function runningTasks(node: ApiNode): Promise<string[]> {
  const { json } = await node.ask('GET', '/api/status');
  return json.data.tasks.map(({ task }: { task: string }) => task);
}

function hashOfDownload(node: ApiNode, id: string): Promise<string> {
  const headers = { authorization: `Bearer ${node.token}`, 'x-disktro-session': node.session ?? '' };
  const options = { host: '127.0.0.1', port: node.node.port, path: `/api/download?id=${id}`, headers };
  return new Promise((resolve, reject) => {
    httpRequest(options, (response) => {
      const hash = createHash('sha256');
      response.on('data', (part: Buffer) => hash.update(part));
      response.on('end', () => resolve(hash.digest('hex')));
      response.on('error', reject);
    })
      .on('error', reject)
      .end();
  });
}

/** The most memory that the node has taken so far. */
function peakMib(node: ApiNode): number {
  const status = readFileSync(`/proc/${node.node.pid}/status`, 'utf8');
  return Math.round(Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1]) / 1024);
}

function openPaths(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((descriptor) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${descriptor}`)];
    } catch {
      return [];
    }
  });
}

/** Not a socket, a pipe, or a device. */
const isRegular = (path: string): boolean => path.startsWith('/') && !path.startsWith('/dev/');

function filesWith(folder: string, text: string): string[] {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true });
  return names
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path).includes(text));
}
