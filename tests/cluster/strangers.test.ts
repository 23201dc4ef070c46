// Who is no member learns nothing, and who listens on the wire neither. Sources: src/server/router.ts, listen.ts.

import { readFileSync } from 'node:fs';
import { connect as connectTcp, createServer } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import type { Api } from '../../src/server/api/api.js';
import { allRoutes } from '../../src/server/routes.js';
import type { ServingNode } from '../../src/server/serving-node.js';
import { emptyPlace } from '../cli/place.js';
import { testCluster } from '../net/cluster.js';
import { sampleBytes } from '../ops/sample-bytes.js';
import { onWindows } from '../skip.js';
import { TestCluster } from './cluster.js';
import { ask } from './liar.js';
import { TestNode } from './node.js';

const skip = onWindows;

function credentialsOf(node: TestNode): { keyPem: string; certificatePem: string; caPem: string } {
  const read = (name: string): string => readFileSync(join(node.place.home, 'node', name), 'utf8');
  return { keyPem: read('key.pem'), certificatePem: read('certificate.pem'), caPem: read('ca.pem') };
}

t.test('strangers and eavesdroppers', { skip, timeout: 280_000 }, async (t) => {
  const cluster = await TestCluster.start(t);
  const { first } = cluster;
  const peer = cluster.node(1);
  first.place.write('secret-name.tar', sampleBytes('photos', 600_000));
  await first.did('chunk', 'secret-name.tar');
  const ids = [...first.objects()];
  const id = ids[0] ?? '';
  // Handlers are made, never called: a route that is added is tried here without anyone's doing.
  const table = allRoutes({} as ServingNode, { door: {} } as Api);
  const closed = table.filter(({ audience }) => audience === 'member' || audience === 'certified');
  const local = table.filter(({ audience }) => ['local', 'ticket', 'page'].includes(audience));
  const asked = [
    ...closed,
    ...local,
    { method: 'HEAD', path: '/chunk' },
    { method: 'GET', path: '/no-such-route' },
  ];

  const removed = await cluster.grow();
  await cluster.allKnown();
  const gone = credentialsOf(removed);
  await removed.kill();
  await first.did('peers', 'remove', '--force', removed.name);
  await cluster.until('all know that it was removed', () =>
    cluster.up.every((node) => !node.known().includes(removed.id)),
  );
  const foreign = (await (await testCluster()).addNode()).credentials;

  for (const [who, credentials] of [
    ['nobody', undefined],
    ['a node of another cluster', foreign],
    ['a node that was removed', gone],
  ] as const) {
    await t.test(`${who} gets 403 from every route, and nothing is told`, async (t) => {
      for (const { method, path } of asked) {
        const body = method === 'GET' || method === 'HEAD' ? undefined : '{}';
        const url = `${path}?id=${id}&vault=0123456789abcdef0123456789abcdef&kind=chunk`;
        const { status, text } = await ask(peer.port, method, url, credentials, body);
        t.equal(status, 403, `${method} ${path}`);
        t.ok(text.length < 200 && !text.includes(id) && !text.includes(peer.name), text);
      }
      for (const { method, path } of table.filter(({ audience }) => audience === 'joining')) {
        const { status, text } = await ask(peer.port, method, path, credentials, '{}');
        t.ok(status === 400 || status === 403, `${method} ${path}: ${status}`);
        t.ok(text.length < 200 && !text.includes(peer.id) && !text.includes(peer.name), text);
      }
      t.equal((await ask(peer.port, 'GET', '/ping', credentials)).text.trim(), 'pong');
    });
  }

  await t.test('the table has every route of the protocol, and a member gets past the gate', async (t) => {
    const paths = new Set(table.map(({ method, path }) => `${method} ${path}`));
    for (const known of ['GET /chunk', 'PUT /chunk', 'POST /delete', 'GET /digests', 'POST /recover'])
      t.ok(paths.has(known), known);
    t.same(
      table.filter(({ audience }) => audience === 'anyone').map(({ path }) => path),
      ['/ping'],
    );
    const member = credentialsOf(first);
    for (const { method, path } of closed.filter((route) => route.path !== '/drain')) {
      const { status } = await ask(peer.port, method, path, member, method === 'GET' ? undefined : '{}');
      t.not(status, 403, `${method} ${path}`);
    }
    for (const { method, path } of local) {
      const { status } = await ask(peer.port, method, path, member, method === 'GET' ? undefined : '{}');
      t.equal(status, 403, `the API is for the machine itself: ${method} ${path}`);
    }
  });

  await t.test('ids that are none are refused before anything is looked up', async (t) => {
    const member = credentialsOf(first);
    for (const wrong of [
      '',
      '../../etc/passwd',
      '..%2f..%2fnode%2fkey.pem',
      id.toUpperCase(),
      id.slice(1),
      `${id}0`,
    ]) {
      for (const method of ['GET', 'PUT'])
        t.equal((await ask(peer.port, method, `/chunk?id=${wrong}`, member, 'x')).status, 400, wrong);
    }
    const ids = JSON.stringify({ ids: ['../x'] });
    t.equal((await ask(peer.port, 'POST', '/chunks/missing', member, ids)).status, 400);
    t.equal((await ask(peer.port, 'GET', `/chunk?id=${id}`, member)).status, 200);
  });

  await t.test('what goes between two nodes shows no id, name or address in clear', async (t) => {
    const seen: Buffer[] = [];
    const target = new TestNode({ name: 'hideout', place: emptyPlace(t) });
    await target.serve();
    t.teardown(() => target.kill());
    const tap = createServer((client) => {
      const upstream = connectTcp(target.port, '127.0.0.1');
      for (const [from, to] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        from.on('data', (part) => seen.push(part));
        from.on('error', () => to.destroy());
        from.pipe(to);
      }
    });
    await new Promise<void>((resolve) => tap.listen(0, '127.0.0.1', resolve));
    t.teardown(() => tap.close());
    const { port } = tap.address() as { port: number };
    await target.end('SIGTERM');
    await target.serve('--address', `127.0.0.1:${port}`);
    await cluster.join(target);
    await cluster.until('all know it', () => first.known().includes(target.id));
    first.place.write('another-secret', sampleBytes('more', 600_000));
    await first.did('upload', 'another-secret', 'hideout');
    const wire = Buffer.concat(seen);
    t.ok(wire.byteLength > 600_000, `${wire.byteLength} bytes seen`);
    const words = [
      ...first.objects(),
      ...cluster.nodes.map((node) => node.id),
      'secret',
      'hideout',
      'attic',
      'DSK1',
    ];
    const shown = words.filter(
      (word) =>
        wire.includes(word) ||
        (wire.includes(Buffer.from(word, 'hex').subarray(0, 16)) && /^[0-9a-f]{64}$/.test(word)),
    );
    t.same(shown, []);
    t.notOk(wire.includes(`127.0.0.1:${first.port}`));
  });
});
