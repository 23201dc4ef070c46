// What strangers can do to the one port: little. Sources: src/server/listen.ts, src/server/exchanges.ts,
// src/server/progress-watch.ts.
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import type { RequestHandler } from '../../src/server/exchanges.js';
import { readJsonBody, replyJson, replyText } from '../../src/server/json-body.js';
import { testCluster } from '../net/cluster.js';
import { closed, dial, dialTls, openPort, readAll, readUntil, request, SHORT_LIMITS } from './one-port.js';

const cluster = await testCluster();
const node = await cluster.addNode();
const limits = SHORT_LIMITS;
/** Many times what these limits are, on a busy machine too, and less than the usual ones. */
const SOON_MS = 4_500;

const countBody: RequestHandler = async (request, response) => {
  let bytes = 0;
  for await (const part of request) bytes += (part as Buffer).byteLength;
  replyJson(response, 200, { bytes });
};

async function msUntilClosed(socket: ReturnType<typeof dial>): Promise<number> {
  const startMs = performance.now();
  await closed(socket);
  return performance.now() - startMs;
}

t.test('connections that say nothing, or stop in the middle, are ended', async (t) => {
  const { port } = await openPort(t, { tls: node.credentials, limits });
  const table: [string, (socket: ReturnType<typeof dial>) => unknown][] = [
    ['silent', () => {}],
    ['the first byte of TLS', (socket) => socket.write(Uint8Array.of(0x16))],
    ['a TLS record without end', (socket) => socket.write(Uint8Array.of(0x16, 3, 1, 0x40, 0))],
    ['half a request line', (socket) => socket.write('GET /pi')],
    ['half a header', (socket) => socket.write('GET /ping HTTP/1.1\r\nHost: x\r\nA')],
    ['idle after an answer', (socket) => socket.write(request('/ping'))],
  ];
  await Promise.all(
    table.map(async ([title, begin]) => {
      const socket = dial(t, port);
      begin(socket);
      const ms = await msUntilClosed(socket);
      t.ok(ms > 200 && ms < SOON_MS, `${title}: after ${Math.round(ms)} ms`);
    }),
  );
  const secure = dialTls(t, port);
  const ms = await msUntilClosed(secure);
  t.ok(ms > 200 && ms < SOON_MS, `a handshake and then nothing: after ${Math.round(ms)} ms`);
});

t.test('headers that never end are cut off by time and by size', async (t) => {
  const { port } = await openPort(t, { limits });
  const dripping = dial(t, port);
  dripping.write('GET /ping HTTP/1.1\r\nHost: x\r\n');
  const timer = setInterval(() => dripping.write('a: b\r\n'), 50);
  const ms = await msUntilClosed(dripping);
  clearInterval(timer);
  t.ok(ms < SOON_MS, `dripping: after ${Math.round(ms)} ms`);
  const flooding = dial(t, port);
  const answer = readAll(flooding);
  flooding.write(`GET /ping HTTP/1.1\r\nHost: x\r\n${'name: value\r\n'.repeat(4000)}`);
  t.match(await answer, /^HTTP\/1\.1 431/);
});

t.test('garbage gets 400 and no more', async (t) => {
  const { port } = await openPort(t, { tls: node.credentials, limits });
  for (const garbage of [
    '\0\0\0\0',
    'SSH-2.0-x\r\n',
    '\x80\x2e\x01',
    'GET\r\n\r\n',
    '\r\n\r\nx y z\r\n\r\n',
  ]) {
    const socket = dial(t, port);
    const answer = readAll(socket);
    socket.write(garbage, 'latin1');
    t.match(await answer, /^(HTTP\/1\.1 400|$)/, JSON.stringify(garbage));
  }
  const broken = dial(t, port);
  broken.write(Buffer.concat([Buffer.from([0x16, 3, 1, 0, 5]), Buffer.from('hello')]));
  await closed(broken);
  const after = dial(t, port);
  after.write(request('/ping'));
  t.match(await readUntil(after, 'pong'), /pong/, 'others are served');
});

t.test('requests with two meanings are refused', async (t) => {
  let seen = 0;
  const handler: RequestHandler = async (request, response) => {
    seen++;
    request.resume();
    replyText(response, 200, 'pong');
  };
  const { port } = await openPort(t, { limits, handler });
  const chunked = 'Transfer-Encoding: chunked\r\n';
  const smuggled = '0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n';
  const heads = [
    `Content-Length: 5\r\n${chunked}`,
    `${chunked}Content-Length: 5\r\n`,
    'Content-Length: 5\r\nContent-Length: 6\r\n',
    'Content-Length: 5, 5\r\n',
    'Content-Length: +5\r\n',
    'Content-Length: -1\r\n',
    'Content-Length: 0x5\r\n',
    'Transfer-Encoding: xchunked\r\n',
    'Transfer-Encoding: chunked, identity\r\n',
    'Transfer-Encoding : chunked\r\n',
    'Transfer-Encoding:\r\n chunked\r\n',
    'Header\r\n',
    'A: b\0c\r\n',
  ];
  for (const head of heads) {
    seen = 0;
    const socket = dial(t, port);
    const answer = readAll(socket);
    socket.write(`POST / HTTP/1.1\r\nHost: x\r\n${head}\r\n${smuggled}`);
    const text = await answer;
    t.match(text, /HTTP\/1\.1 400/, JSON.stringify(head));
    t.ok(seen <= 1 && text.split('pong').length <= 2, 'and nothing behind it is read');
  }
  const hostless = dial(t, port);
  hostless.write('GET / HTTP/1.1\r\n\r\n');
  t.match(await readAll(hostless), /^HTTP\/1\.1 400/, 'no host');
});

t.test('a body that stops or crawls is cut off, one that moves is not', async (t) => {
  const { port } = await openPort(t, {
    limits: { ...limits, progressMs: 600, minRate: 1000 },
    handler: countBody,
  });
  const head = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n';
  const stalling = dial(t, port);
  stalling.write(`${head}abc`);
  const crawling = dial(t, port);
  crawling.write(head);
  const moving = dial(t, port);
  moving.write(head);
  const crawl = setInterval(() => crawling.write('x'), 50);
  let sent = 0;
  const move = setInterval(() => {
    if (sent < 100_000) moving.write(Buffer.alloc(2500));
    sent += 2500;
  }, 50);
  const answer = readUntil(moving, '}');
  const [stalled, crawled] = await Promise.all([msUntilClosed(stalling), msUntilClosed(crawling)]);
  t.ok(stalled < SOON_MS, `stalled: after ${Math.round(stalled)} ms`);
  t.ok(crawled < SOON_MS, `crawled: after ${Math.round(crawled)} ms`);
  t.match(await answer, /{"bytes":100000}/, 'two seconds of steady sending');
  clearInterval(crawl);
  clearInterval(move);
});

t.test('who does not take its answer is cut off; a handler that thinks is not', async (t) => {
  let onEnd = (): void => {};
  const handler: RequestHandler = async (request, response) => {
    if (request.url === '/think') await delay(1500);
    else response.once('close', () => onEnd());
    replyText(response, 200, request.url === '/think' ? 'pong' : 'x'.repeat(50_000_000));
  };
  const { port } = await openPort(t, { tls: node.credentials, limits, handler });
  const thinking = dial(t, port);
  thinking.write(request('/think'));
  const thought = readUntil(thinking, 'pong');
  // Each when it is its turn: one that waits and says nothing is cut off for that. And none says more than its request,
  // which would be refused: the server tells when it has let go.
  for (const [title, begin] of [
    ['plain', () => dial(t, port)],
    ['TLS', () => dialTls(t, port)],
  ] as const) {
    const isEnded = new Promise<void>((resolve) => {
      onEnd = resolve;
    });
    const socket = begin();
    const startMs = performance.now();
    socket.write(request('/big'));
    socket.pause();
    await Promise.race([isEnded, delay(SOON_MS, undefined, { ref: false })]);
    const ms = performance.now() - startMs;
    t.ok(ms > 200 && ms < SOON_MS, `${title}: after ${Math.round(ms)} ms`);
    socket.destroy();
  }
  t.match(await thought, /pong/);
});

t.test('after a refusal the rest of a body is not read for ever', async (t) => {
  const handler: RequestHandler = async (request, response) => {
    replyJson(response, 200, await readJsonBody(request, { maxBytes: 1000 }));
  };
  const { port } = await openPort(t, { limits, handler });
  for (const head of ['Content-Length: 1000000000', 'Transfer-Encoding: chunked']) {
    const socket = dial(t, port);
    socket.write(`POST / HTTP/1.1\r\nHost: x\r\n${head}\r\n\r\n`);
    const pour = setInterval(() => socket.write(`400\r\n${'x'.repeat(1024)}\r\n`), 5);
    const answer = readUntil(socket, '}}');
    t.match(await answer, /^HTTP\/1\.1 413/, head);
    const ms = await msUntilClosed(socket);
    clearInterval(pour);
    t.ok(ms < 1_900, `closed ${Math.round(ms)} ms later`);
  }
});

t.test('half-open sockets get their answer and are gone', async (t) => {
  const handler: RequestHandler = async (_, response) => {
    await delay(50);
    replyText(response, 200, 'pong');
  };
  const { port } = await openPort(t, { tls: node.credentials, limits, handler });
  const socket = dial(t, port);
  const answer = readAll(socket);
  socket.end(request('/ping'));
  t.match(await answer, /pong/);
  const empty = dial(t, port);
  empty.end();
  await closed(empty);
  const halfTls = dial(t, port);
  halfTls.end(Uint8Array.of(0x16, 3, 1));
  await closed(halfTls);
  t.pass('all closed');
});

t.test('HTTP/1.0 gets its answer and the end', async (t) => {
  const { port } = await openPort(t, { limits });
  const socket = dial(t, port);
  const answer = readAll(socket);
  socket.write('GET /ping HTTP/1.0\r\n\r\n');
  t.match(await answer, /^HTTP\/1\.1 200.*Connection: close.*pong/s);
});

t.test('no more connections than allowed, nor requests ahead of their answers', async (t) => {
  let running = 0;
  let most = 0;
  const handler: RequestHandler = async (request, response) => {
    most = Math.max(most, ++running);
    if (request.url === '/slow') await delay(200);
    running--;
    replyText(response, 200, 'pong');
  };
  const { port } = await openPort(t, { limits: { maxConnections: 3, maxPipelined: 4 }, handler });
  const sockets = Array.from({ length: 3 }, () => dial(t, port));
  for (const socket of sockets) {
    socket.write(request('/ping'));
    await readUntil(socket, 'pong');
  }
  const fourth = dial(t, port);
  fourth.write(request('/ping'));
  t.equal(await readAll(fourth), '', 'one too many');
  const [first, second] = sockets;
  first?.write(request('/ping').repeat(3));
  if (first) t.match(await readUntil(first, 'pong', 3), /pong/, 'some ahead are fine');
  second?.write(request('/slow').repeat(100));
  if (second) await closed(second);
  t.ok(most <= 4, `${most} at once`);
});

t.test('one address does not get all connections, and gets new ones when its own have ended', async (t) => {
  const { port } = await openPort(t, { limits: { maxConnections: 10, maxPerAddress: 2 } });
  const ping = async (socket: Socket): Promise<string> => {
    socket.write(request('/ping'));
    return readUntil(socket, 'pong');
  };
  const [first, second] = [dial(t, port), dial(t, port)];
  for (const socket of [first, second]) await ping(socket);
  const third = dial(t, port);
  third.write(request('/ping'));
  t.equal(await readAll(third), '', 'one too many of this address');
  const elsewhere = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' });
  t.teardown(() => elsewhere.destroy());
  t.match(await ping(elsewhere), /pong/, 'another one is answered');
  first.resetAndDestroy();
  await delay(100);
  t.match(await ping(dial(t, port)), /pong/);
});
