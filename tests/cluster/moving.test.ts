// Nodes that are somewhere else than they were: one that gets another address while it runs, all of them at once. Sources:
// src/server/own-record.ts, running-node.ts, discovery.ts, src/net/mdns.ts, membership.ts.
import t from 'tap';
import { oneJson } from '../cli/command.js';
import { sampleBytes } from '../ops/sample-bytes.js';
import { TestCluster } from './cluster.js';
import { skipNetwork, VirtualNetwork } from './virtual-network.js';

t.test('addresses that change', { skip: skipNetwork, timeout: 280_000 }, async (t) => {
  const network = await VirtualNetwork.open(t, 3);
  const cluster = await TestCluster.start(t, { setup: (index) => network.setup(index) });
  const { first } = cluster;
  const barn = cluster.node(1);

  await t.test('a node with a new address is found by the others while it runs', async (t) => {
    network.move(1, '10.77.0.2', '10.77.0.52');
    barn.host = '10.77.0.52';
    await cluster.until('all have its new record', () =>
      cluster.nodes.every((node) => node.addressesOf(barn.id).includes(barn.address)),
    );
    await Promise.all(cluster.nodes.map((node) => node.sees(3)));
    first.place.write('photos', sampleBytes('photos', 500_000));
    t.match(oneJson(await first.did('--json', 'chunk', 'photos')), { copies: { confirmed: 3 } });
    t.notOk(
      first.addressesOf(barn.id).some((address) => address.startsWith('10.77.0.2:')),
      'the old one is gone',
    );
  });

  await t.test('all are elsewhere at once: mDNS brings them together again', async (t) => {
    await Promise.all(cluster.nodes.map((node) => node.stop()));
    for (const [index, node] of cluster.nodes.entries()) {
      network.move(index, node.host, `10.77.0.${100 + index}`);
      node.host = `10.77.0.${100 + index}`;
    }
    await Promise.all(cluster.nodes.map((node) => node.serve('--port', '0')));
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    t.notMatch(
      await first.peers(),
      [{ status: 'online' }, { status: 'online' }, { self: true }],
      'lost without it',
    );
    await Promise.all(cluster.nodes.map((node) => node.stop()));
    for (const node of cluster.nodes) node.place.env.DISKTRO_MDNS = 'true';
    await Promise.all(cluster.nodes.map((node) => node.serve('--port', '0')));
    await Promise.all(cluster.nodes.map((node) => node.sees(3)));
    t.match(cluster.nodes.map(({ log }) => log).join(''), /found at 10\.77\.0\.10\d:\d+/);
  });
});
