// One port for TLS and plain HTTP: who is recognised, and how it begins and ends. Sources: src/server/listen.ts,
// src/server/connection.ts, src/server/exchanges.ts.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import type { RequestHandler } from '../../src/server/exchanges.js';
import { replyJson, replyText } from '../../src/server/json-body.js';
import { listenOnePort } from '../../src/server/listen.js';
import { testCluster } from '../net/cluster.js';
import { closed, dial, dialTls, openPort, readAll, readUntil, request, tellWho } from './one-port.js';

const DAY_MS = 24 * 3_600_000;
const cluster = await testCluster();
const node = await cluster.addNode();
const peer = await cluster.addNode();

t.test('plain HTTP and TLS take turns on one port', async (t) => {
  const { port } = await openPort(t, { tls: node.credentials });
  for (let turn = 0; turn < 5; turn++) {
    const plain = dial(t, port);
    plain.write(request('/who'));
    t.match(await readUntil(plain, '}'), /"isTls":false,"isLoopback":true}/);
    const secure = dialTls(t, port, peer.credentials);
    secure.write(request('/who'));
    t.match(
      await readUntil(secure, '}'),
      new RegExp(`"isTls":true,"isLoopback":true,"peer":"${peer.nodeId}"`),
    );
    t.equal(secure.getProtocol(), 'TLSv1.3');
    plain.write(request('/ping'));
    t.match(await readUntil(plain, 'pong'), /^HTTP\/1\.1 200/, 'the connection stays for the next request');
  }
});

t.test('TLS fed byte by byte is TLS', async (t) => {
  const { port } = await openPort(t, { tls: node.credentials });
  const middle = createServer((from) => {
    const to = dial(t, port);
    from.on('data', async (part) => {
      from.pause();
      for (const byte of part) {
        to.write(Uint8Array.of(byte));
        await new Promise(setImmediate);
      }
      from.resume();
    });
    to.pipe(from);
    from.on('error', () => to.destroy());
  });
  middle.listen(0, '127.0.0.1');
  await once(middle, 'listening');
  t.teardown(() => middle.close());
  const socket = dialTls(t, (middle.address() as { port: number }).port, peer.credentials);
  socket.write(request('/who'));
  t.match(await readUntil(socket, '}'), new RegExp(peer.nodeId));
});

t.test('knows a peer only by a certificate of its cluster that is in time', async (t) => {
  const { port } = await openPort(t, { tls: node.credentials });
  const foreign = await (await testCluster()).addNode();
  const expired = await cluster.addNode(Date.now() - 398 * DAY_MS);
  const future = await cluster.addNode(Date.now() + DAY_MS);
  const who = async (credentials?: typeof peer.credentials): Promise<string> => {
    const socket = dialTls(t, port, credentials);
    socket.write(request('/who'));
    return readUntil(socket, '}');
  };
  t.match(await who(peer.credentials), new RegExp(peer.nodeId));
  for (const [title, credentials] of [
    ['no certificate', undefined],
    ["another cluster's", foreign.credentials],
    ['an expired one', expired.credentials],
    ['one of tomorrow', future.credentials],
  ] as const) {
    const text = await who(credentials);
    t.match(text, /"isTls":true/, title);
    t.notMatch(text, /"peer"/, title);
  }
});

t.test('judges the time of a certificate at every request', async (t) => {
  const madeAt = Date.now();
  const end = madeAt + 397 * DAY_MS;
  let now = madeAt;
  const { port } = await openPort(t, { tls: node.credentials, clock: () => now });
  const late = await cluster.addNode(madeAt);
  const socket = dialTls(t, port, late.credentials);
  for (const [at, isKnown] of [
    [madeAt, true],
    [end + 9 * 60_000, true],
    [end + 11 * 60_000, false],
  ] as const) {
    now = at;
    socket.write(request('/who'));
    t.equal((await readUntil(socket, '}')).includes('"peer"'), isKnown);
  }
});

t.test('gives both sides the same exporter, and none on plain HTTP', async (t) => {
  const handler: RequestHandler = (_, response, connection) =>
    replyText(response, 200, `<${connection.exporter('EXPORTER-disktro-join').toString('hex')}>`);
  const { port } = await openPort(t, { tls: node.credentials, handler });
  const socket = dialTls(t, port);
  socket.write(request('/'));
  const text = await readUntil(socket, '>');
  t.match(text, socket.exportKeyingMaterial(32, 'EXPORTER-disktro-join', Buffer.alloc(0)).toString('hex'));
  const plain = dial(t, port);
  plain.write(request('/'));
  t.match(await readUntil(plain, '}'), /^HTTP\/1\.1 400/);
});

t.test('speaks no TLS before it has credentials, and does from then on', async (t) => {
  const listener = await openPort(t, {});
  const early = dialTls(t, listener.port, peer.credentials);
  await closed(early);
  t.equal(early.getProtocol(), null);
  listener.setCredentials(node.credentials);
  const socket = dialTls(t, listener.port, peer.credentials);
  socket.write(request('/who'));
  t.match(await readUntil(socket, '}'), new RegExp(peer.nodeId));
  const renewed = await cluster.addNode();
  listener.setCredentials(renewed.credentials);
  const later = dialTls(t, listener.port, peer.credentials);
  await once(later, 'secureConnect');
  t.equal(later.getPeerCertificate().subject.CN, renewed.nodeId, 'new connections see the new certificate');
  socket.write(request('/who'));
  t.match(await readUntil(socket, '}'), new RegExp(peer.nodeId), 'and old ones go on');
});

t.test('drops the connections of one node and leaves the others', async (t) => {
  const listener = await openPort(t, { tls: node.credentials });
  const [gone, stays] = [
    dialTls(t, listener.port, peer.credentials),
    dialTls(t, listener.port, node.credentials),
  ];
  for (const socket of [gone, stays]) {
    socket.write(request('/ping'));
    await readUntil(socket, 'pong');
  }
  t.equal(listener.dropPeer(peer.nodeId), 1);
  await closed(gone);
  t.equal(listener.dropPeer(peer.nodeId), 0);
  stays.write(request('/ping'));
  t.match(await readUntil(stays, 'pong'), /pong/);
});

t.test('takes the next free port unless it must be that one', async (t) => {
  const first = await openPort(t, {});
  const next = await openPort(t, { port: first.port });
  t.ok(next.port > first.port && next.port <= first.port + 20);
  const options = { host: '127.0.0.1', tls: undefined, handler: tellWho, log: () => {} };
  await t.rejects(listenOnePort({ ...options, port: first.port, isPortFixed: true }), {
    code: 'E_USAGE',
    message: /in use/,
    hint: /--port/,
  });
  await t.rejects(listenOnePort({ ...options, host: '192.0.2.1', port: 0, isPortFixed: false }), {
    code: 'E_USAGE',
  });
});

t.test('closing lets running requests end, within the grace', async (t) => {
  let answerNow = (): void => {};
  const handler: RequestHandler = async (request, response) => {
    if (request.url === '/slow') await new Promise<void>((resolve) => (answerNow = resolve));
    replyText(response, 200, 'pong');
  };
  const listener = await openPort(t, { tls: node.credentials, handler });
  const [idle, slow, silent, inHandshake] = [0, 1, 2, 3].map(() => dial(t, listener.port));
  if (!idle || !slow || !silent || !inHandshake) throw new Error('four sockets');
  idle.write(request('/ping'));
  await readUntil(idle, 'pong');
  inHandshake.write(Uint8Array.of(0x16, 3, 1));
  slow.write(request('/slow'));
  await delay(50);
  const answer = readAll(slow);
  const isOver = listener.close(5000);
  await delay(50);
  answerNow();
  t.match(await answer, /pong/);
  await isOver;
  await Promise.all([idle, silent, inHandshake].map(closed));
  const refused = dial(t, listener.port);
  await closed(refused);
  t.equal(refused.bytesRead, 0, 'nobody listens any more');
});

t.test('closing ends what does not end by itself', async (t) => {
  const listener = await openPort(t, { tls: node.credentials, handler: () => new Promise(() => {}) });
  const sockets = [dial(t, listener.port), dialTls(t, listener.port)];
  for (const socket of sockets) socket.write(request('/never'));
  await delay(100);
  const startMs = performance.now();
  await listener.close(100);
  t.ok(performance.now() - startMs < 2000);
  await Promise.all(sockets.map(closed));
});

t.test('what the handler throws becomes the answer, and a bug tells nothing of itself', async (t) => {
  const handler: RequestHandler = async (request, response) => {
    if (request.url === '/late') response.write('half');
    if (request.url === '/fine') return replyJson(response, 200, {});
    throw new Error('secret detail');
  };
  const listener = await openPort(t, { handler });
  const socket = dial(t, listener.port);
  socket.write(request('/'));
  const text = await readUntil(socket, '}}');
  t.match(text, /^HTTP\/1\.1 500/);
  t.notMatch(text, /secret/);
  t.match(listener.log.join(), /secret detail/, 'the log has it');
  socket.write(request('/fine'));
  t.match(await readUntil(socket, '{}'), /200 OK/, 'the connection lives');
  socket.write(request('/late'));
  t.notMatch(await readAll(socket), /0\r\n\r\n$/, 'half an answer is not made to look whole');
});
