// Who belongs to a cluster: joining, listing, pinging, leaving. Sources: src/ops/cluster/join.ts, remove-node.ts,
// src/server/.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { connect } from 'node:tls';
import t from 'tap';
import { oneJson } from '../cli/command.js';
import { sampleBytes } from '../ops/sample-bytes.js';
import { onWindows } from '../skip.js';
import { TestCluster } from './cluster.js';
import type { TestNode } from './node.js';

const skip = onWindows;

t.test('nodes that join, answer and leave', { skip, timeout: 280_000 }, async (t) => {
  const cluster = await TestCluster.start(t, { nodes: 4 });
  const { first } = cluster;
  const [, barn, cellar, den] = cluster.nodes as [TestNode, TestNode, TestNode, TestNode];

  await t.test('every node lists all, itself last', async (t) => {
    for (const node of cluster.nodes) {
      const peers = await node.peers();
      t.same(peers.map(({ name }) => name).sort(), ['attic', 'barn', 'cellar', 'den']);
      t.match(peers.at(-1), { id: node.id, name: node.name, self: true, port: node.port });
      t.same(
        peers.map(({ status }) => status),
        ['online', 'online', 'online', 'online'],
      );
    }
  });

  await t.test('a node is meant by its name, a prefix of its id, or its address', async (t) => {
    for (const word of ['barn', barn.id, barn.id.slice(0, 8), `http://${barn.address}`, barn.address]) {
      t.match(oneJson(await first.did('--json', 'peers', 'ping', word)), { id: barn.id, ok: true }, word);
    }
    t.equal((await first.run('peers', 'ping', 'nobody')).status, 4);
    t.equal((await first.run('peers', 'ping', '')).status, 4);
  });

  await t.test('an invite is good for one machine, and only for a machine outside', async (t) => {
    const spent = await first.did('peers', 'invite');
    t.equal((await barn.run('peers', 'join', spent)).status, 2, 'a member does not join again');
    const stranger = await cluster.make();
    await stranger.did('peers', 'join', spent);
    const other = await cluster.make();
    const late = await other.run('peers', 'join', spent);
    t.equal(late.status, 21);
    t.match(late.stderr, /this invite was used or has expired\n.*disktro peers invite/, 'it says what to do');
    t.equal((await other.run('peers', 'join', `${spent.slice(0, -4)}AAAA`)).status, 2);
    t.equal((await barn.run('peers', 'invite')).status, 21, 'who has not the key of the CA may not invite');
    await first.did('peers', 'remove', '--force', stranger.name);
  });

  await t.test('a second serve on the same home ends with 11, a taken port with an error', async (t) => {
    const again = await first.run('serve', '--host', '127.0.0.1', '--port', '0');
    t.equal(again.status, 11, again.stderr);
    const fixed = await (await cluster.make()).run('serve', '--host', '127.0.0.1', '--port', `${first.port}`);
    t.equal(fixed.status, 2, fixed.stderr);
    t.match(fixed.stderr, /in use by another program/);
  });

  await t.test('without --port a taken one moves on to the next', async (t) => {
    const blocker = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => blocker.once('listening', resolve));
    t.teardown(() => blocker.close());
    const { port } = blocker.address() as { port: number };
    const node = await cluster.make();
    const running = node.place.startWith(
      { env: { DISKTRO_PORT: `${port}`, DISKTRO_MDNS: 'false' }, input: '' },
      ...['serve', '--json', '--host', '127.0.0.1'],
    );
    await cluster.until('it listens', () => running.said().includes('"url"'));
    running.child.kill('SIGTERM');
    const { status, stdout, stderr } = await running.outcome;
    t.equal(status, 0, 'SIGTERM is a clean end');
    t.ok(Number(oneJson(stdout).port) > port);
    t.match(stderr, new RegExp(`port ${port} is taken`));
  });

  await t.test('remove returns when its objects are elsewhere', async (t) => {
    first.place.write('photos', sampleBytes('photos', 4_000_000));
    await first.did('chunk', 'photos');
    const left = [first, barn, cellar];
    t.ok(
      [...cluster.copies(left).values()].some((count) => count < 3),
      'some need den',
    );
    const objects = cluster.copies(cluster.nodes);
    await first.did('peers', 'remove', 'den');
    const copies = cluster.copies(left);
    t.same(
      [...objects.keys()].filter((id) => (copies.get(id) ?? 0) < 3),
      [],
    );
    t.equal((await first.peers()).length, 3);
    t.equal((await first.run('peers', 'ping', 'den')).status, 4);
  });

  await t.test('a removed node is refused at once, also on a socket that is open', async (t) => {
    const folder = join(cellar.place.home, 'node');
    const [key, cert, ca] = ['key.pem', 'certificate.pem', 'ca.pem'].map((name) =>
      readFileSync(join(folder, name)),
    );
    const socket = connect({
      host: '127.0.0.1',
      port: barn.port,
      ...{ key, cert, ca, checkServerIdentity: () => undefined },
    });
    t.teardown(() => socket.destroy());
    let heard = '';
    socket.on('data', (part) => {
      heard += part;
    });
    socket.on('error', () => {});
    const ask = (): boolean =>
      socket.write('POST /register HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}');
    ask();
    await cluster.until('a member is answered', () => /^HTTP\/1\.1 200 /.test(heard));
    heard = '';
    await cellar.kill();
    await first.did('peers', 'remove', '--force', 'cellar');
    await cluster.until('its socket is of no use', () => {
      if (!socket.destroyed) ask();
      return socket.destroyed || /^HTTP\/1\.1 403 /.test(heard);
    });
    t.notMatch(heard, /HTTP\/1\.1 200/);
    await cellar.serve();
    for (const words of [['peers'], ['peers', 'ping'], ['peers', 'ping', barn.id]]) {
      const { status, stdout, stderr } = await cellar.run(...words);
      t.equal(status, 21, `${words.join(' ')}: ${stderr}`);
      t.match(stderr, /this node was removed from the cluster/);
      t.match(stdout, /refuse/);
    }
    t.ok(den.isUp, 'the drained one still runs, alone');
  });
});
