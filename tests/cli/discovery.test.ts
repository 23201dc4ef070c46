// Nodes that have lost sight of each other and find each other again, and what they then tell of themselves: real
// processes on loopback. Sources: src/server/discovery.ts, src/net/mdns.ts, src/ops/home/status.ts,
// src/cli/commands/info.ts.
import t from 'tap';
import { TestCluster } from '../cluster/cluster.js';
import { sampleBytes } from '../ops/sample-bytes.js';
import { oneJson } from './command.js';
import { expectError } from './errors.js';

const MIB = 1024 * 1024;

t.test('two nodes, told of and lost', async (t) => {
  const cluster = await TestCluster.start(t, { nodes: 2, env: { DISKTRO_REPAIR_GRACE: '60' } });
  const [a, b] = [cluster.node(0), cluster.node(1)];
  a.place.write('file', sampleBytes('sent slowly', 3 * MIB));

  await t.test('a limit slows the copies, whose progress names the peer', async (t) => {
    const words = ['chunk', 'file', '--limit-upload', '2M', '--no-compress', '--json', '-v'];
    const { status, stderr, stdout, seconds } = await a.place.run(...words);
    t.equal(status, 0, stderr);
    t.ok(seconds > 1, `${seconds} s for 3 MiB at 2 MiB/s`);
    t.match(oneJson(stdout), { copies: { confirmed: 2 } });
    const events = stderr
      .split('\n')
      .flatMap((line) => (line.includes('"peers"') ? [JSON.parse(line).progress] : []));
    const last = events.at(-1);
    t.match(last, { label: 'file', sentBytes: Number, totalBytes: Number, peers: { barn: last?.sentBytes } });
    t.ok(last?.sentBytes >= 3 * MIB && last.sentBytes === last.totalBytes);
    t.ok(events.length > 1, `${events.length} events`);
    expectError(
      t,
      await a.place.run('chunk', 'file', '--limit-upload', '10MB'),
      { status: 2, message: /^--limit-upload: expected a number of bytes, such as/ },
      'a unit that is none',
    );
  });

  await t.test('status and info tell of both', async (t) => {
    const env = { DISKTRO_REPLICA_COUNT: '2' };
    const status = oneJson((await a.place.runWith({ env }, 'status', '--json')).stdout);
    t.match(status, { degradedObjects: 0, held: { objects: 0, bytes: 0 }, files: 1 });
    t.same(status.peers, { online: 1, unreachable: 0, offline: 0 });
    const served = await b.place.run('status', '--json');
    t.equal(served.status, 0, 'no vault and no password');
    const held = oneJson(served.stdout);
    t.match(held, { vaultId: null, files: 0, degradedObjects: 0, held: { objects: status.objects } });
    t.not(held.nodeId, status.nodeId);
    const info = oneJson((await a.place.run('info', 'file', '--json')).stdout);
    t.match(info, { copies: 2, holders: [{ name: 'barn', node: held.nodeId, objects: status.objects }] });
    t.match((await a.place.run('info', 'file')).stdout, /^nodes: +this node, barn$/m);
  });

  await t.test('what is fetched is told by peer', async (t) => {
    const { rmSync } = await import('node:fs');
    await a.stop(); // it would fetch them before anybody asks for the file
    for (const path of a.place.objects('chunks')) rmSync(path);
    const words = ['reassemble', 'file', '-o', 'back', '--json', '-v', '--limit-download', '3M'];
    const { status, stderr, seconds } = await a.place.run(...words);
    t.equal(status, 0, stderr);
    t.ok(a.place.read('back').equals(a.place.read('file')));
    t.ok(seconds > 0.7, `${seconds} s for 3 MiB at 3 MiB/s`);
    const last = stderr
      .split('\n')
      .flatMap((line) => (line.includes('"peers"') ? [JSON.parse(line).progress] : []));
    t.match(last.at(-1), { peers: { barn: last.at(-1)?.fetchedBytes }, bytes: 3 * MIB });
  });

  await t.test('both on other ports: no one finds the other, but for mDNS', async (t) => {
    await b.stop();
    a.place.env.DISKTRO_MDNS = 'true';
    b.place.env.DISKTRO_MDNS = 'true';
    await Promise.all([a.serve('--no-mdns', '--port', '0'), b.serve('--port', '0')]);
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    const alone = oneJson((await a.place.run('status', '--json')).stdout);
    t.same(
      alone.peers,
      { online: 0, unreachable: 0, offline: 1 },
      '--no-mdns looks for nobody and is not found',
    );
    await a.stop();
    await a.serve('--port', '0');
    await Promise.all([a.sees(2), b.sees(2)]);
    // Whoever hears the other first speaks to it, and then both know.
    t.match(a.log + b.log, /"DEBUG","message":"node \w{8} found at 127\.0\.0\.1:\d+/);
  });

  await t.test('an address from the configuration does as well', async (t) => {
    const stranger = await cluster.make();
    await Promise.all([a.stop(), b.stop(), stranger.serve()]);
    for (const { place } of [a, b]) place.env.DISKTRO_MDNS = 'false';
    await b.serve('--port', '0');
    const peers = [`127.0.0.1:1`, `localhost:${stranger.port}`, 'no address', `http://127.0.0.1:${b.port}`];
    a.place.env.DISKTRO_PEERS = peers.join(',');
    await a.serve('--port', '0');
    await a.sees(2);
    await a.stop();
    const said = a.log;
    t.match(said, /no peer at 127\.0\.0\.1:1: /);
    t.match(said, new RegExp(`no peer at localhost:${stranger.port}: `), 'a stranger is nobody');
    t.match(said, /no peer at no address: /);
    t.notMatch(said, /"WARNING","message":"looking/);
  });
});
