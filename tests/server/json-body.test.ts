// JSON bodies of requests, and answers. Sources: src/server/json-body.ts.
import t from 'tap';
import { DisktroError } from '../../src/errors.js';
import type { RequestHandler } from '../../src/server/exchanges.js';
import { readJsonBody, refusal, replyError, replyJson, statusOf } from '../../src/server/json-body.js';
import { dial, openPort, readAll } from './one-port.js';

const echo: RequestHandler = async (request, response) => {
  const json = await readJsonBody(request, { maxBytes: 1000 });
  replyJson(response, 200, { json: json ?? 'nothing' });
};

t.test('reads a body within its limits, and says what is wrong with others', async (t) => {
  const { port } = await openPort(t, { handler: echo });
  const table: [string, string, RegExp][] = [
    ['an object', '{"a":[1]}', / 200 .*{"json":{"a":\[1\]}}/s],
    ['none', '', / 200 .*"nothing"/s],
    ['as long as allowed', `"${'x'.repeat(998)}"`, / 200 /],
    ['a byte longer', `"${'x'.repeat(999)}"`, / 413 .*at most 1000 bytes/s],
    ['as deep as allowed', '['.repeat(32) + ']'.repeat(32), / 200 /],
    ['a level deeper', '['.repeat(33) + ']'.repeat(33), / 400 .*levels/s],
    ['no JSON', '{', / 400 .*not JSON/s],
    ['no UTF-8', '"\xff"', / 400 .*UTF-8/s],
    ['a prototype', '{"__proto__":{"x":1},"a":1}', /{"json":{"a":1}}/],
  ];
  for (const [title, body, expected] of table) {
    const part = body === '' ? '' : `${body.length.toString(16)}\r\n${body}\r\n`;
    for (const rest of [
      `Content-Length: ${body.length}\r\n\r\n${body}`,
      `Transfer-Encoding: chunked\r\n\r\n${part}0\r\n\r\n`,
    ]) {
      const socket = dial(t, port);
      const answer = readAll(socket);
      socket.write(`POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${rest}`, 'latin1');
      t.match(await answer, expected, `${title}: ${rest.slice(0, 12)}`);
    }
  }
});

t.test('notices a body that is cut off', async (t) => {
  const seen: unknown[] = [];
  const { port } = await openPort(t, {
    handler: async (request) => {
      await readJsonBody(request).catch((error: unknown) => seen.push(error));
    },
  });
  const socket = dial(t, port);
  socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"a"');
  setTimeout(() => socket.destroy(), 50);
  while (seen.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  t.match(seen, [{ code: 'E_USAGE', message: /cut off/ }]);
});

t.test('every error has a status, and only known ones say more', async (t) => {
  t.equal(statusOf(refusal(429, 'too often')), 429);
  t.equal(statusOf(new DisktroError('E_USAGE', 'x')), 400);
  t.equal(statusOf(new DisktroError('E_OBJECT_MISSING', 'x')), 404);
  t.equal(statusOf(new DisktroError('E_NO_SPACE', 'x')), 507);
  t.equal(
    statusOf(new DisktroError('E_IO', 'x', { details: { status: 200 } })),
    500,
    'details of others are no status',
  );
  t.equal(statusOf(new Error('bug')), 500);
  const { port } = await openPort(t, {
    handler: (request, response) =>
      replyError(response, request.url === '/bug' ? new Error('secret') : refusal(403, 'no certificate')),
  });
  const ask = async (path: string): Promise<{ status: number; body: unknown }> => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status: response.status, body: await response.json() };
  };
  const body = { error: { code: 'E_USAGE', message: 'no certificate' } };
  t.same(await ask('/'), { status: 403, body });
  t.match(await ask('/bug'), { status: 500, body: { error: { code: 'E_UNEXPECTED', message: /bug/ } } });
});
