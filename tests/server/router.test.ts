// Who may ask for what. Sources: src/server/router.ts, src/server/listen.ts, src/server/log.ts.
import { request as httpRequest } from 'node:http';
import type { Test } from 'tap';
import t from 'tap';
import { usageError } from '../../src/errors.js';
import { replyText } from '../../src/server/json-body.js';
import { listenOnePort } from '../../src/server/listen.js';
import { createLog } from '../../src/server/log.js';
import { createRouter, type Route } from '../../src/server/router.js';

const TOKEN = 'ab'.repeat(32);

interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

async function serve(
  test: Test,
): Promise<(path: string, asked?: Asked) => Promise<{ status: number; text: string }>> {
  const lines: string[] = [];
  const route = (path: string, audience: Route['audience'], work: () => void = () => {}): Route => ({
    method: 'GET',
    path,
    audience,
    handle: async ({ response }) => {
      work();
      replyText(response, 200, `reached ${path}`);
    },
  });
  const routes = [
    route('/ping', 'anyone'),
    route('/secret', 'member'),
    route('/join', 'joining'),
    route('/exchange', 'certified'),
    route('/broken', 'member', () => {
      throw new Error('a bug with a secret in it');
    }),
    route('/wrong', 'member', () => {
      throw usageError('not like this');
    }),
  ];
  const listener = await listenOnePort({
    host: '127.0.0.1',
    port: 0,
    isPortFixed: true,
    tls: undefined,
    handler: createRouter(routes, {
      isMember: () => false,
      isRemoved: () => false,
      apiToken: TOKEN,
      isTicket: () => false,
      log: createLog('DEBUG', false, (line) => lines.push(line)),
    }),
    log: () => {},
  });
  test.teardown(() => listener.close(0));
  return (path, { method = 'GET', headers = {} } = {}) =>
    new Promise((resolve, reject) => {
      const request = httpRequest(
        { host: '127.0.0.1', port: listener.port, path, method, headers },
        (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (part: string) => {
            text += part;
          });
          response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
        },
      );
      request.on('error', reject).end();
    });
}

const bearer = { authorization: `Bearer ${TOKEN}` };

t.test('without the token only what is for anyone answers, and nothing is told of the rest', async (t) => {
  const ask = await serve(t);
  t.equal((await ask('/ping')).text, 'reached /ping');
  for (const path of ['/secret', '/join', '/exchange', '/no-such', '/broken']) {
    const { status, text } = await ask(path);
    t.equal(status, 401, path);
    t.notMatch(text, /no such|reached/, 'whether there is such a route is not told');
  }
  for (const authorization of [
    '',
    'Bearer',
    `Bearer ${TOKEN.slice(1)}`,
    `Bearer ${'cd'.repeat(32)}`,
    `Basic ${TOKEN}`,
  ]) {
    t.equal((await ask('/secret', { headers: { authorization } })).status, 401, authorization);
  }
});

t.test('with the token this machine may ask; unknown paths and methods are told apart', async (t) => {
  const ask = await serve(t);
  t.equal((await ask('/secret', { headers: bearer })).text, 'reached /secret');
  t.equal((await ask('/secret?id=1', { headers: bearer })).status, 200);
  t.equal((await ask('/no-such', { headers: bearer })).status, 404);
  t.equal((await ask('/secret', { headers: bearer, method: 'DELETE' })).status, 405);
  t.equal((await ask('/secret', { headers: bearer, method: 'HEAD' })).status, 200);
  t.equal((await ask('//', { headers: bearer })).status, 400, 'a path that is none');
});

t.test('a page from elsewhere in the same browser gets nothing', async (t) => {
  const ask = await serve(t);
  for (const [what, headers, status] of [
    ['a name that points here (DNS rebinding)', { host: 'evil.example' }, 421],
    ['an address of the network', { host: '192.168.1.5:8080' }, 421],
    ['another origin', { origin: 'https://evil.example' }, 403],
    ['another site', { 'sec-fetch-site': 'cross-site' }, 403],
  ] as const) {
    t.equal((await ask('/secret', { headers: { ...bearer, ...headers } })).status, status, what);
  }
  t.equal((await ask('/secret', { headers: { ...bearer, host: 'localhost:1234' } })).status, 200);
  const own = { ...bearer, host: 'localhost:1234', origin: 'http://localhost:1234' };
  t.equal((await ask('/secret', { headers: own })).status, 200, 'its own page');
});

t.test('an error has its status; a bug shows nothing of itself', async (t) => {
  const ask = await serve(t);
  t.match(await ask('/wrong', { headers: bearer }), { status: 400, text: /not like this/ });
  const { status, text } = await ask('/broken', { headers: bearer });
  t.equal(status, 500);
  t.notMatch(text, /secret/);
});

t.test('a log line is one line, whatever a peer puts into it', async (t) => {
  const lines: string[] = [];
  const log = createLog('INFO', false, (line) => lines.push(line));
  log.info('a\nb\u001b[2Jc');
  log.debug('below the level');
  log.error('x'.repeat(10_000));
  t.match(lines[0], /^\[\d\d:\d\d:\d\d\] INFO a.b.\[2Jc\n$/);
  t.equal(lines.length, 2);
  t.ok((lines[1] ?? '').length < 2_100);
  t.equal(log.tail().length, 2);
  const json: string[] = [];
  createLog('DEBUG', true, (line) => json.push(line)).debug('hello');
  t.match(JSON.parse(json[0] ?? ''), { level: 'DEBUG', message: 'hello' });
});
