// The files of the page and the headers that guard them. Sources: src/server/routes/page.ts.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { listenOnePort } from '../../src/server/listen.js';
import { createLog } from '../../src/server/log.js';
import { createRouter } from '../../src/server/router.js';
import { pageRoutes } from '../../src/server/routes/page.js';
import { scratchFolder } from '../ops/scratch-home.js';
import { type Answer, send } from './api/api-node.js';
import { Contract } from './api/contract.js';

const contract = new Contract();

type Ask = (path: string, headers?: Record<string, string>, method?: string) => Promise<Answer>;

async function serve(t: Test, folder: string): Promise<Ask> {
  const listener = await listenOnePort({
    host: '127.0.0.1',
    port: 0,
    isPortFixed: true,
    tls: undefined,
    handler: createRouter(pageRoutes(folder), {
      isMember: () => false,
      isRemoved: () => false,
      apiToken: 'ab'.repeat(32),
      isTicket: () => false,
      log: createLog('ERROR', false, () => {}),
    }),
    log: () => {},
  });
  t.teardown(() => listener.close(0));
  return (path, headers = {}, method = 'GET') =>
    send({ host: '127.0.0.1', port: listener.port, path, method, headers });
}

function builtPage(t: Test): string {
  const folder = scratchFolder(t);
  mkdirSync(join(folder, 'assets', 'inner'), { recursive: true });
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>page</title>');
  writeFileSync(join(folder, 'secret.txt'), 'not an asset');
  writeFileSync(join(folder, 'assets', 'page-ABCD1234.js'), 'console.log(1)');
  writeFileSync(join(folder, 'assets', 'page-ABCD1234.js.gz'), gzipSync('console.log(1)'));
  writeFileSync(join(folder, 'assets', 'page-ABCD1234.js.br'), 'brotli');
  writeFileSync(join(folder, 'assets', 'icon.svg'), '<svg/>');
  return folder;
}

t.test('the page may load and run its own files and nothing else', async (t) => {
  const ask = await serve(t, builtPage(t));
  for (const path of ['/', '/assets/page-ABCD1234.js', '/assets/icon.svg']) {
    const { status, headers } = await ask(path);
    t.equal(status, 200, path);
    const policy = String(headers['content-security-policy']);
    t.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self';/);
    t.match(policy, /base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/);
    t.notMatch(policy, /unsafe|\*|https?:/);
    t.match(headers, {
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    });
  }
  t.match((await ask('/')).headers, { 'content-type': /^text\/html/, 'cache-control': 'no-cache' });
  t.match((await ask('/assets/page-ABCD1234.js')).headers, {
    'content-type': /^text\/javascript/,
    'cache-control': /immutable/,
  });
  t.match((await ask('/assets/icon.svg')).headers, {
    'content-type': 'image/svg+xml',
    'cache-control': 'no-cache',
  });
});

t.test('an asset is sent packed where the browser takes it, and not again when it is known', async (t) => {
  const ask = await serve(t, builtPage(t));
  const path = '/assets/page-ABCD1234.js';
  const plain = await ask(path);
  t.equal(contract.complaint('GET', '/assets/*', plain), undefined);
  t.match(plain, {
    text: 'console.log(1)',
    headers: { 'content-encoding': undefined, vary: 'accept-encoding' },
  });
  t.match(await ask(path, { 'accept-encoding': 'gzip, br' }), {
    text: 'brotli',
    headers: { 'content-encoding': 'br' },
  });
  t.match(await ask(path, { 'accept-encoding': 'gzip, br;q=0' }), {
    headers: { 'content-encoding': 'gzip' },
  });
  const known = await ask(path, { 'if-none-match': `"other", ${plain.headers.etag}` });
  t.match(known, { status: 304, text: '' });
  t.equal(contract.complaint('GET', '/assets/*', known), undefined);
  t.match(await ask(path, {}, 'HEAD'), { status: 200, text: '', headers: { 'content-length': '14' } });
});

t.test('no other file is reached, whatever the path', async (t) => {
  const ask = await serve(t, builtPage(t));
  for (const path of [
    '/assets/',
    '/assets/inner',
    '/assets/.hidden',
    '/assets/%2e%2e%2fsecret.txt',
    '/assets/..%5csecret.txt',
    '/assets//etc/passwd',
    '/assets/no-such.js',
  ]) {
    const { status, text } = await ask(path);
    t.ok(status === 404 || status === 401, `${path}: ${status}`);
    t.notMatch(text, /not an asset|root:/);
  }
  t.equal((await ask('/secret.txt')).status, 401);
  t.equal((await ask('/', { host: 'evil.example' })).status, 421, 'a name that points here');
  t.equal(
    (await ask('/', { 'sec-fetch-site': 'cross-site' })).status,
    200,
    'a link from elsewhere leads here',
  );
  t.equal((await ask('/', {}, 'POST')).status, 401);
});

t.test('without a built page it says how to build one', async (t) => {
  const ask = await serve(t, scratchFolder(t));
  const { status, text, headers } = await ask('/');
  t.equal(status, 200);
  t.match(text, /npm run build/);
  t.match(headers['content-security-policy'], /default-src 'none'/);
});
