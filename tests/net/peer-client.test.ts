// Asking a peer, mostly one that does not keep to the protocol. Sources: src/net/peer-client.ts,
// src/net/peer-channel.ts, src/net/peer-exchange.ts, src/net/peer-connection.ts,
// src/net/peer-json.ts, src/net/peer-answers.ts, src/net/peer-errors.ts.

import { once } from 'node:events';
import { createServer } from 'node:net';
import type { TLSSocket } from 'node:tls';
import t from 'tap';
import type { StoreId, VaultId } from '../../src/core/ids.js';
import { authorityFingerprint } from '../../src/net/certificates.js';
import type { PeerClient } from '../../src/net/peer-client.js';
import { openPort } from '../server/one-port.js';
import { against, clientOf, cluster, id, peer, pong, type Script } from './asking.js';
import { testCluster } from './cluster.js';
import { reply, roguePeer } from './rogue-peer.js';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
t.test('reaches a peer under every spelling of its address, and remembers the one that worked', async (t) => {
  const rogue = await roguePeer(t, peer.credentials, pong);
  for (const prefix of ['', 'http://', 'https://']) await clientOf(t, `${prefix}${rogue.address}`).ping();
  const client = clientOf(t, '', { addresses: ['127.0.0.1:1', '192.0.2.1:1', rogue.address] });
  await client.ping();
  t.equal(client.address, rogue.address);
});

t.test('sends nothing to who is not the node it means', async (t) => {
  const foreign = await (await testCluster()).addNode();
  const other = await cluster.addNode();
  const expired = await cluster.addNode(Date.now() - 398 * DAY_MS);
  const table = [
    ['another node of the cluster', other.credentials, peer.nodeId, /is another node/],
    ['a node of another cluster', foreign.credentials, foreign.nodeId, /not signed by the CA/],
    ['an expired certificate', expired.credentials, expired.nodeId, /has expired/],
  ] as const;
  for (const [title, credentials, nodeId, message] of table) {
    const rogue = await roguePeer(t, credentials, pong);
    const client = clientOf(t, rogue.address, { nodeId });
    await t.rejects(
      client.putObject('chunk', id, Buffer.alloc(1000)),
      { code: 'E_PEER_REFUSED', message, details: { node: nodeId, address: rogue.address } },
      title,
    );
    t.equal(rogue.bytes(), 0, 'not a byte of the request has left');
  }
});

t.test('bears a clock that is nine minutes off, and not one that is eleven', async (t) => {
  const rogue = await roguePeer(t, peer.credentials, pong);
  const end = Date.now() + 397 * DAY_MS;
  await clientOf(t, rogue.address, { clock: () => end + 9 * MINUTE_MS }).ping();
  await t.rejects(clientOf(t, rogue.address, { clock: () => end + 11 * MINUTE_MS }).ping(), {
    code: 'E_PEER_REFUSED',
  });
});

t.test('joins by the fingerprint of the CA alone, on one connection with its exporter', async (t) => {
  const { port } = await openPort(t, {
    tls: peer.credentials,
    handler: (_, response, connection) => {
      const text = JSON.stringify({ exporter: connection.exporter('EXPORTER-x').toString('hex') });
      response.end(text);
    },
  });
  const caFingerprint = authorityFingerprint(cluster.authority.certificatePem);
  const unknown = { nodeId: undefined, credentials: undefined };
  const client = clientOf(t, `127.0.0.1:${port}`, { ...unknown, caFingerprint });
  const bound = await client.openBound();
  t.equal(bound.nodeId, peer.nodeId);
  t.equal(authorityFingerprint(bound.caPem ?? ''), caFingerprint);
  const expected = { exporter: bound.exporter('EXPORTER-x').toString('hex') };
  t.same(await bound.json('POST', '/register', {}), expected);
  t.same(await bound.json('POST', '/register', {}), expected, 'the second request is on it as well');
  await bound.close();
  const wrong = clientOf(t, `127.0.0.1:${port}`, { ...unknown, caFingerprint: 'ab'.repeat(32) });
  await t.rejects(wrong.openBound(), { code: 'E_PEER_REFUSED', message: /another cluster/ });
});

t.test('who is not there is unreachable', async (t) => {
  const silent = createServer(() => {}).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const plain = createServer((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n')).listen(0, '127.0.0.1');
  await once(plain, 'listening');
  t.teardown(() => [silent, plain].map((server) => server.close()));
  const at = (server: typeof silent): string => `127.0.0.1:${(server.address() as { port: number }).port}`;
  const table = [
    ['127.0.0.1:1', 'E_PEER_UNREACHABLE'],
    [at(silent), 'E_PEER_UNREACHABLE'],
    ['no-such-host.invalid:1', 'E_PEER_UNREACHABLE'],
    [at(plain), 'E_PEER_REFUSED'],
    ['169.254.169.254:80', 'E_PEER_REFUSED'],
    ['[fe80::1]:80', 'E_PEER_REFUSED'],
    ['0.0.0.0:80', 'E_PEER_REFUSED'],
  ] as const;
  for (const [address, code] of table) {
    const startMs = performance.now();
    await t.rejects(clientOf(t, address).headObject(id), { code, details: { address } }, address);
    t.ok(performance.now() - startMs < 2000, 'and soon known');
  }
});

t.test('maps what a peer answers', async (t) => {
  const table = [
    [301, 'E_PEER_REFUSED', /points elsewhere/],
    [307, 'E_PEER_REFUSED', /points elsewhere/],
    [400, 'E_PEER_REFUSED', /refused: status 400, "bad luck"/],
    [401, 'E_PEER_REFUSED', /refused/],
    [403, 'E_PEER_REFUSED', /refused/],
    [404, 'E_PEER_REFUSED', /refused/],
    [422, 'E_PEER_REFUSED', /refused/],
    [429, 'E_PEER_REFUSED', /refused/],
    [500, 'E_PEER_REFUSED', /failed/],
    [503, 'E_PEER_REFUSED', /failed/],
    [507, 'E_NO_SPACE', /no room left/],
    [204, 'E_PEER_REFUSED', /status 204/],
    [999, 'E_PEER_REFUSED', /./],
  ] as const;
  for (const [status, code, message] of table) {
    const body = status === 204 ? '' : '{"error":{"code":"E_X","message":"bad luck"}}';
    const { client, rogue } = await against(t, (socket) =>
      socket.write(reply(status, body, ['Location: https://192.0.2.1/'])),
    );
    const details = { node: peer.nodeId, address: rogue.address, status };
    await t.rejects(client.putObject('chunk', id, Buffer.alloc(10)), { code, message, details }, `${status}`);
    t.equal(rogue.heads.length, 1, 'asked once');
  }
  const { client } = await against(t, (socket) => socket.write(reply(404, '')));
  await t.rejects(client.getObject(id, Buffer.alloc(10)), { code: 'E_OBJECT_MISSING', details: { id } });
  t.equal(await client.headObject(id), undefined);
});

t.test('refuses what is no HTTP', async (t) => {
  const answers = [
    'SSH-2.0-x\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\npong',
    'HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\npong',
    `HTTP/1.1 200 OK\r\n${'name: value\r\n'.repeat(4000)}`,
    'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nping',
  ];
  for (const answer of answers) {
    const { client } = await against(t, (socket) => socket.write(answer));
    await t.rejects(client.ping(), { code: 'E_PEER_REFUSED' }, JSON.stringify(answer.slice(0, 70)));
  }
});

t.test('waits neither for headers nor for bodies for ever', async (t) => {
  const drip = (socket: TLSSocket, text: string, ms: number): void => {
    const timer = setInterval(() => socket.write(text), ms);
    socket.once('close', () => clearInterval(timer));
  };
  const scripts: [string, Script][] = [
    ['nothing', () => {}],
    ['half of the headers', (socket) => socket.write('HTTP/1.1 200 OK\r\n')],
    [
      'headers without end',
      (socket) => {
        socket.write('HTTP/1.1 200 OK\r\n');
        drip(socket, 'a: b\r\n', 50);
      },
    ],
    ['interim answers without end', (socket) => drip(socket, 'HTTP/1.1 103 Wait\r\n\r\n', 50)],
    ['half of the body', (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"a"')],
    [
      'a body that crawls',
      (socket) => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n');
        drip(socket, ' ', 50);
      },
    ],
  ];
  await Promise.all(
    scripts.map(async ([title, script]) => {
      const { client, rogue } = await against(t, script);
      const startMs = performance.now();
      await t.rejects(
        client.json('GET', '/peers'),
        { code: 'E_PEER_UNREACHABLE', message: /stopped answering/ },
        title,
      );
      t.ok(performance.now() - startMs < 1500, title);
      t.equal(rogue.heads.length, 1, 'a peer that fell silent is not asked again');
    }),
  );
});

t.test('takes no more JSON than agreed, and none that is deep or poisoned', async (t) => {
  const endless: Script = (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    const pour = (): void => {
      if (!socket.destroyed && socket.write(`10000\r\n${' '.repeat(65_536)}\r\n`)) setImmediate(pour);
    };
    socket.on('drain', pour);
    pour();
  };
  const scripts: [string, Script][] = [
    ['endless', endless],
    ['announced too long', (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n')],
    ['deep', (socket) => socket.write(reply(200, '['.repeat(100_000)))],
    ['no JSON', (socket) => socket.write(reply(200, '<html>'))],
    ['compressed', (socket) => socket.write(reply(200, '\x1f\x8b\x08', ['Content-Encoding: gzip']))],
  ];
  for (const [title, script] of scripts) {
    const { client } = await against(t, script);
    await t.rejects(
      client.json('GET', '/peers'),
      { code: 'E_PEER_REFUSED', message: /broke the protocol/ },
      title,
    );
  }
  const { client } = await against(t, (socket) => socket.write(reply(200, '{"__proto__":{"x":1},"a":[1]}')));
  const json = (await client.json('GET', '/peers')) as Record<string, unknown>;
  t.same(Object.keys(json), ['a']);
  t.equal(json.x, undefined);
});

t.test('refuses answers of another shape', async (t) => {
  const ask: Record<string, (client: PeerClient) => Promise<unknown>> = {
    missing: (client) => client.lacking([id]),
    manifests: (client) => client.listManifests('00'.repeat(16) as VaultId),
    digests: (client) => client.digests(),
    group: (client) => client.groups({ first: 5, last: 5 }),
  };
  const other = 'cd'.repeat(32);
  const table: [string, unknown][] = [
    ['missing', []],
    ['missing', { missing: 'all' }],
    ['missing', { missing: [other] }],
    ['missing', { missing: [id, id] }],
    ['missing', { missing: [id], deleted: [id] }],
    ['missing', { missing: [], deleted: [other] }],
    ['missing', { missing: [], deleted: 'all' }],
    ['manifests', { manifests: [{ id: '../../etc', bytes: 1 }], next: null }],
    ['manifests', { manifests: [{ id, bytes: -1 }], next: null }],
    ['manifests', { manifests: [{ id, bytes: 1 }], next: other }],
    [
      'manifests',
      {
        manifests: [
          { id: other, bytes: 1 },
          { id, bytes: 1 },
        ],
        next: null,
      },
    ],
    ['manifests', { manifests: [{ id, bytes: 1 }], next: id }],
    ['digests', { groups: { 4096: { count: 1, digest: id } } }],
    ['digests', { groups: { '01': { count: 1, digest: id } } }],
    ['digests', { groups: { 1: { count: 1.5, digest: id } } }],
    ['digests', { groups: { 1: { count: 1, digest: 'x' } } }],
    ['group', { ids: [{ id, kind: 'chunk', bytes: 1 }] }],
    ['group', { ids: [{ id: `005${id.slice(3)}`, kind: 'tree', bytes: 1 }] }],
    ['group', null],
  ];
  for (const [route, answer] of table) {
    const { client } = await against(t, (socket) => socket.write(reply(200, JSON.stringify(answer))));
    await t.rejects(
      ask[route]?.(client) ?? Promise.resolve(),
      { code: 'E_PEER_REFUSED' },
      JSON.stringify(answer),
    );
  }
});

t.test('tries again what does no harm twice, and nothing else', async (t) => {
  const breakUntil =
    (count: number): Script =>
    (socket, { number }) => {
      if (number < count) socket.destroy();
      else socket.write(reply(200, '{"missing":[]}'));
    };
  const twice = await against(t, breakUntil(3));
  t.same(await twice.client.lacking([id]), { missing: [], deleted: [] });
  t.equal(twice.rogue.heads.length, 3);
  const often = await against(t, breakUntil(9));
  const startMs = performance.now();
  await t.rejects(often.client.headObject(id), { code: 'E_PEER_UNREACHABLE' });
  t.equal(often.rogue.heads.length, 3);
  t.ok(performance.now() - startMs < 1000);
  const once = await against(t, breakUntil(2));
  await t.rejects(once.client.json('POST', '/register', {}), { code: 'E_PEER_UNREACHABLE' });
  t.equal(once.rogue.heads.length, 1);
});

t.test('splits long lists of ids', async (t) => {
  const ids = Array.from({ length: 25_000 }, (_, n) => n.toString(16).padStart(64, '0') as StoreId);
  let asked = 0;
  const { port } = await openPort(t, {
    tls: peer.credentials,
    handler: async (request, response) => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      const { ids } = JSON.parse(Buffer.concat(parts).toString()) as { ids: string[] };
      t.ok(ids.length <= 10_000);
      asked++;
      response.end(JSON.stringify({ missing: ids.filter((id) => id.endsWith('7')) }));
    },
  });
  const { missing } = await clientOf(t, `127.0.0.1:${port}`, { timeouts: {} }).lacking(ids);
  t.equal(asked, 3);
  t.same(
    missing,
    ids.filter((id) => id.endsWith('7')),
  );
});

t.test('an abort ends a request at any moment, and close ends all', async (t) => {
  for (const [title, script] of [
    ['before the headers', () => {}],
    ['in the body', (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx')],
  ] as [string, Script][]) {
    const { client } = await against(t, script);
    const stop = new AbortController();
    const given = client.getObject(id, Buffer.alloc(100), { signal: stop.signal });
    setTimeout(() => stop.abort(), 50);
    await t.rejects(given, { code: 'E_ABORTED' }, title);
    await t.rejects(client.ping(stop.signal), { code: 'E_ABORTED' }, 'and one that has not begun');
  }
  const { client } = await against(t, () => {});
  const running = client.ping();
  setTimeout(() => void client.close(), 50);
  await t.rejects(running, { code: 'E_ABORTED' });
  await t.rejects(client.ping(), { code: 'E_ABORTED' });
});
