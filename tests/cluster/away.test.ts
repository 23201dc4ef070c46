// What is said when nodes are away: who, what it costs, and what to do. Sources: src/ops/read/read-failure.ts,
// src/ops/copies/peer-source.ts, src/ops/cluster/contact.ts, src/ops/home/status.ts, src/ops/cluster/remove-node.ts,
// src/cli/commands/verify.ts, peers-list.ts, info.ts.
import { rmSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import t from 'tap';
import { oneJson } from '../cli/command.js';
import { sampleBytes } from '../ops/sample-bytes.js';
import { TestCluster } from './cluster.js';

t.test('nodes of one name that are away', { timeout: 280_000 }, async (t) => {
  const cluster = await TestCluster.start(t, {
    env: { DISKTRO_REPAIR_GRACE: '3600' },
    setup: (index) => (index === 0 ? {} : { env: { DISKTRO_NODE_NAME: 'vm' } }),
  });
  const { first, nodes } = cluster;
  const [, second, third] = nodes;
  first.place.write('photos', sampleBytes('photos', 1_500_000));
  const id = await first.did('chunk', 'photos');
  const both = nodes
    .slice(1)
    .map((node) => `vm ${node.id.slice(0, 8)}`)
    .sort();
  let killedMs = 0;

  await t.test('are told apart, and an ambiguous name says between whom', async (t) => {
    const info = await first.did('info', id);
    for (const name of both) t.ok(info.includes(name), name);
    const vague = await first.run('peers', 'ping', 'vm');
    t.equal(vague.status, 4);
    for (const name of both) t.ok(vague.stderr.includes(name), name);
  });

  await t.test('verify names the file and points to repair before storing it again', async (t) => {
    await first.stop(); // it would fetch the object before verify looks
    const [lost = ''] = first.objects();
    rmSync(first.objectFile(lost));
    const { status, stderr } = await first.run('verify');
    t.equal(status, 14);
    t.match(stderr, /^disktro: hint: run `disktro repair`: .*; else chunk the files again/m);
    t.match(stderr, new RegExp(`^file ${id} \\(photos\\) is hit$`, 'm'));
    await first.serve();
    await first.did('repair');
    t.equal((await first.run('verify')).status, 0);
  });

  await t.test('peers says offline of who does not answer three times, as serve does', async (t) => {
    // So that what was written down when the cluster came together is old.
    await pause(7_000);
    await second?.kill();
    killedMs = Date.now();
    const shown = (await first.peers()).find((peer) => peer.id === second?.id);
    t.equal(shown?.status, 'offline');
  });

  await t.test('status counts the copies of who was there within the grace, and no others', async (t) => {
    const seenMs = async (): Promise<number> => {
      const shown = (await first.peers()).find((peer) => peer.id === second?.id);
      return Date.parse(String(shown?.lastSeen));
    };
    await cluster.until('it is noted when it was last seen', async () => (await seenMs()) > killedMs - 5_000);
    t.ok((await seenMs()) <= killedMs);
    t.match(oneJson(await first.did('--json', 'status')), { degradedObjects: 0 });
    const later = await first.runWith({ env: { DISKTRO_REPAIR_GRACE: '1' } }, '--json', 'status');
    t.match(oneJson(later.stdout), { degradedObjects: first.objects().size });
  });

  await t.test('reassemble tells how much is not here and who is away, with status 20', async (t) => {
    await third?.kill();
    await first.stop();
    const objects = [...first.objects()];
    for (const object of objects) rmSync(first.objectFile(object));
    const { status, stderr } = await first.run('reassemble', id, '-o', 'back');
    t.equal(status, 20);
    t.match(stderr, `${objects.length} objects are not here, and ${both.join(', ')} are out of reach`);
    t.notOk(first.place.has('back'));
  });

  await t.test('remove says at once when too few others are up to take over, with status 3', async (t) => {
    await second?.serve();
    // What it alone has: the others are down when it is stored.
    await second?.did('init', '--recovery-file', second.place.path('code'));
    second?.place.write('own', sampleBytes('own', 300_000));
    await second?.run('chunk', 'own');
    const { status, stderr, seconds } = await first.run('peers', 'remove', second?.id ?? '');
    t.equal(status, 3, stderr);
    t.match(stderr, /objects of vm \w{8} want 2 copies elsewhere, and 0 of 2 other nodes are up/);
    t.ok(seconds < 50, 'it does not wait');
    t.match(await second?.did('peers'), /this node {2,}\d/, 'and the node goes on as before');
  });
});
