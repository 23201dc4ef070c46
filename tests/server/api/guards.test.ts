// Who gets in: the token first, then the host, then the origin, on every route; and where files may be written.
// Sources: src/server/router.ts, src/server/api/output-folder.ts, src/server/routes/api-download.ts.
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { sampleBytes } from '../../ops/sample-bytes.js';
import { startApi } from './api-node.js';
import { Contract } from './contract.js';

const contract = new Contract();

t.test('without the right token every route is 401, whatever else is wrong', async (t) => {
  const node = await startApi(t);
  const wrong = [null, 'ab'.repeat(32), node.token.slice(1), `${node.token}0`, node.token.toUpperCase()];
  for (const { method, path, isFree } of contract.routes()) {
    if (isFree) continue;
    for (const token of wrong) {
      const headers = { host: 'evil.example', origin: 'https://evil.example' };
      const { status, text } = await node.ask(method, path, { token, headers });
      t.equal(status, 401, `${method} ${path}`);
      t.notMatch(text, node.token);
    }
  }
});

t.test('another host is 421 and another site 403, on every route and with the token', async (t) => {
  const node = await startApi(t);
  const own = `localhost:${node.node.port}`;
  const foreign = [
    [{ host: 'evil.example' }, 421],
    [{ host: `evil.example:${node.node.port}` }, 421],
    [{ host: '192.168.1.5' }, 421],
    [{ host: 'localhost.evil.example' }, 421],
    [{ host: own, origin: 'https://evil.example' }, 403],
    [{ host: own, origin: 'http://localhost:1' }, 403],
    [{ host: own, origin: 'null' }, 403],
    [{ host: own, 'sec-fetch-site': 'cross-site' }, 403],
    [{ host: own, 'sec-fetch-site': 'same-site' }, 403],
  ] as const;
  for (const { method, path, isFree } of contract.routes()) {
    if (isFree) continue;
    for (const [headers, status] of foreign) {
      const answer = await node.ask(method, path, { headers });
      t.equal(answer.status, status, `${method} ${path} ${JSON.stringify(headers)}`);
      const isEnveloped = path.startsWith('/api/');
      t.match(answer.json, isEnveloped ? { success: false, data: null } : { error: { code: 'E_USAGE' } });
    }
  }
  const good = { host: own, origin: `http://${own}`, 'sec-fetch-site': 'same-origin' };
  t.equal((await node.ask('GET', '/api/status', { headers: good })).status, 200, 'its own page may ask');
});

t.test('no answer invites other sites, or is kept by anyone', async (t) => {
  const node = await startApi(t);
  for (const path of ['/', '/api/status', '/api/files', '/api/no-such', '/metrics']) {
    const { headers } = await node.ask('GET', path, {
      headers: { origin: `http://127.0.0.1:${node.node.port}` },
    });
    t.notOk(headers['access-control-allow-origin'], path);
    t.match(headers['cache-control'], path === '/' ? /no-/ : /no-store/, path);
  }
  t.match(await node.ask('OPTIONS', '/api/files'), {
    status: 405,
    headers: { allow: 'DELETE, GET, HEAD' },
  });
  const { headers: refused } = await node.ask('GET', '/api/files', { token: null });
  t.match(refused, { 'www-authenticate': 'Bearer realm="disktro"' });
  t.match(await node.ask('GET', '/api/no-such'), { status: 404, json: { success: false, code: 'E_USAGE' } });
  t.match(await node.ask('PUT', '/api/files'), { status: 405, json: { success: false } });
  t.match(await node.ask('GET', '/assets/..%2f..%2fpackage.json'), { status: 404 });
  t.match(await node.ask('GET', '/assets/../../package.json'), { status: 404 });
  const mode = statSync(join(node.place.home, 'api-token')).mode & 0o777;
  t.equal(mode, 0o600, 'the token is for its owner alone');
});

t.test('over TLS not even a member reaches the API', async (t) => {
  const node = await startApi(t);
  const closed = await new Promise<boolean>((resolve) => {
    const socket = connect(node.node.port, '127.0.0.1', () => socket.write(Buffer.from([0x16, 3, 1])));
    socket.on('close', () => resolve(true));
    socket.on('error', () => {});
  });
  t.ok(closed, 'a node of no cluster speaks no TLS');
});

t.test('a body of JSON is bounded before it is read, and named fields are checked', async (t) => {
  const node = await startApi(t);
  const headers = { 'content-length': String(10 * 1024 ** 3) };
  const large = await node.ask('POST', '/api/unlock', { headers });
  t.match(large, { status: 413, json: { message: /^body: expected at most/ } }, '10 GB are refused unread');
  for (const [path, body, message] of [
    ['/api/unlock', '{', /^body: expected JSON/],
    ['/api/unlock', '[]', /^body: expected object, got a list$/],
    ['/api/unlock', '7', /^body: expected object, got a number$/],
    ['/api/unlock', 'null', /^body: expected object, got null$/],
    ['/api/unlock', '{}', /^password: expected text, got nothing$/],
    ['/api/unlock', '{"password":1}', /^password: expected text, got a number$/],
    ['/api/unlock', '{"password":""}', /^password: expected at least 1 character$/],
    ['/api/unlock', '{"pasword":"x","password":"x"}', /^pasword: no such field$/],
    ['/api/unlock', `${'['.repeat(100)}${']'.repeat(100)}`, /^body: /],
    ['/api/reassemble', '{"fileId":"x"}', /^outputPath: /],
    ['/api/reassemble', '{"fileId":"","outputPath":"x"}', /^fileId: /],
    ['/api/whatif', '{"nodes":[7]}', /^nodes\.0: /],
    ['/api/whatif', '{"nodes":"x"}', /^nodes: expected a list, got text$/],
    ['/api/tickets', '', /^body: /],
    ['/api/upload', '{"fileId":"x"}', /^peerAddress: /],
  ] as const) {
    const answer = await node.ask('POST', path, { body, headers: { 'content-type': 'application/json' } });
    t.match(
      answer,
      { status: 400, json: { success: false, data: null, code: 'E_USAGE', message } },
      body.slice(0, 40),
    );
  }
});

t.test('files are written below the output folder and nowhere else', async (t) => {
  const node = await startApi(t, {
    words: ['--output-dir', 'out'],
    prepare: (place) => mkdirSync(place.path('out')),
  });
  await node.unlock();
  const { json } = await node.chunk('a.txt', Buffer.from('what is in it'));
  const fileId = json.data.id;
  const out = node.place.path('out');
  mkdirSync(join(out, 'sub'));
  mkdirSync(node.place.path('elsewhere'));
  symlinkSync(node.place.path('elsewhere'), join(out, 'link'));
  symlinkSync(node.place.path('elsewhere/new.txt'), join(out, 'dangling'));
  symlinkSync(join(out, 'sub'), join(out, 'inner'));
  writeFileSync(join(out, 'there.txt'), 'mine');
  const write = (outputPath: string) => node.ask('POST', '/api/reassemble', { json: { fileId, outputPath } });
  for (const path of [
    '../a.txt',
    'sub/../../a.txt',
    'sub/../b.txt',
    '/etc/a.txt',
    '..',
    '.',
    '',
    'link/a.txt',
    'link',
    node.place.path('a.txt'),
    `${out}-beside/a.txt`,
    'sub/link/../../../a.txt',
    'no/such/folder',
    'a\0.txt',
    '..\\a.txt',
  ]) {
    const answer = await write(path);
    t.equal(answer.status, 400, `${JSON.stringify(path)}: ${answer.text}`);
    t.match(answer.json.message, /^outputPath: /, path);
  }
  for (const path of ['there.txt', 'dangling'])
    t.match(await write(path), { status: 409 }, `${path} is left alone`);
  t.equal(readFileSync(join(out, 'there.txt'), 'utf8'), 'mine');
  t.notOk(existsSync(node.place.path('elsewhere/new.txt')) || existsSync(node.place.path('a.txt')));
  for (const path of ['new.txt', 'sub/new.txt', 'inner/second.txt', join(out, 'absolute.txt')]) {
    t.match(await write(path), { status: 200 }, path);
  }
  t.equal(readFileSync(join(out, 'sub/second.txt'), 'utf8'), 'what is in it');
});

t.test('a ticket opens one file, by a link without headers, and ends when the vault is locked', async (t) => {
  const node = await startApi(t);
  await node.unlock();
  const one = await node.chunk('one', Buffer.from('the first'));
  await node.chunk('two', Buffer.from('the second'));
  const { json } = await node.ask('POST', '/api/tickets', { json: { fileId: one.json.data.id } });
  const { url } = json.data;
  const plain = { token: null, session: '' };
  t.match(await node.ask('GET', url, plain), { status: 200, text: 'the first' });
  t.match(await node.ask('GET', url, { ...plain, headers: { range: 'bytes=4-' } }), {
    status: 206,
    text: 'first',
  });
  const two = await node.ask('GET', `${url}&id=latest`, plain);
  t.equal(two.text, 'the first', 'an id beside it changes nothing');
  for (const path of ['/api/files', '/api/status', '/metrics', '/peers']) {
    t.match(await node.ask('GET', `${path}?ticket=${json.data.ticket}`, plain), { status: 401 }, path);
  }
  t.match(await node.ask('POST', url, plain), { status: 401 });
  t.match(await node.ask('GET', `/api/download?ticket=${'ab'.repeat(32)}`, plain), { status: 401 });
  t.match(await node.ask('GET', url, { ...plain, headers: { host: 'evil.example' } }), { status: 421 });
  t.match(await node.ask('GET', url, { ...plain, headers: { 'sec-fetch-site': 'cross-site' } }), {
    status: 403,
  });
  t.match(await node.ask('POST', '/api/lock'), { status: 200, json: { data: { sessions: 0 } } });
  t.match(await node.ask('GET', url, plain), { status: 401 });
  t.match(await node.ask('GET', '/api/download?id=latest'), {
    status: 401,
    json: { code: 'E_PASSWORD_NEEDED' },
  });
});

t.test('ranges give exactly what they ask for', async (t) => {
  const node = await startApi(t);
  await node.unlock();
  const bytes = sampleBytes('ranged', 300_000);
  const { json } = await node.chunk('ranged', bytes);
  t.ok(json.data.result.chunks > 2, 'of several chunks');
  const get = (range: string) => node.ask('GET', `/api/download?id=${json.data.id}`, { headers: { range } });
  for (const [range, start, end] of [
    ['bytes=0-0', 0, 1],
    ['bytes=0-', 0, 300_000],
    ['bytes=299999-', 299_999, 300_000],
    ['bytes=-1', 299_999, 300_000],
    ['bytes=65000-66000', 65_000, 66_001],
    ['bytes=100-250000', 100, 250_001],
    ['bytes=-999999', 0, 300_000],
    ['bytes=5-9999999', 5, 300_000],
  ] as const) {
    const answer = await get(range);
    t.equal(answer.status, 206, range);
    t.equal(answer.headers['content-range'], `bytes ${start}-${end - 1}/300000`, range);
    t.ok(answer.bytes.equals(bytes.subarray(start, end)), range);
  }
  for (const range of ['bytes=300000-', 'bytes=-0', 'bytes=5-4']) {
    const answer = await get(range);
    t.match(answer, { status: 416, headers: { 'content-range': 'bytes */300000' } }, range);
  }
  for (const range of ['bytes=0-1,5-6', 'lines=1-2', 'bytes=x']) {
    t.match(await get(range), { status: 200 }, `${range} is not understood, so all of it comes`);
  }
  const head = await node.ask('HEAD', `/api/download?id=${json.data.id}`);
  t.match(head, { status: 200, text: '', headers: { 'content-length': '300000', 'accept-ranges': 'bytes' } });
});
