// A network that falls in two and grows together. Sources: src/ops/copies/repair.ts, replicate.ts, import-manifests.ts,
// src/net/liveness.ts.
import t from 'tap';
import { oneJson } from '../cli/command.js';
import { sampleBytes } from '../ops/sample-bytes.js';
import { TestCluster } from './cluster.js';
import { skipNetwork, VirtualNetwork } from './virtual-network.js';

t.test('a partition of two and two', { skip: skipNetwork, timeout: 280_000 }, async (t) => {
  const network = await VirtualNetwork.open(t, 4);
  const cluster = await TestCluster.start(t, { nodes: 3, setup: (index) => network.setup(index) });
  const { first } = cluster;
  const files = new Map<string, Buffer>();
  const chunk = async (node: typeof first, name: string) => {
    const bytes = sampleBytes(name, 600_000);
    node.place.write(name, bytes);
    const { status, stdout, stderr, seconds } = await node.run('--json', 'chunk', name);
    t.equal(status, 0, stderr);
    t.ok(seconds < 40, `${name}: ${seconds} s`);
    files.set(String(oneJson(stdout).id), bytes);
    return oneJson(stdout);
  };

  t.match(await chunk(first, 'before'), { degraded: false, copies: { confirmed: 3 } });
  // A second machine of the same vault, on the other side.
  const other = await cluster.make();
  other.place.env.DISKTRO_PASSWORD = first.place.code;
  await other.did('recover', '--from', first.address);
  await other.serve();
  await cluster.allKnown();

  await t.test('both halves take chunks, and say how few copies there are', async (t) => {
    await network.divide([0, 1], [2, 3]);
    // At once, when nobody has missed anybody yet.
    t.match(await chunk(first, 'left'), { copies: { confirmed: 2 }, degraded: true });
    t.match(await chunk(other, 'right'), { copies: { confirmed: 2 }, degraded: true });
    await cluster.until('each half misses the other', () =>
      [cluster.node(1), cluster.node(3)].every(
        ({ log }) => (log.match(/\((attic|barn|cellar|den)\) is offline/g) ?? []).length >= 2,
      ),
    );
    t.match(await chunk(first, 'left again'), { copies: { confirmed: 2 } });
  });

  await t.test('when it heals, three copies of all, and each half has the files of both', async (t) => {
    const before = cluster.copies(cluster.nodes);
    await network.heal();
    await cluster.copiesReach(3, before.keys(), 60_000);
    for (const node of [first, other]) {
      await node.did('repair');
      for (const [id, bytes] of files) {
        const back = await node.run('reassemble', id, '-o', '-');
        t.ok(back.bytes.equals(bytes), `${node.name}: ${back.stderr}`);
      }
    }
  });
});
