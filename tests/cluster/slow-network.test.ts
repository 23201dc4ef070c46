// 50 ms each way and two packets of a hundred lost: slow, not gone. Sources: src/net/peer-exchange.ts, liveness.ts,
// src/ops/copies/replicate.ts, peer-source.ts.
import { rmSync } from 'node:fs';
import t from 'tap';
import { oneJson } from '../cli/command.js';
import { sampleBytes } from '../ops/sample-bytes.js';
import { TestCluster } from './cluster.js';
import { skipNetwork, VirtualNetwork } from './virtual-network.js';

t.test('a slow network that loses packets', { skip: skipNetwork, timeout: 280_000 }, async (t) => {
  const network = await VirtualNetwork.open(t, 3);
  const cluster = await TestCluster.start(t, { setup: (index) => network.setup(index) });
  const { first } = cluster;
  const bytes = sampleBytes('photos', 1_500_000);
  first.place.write('photos', bytes);
  await network.tell({ delay_ms: 50, loss: 0.02 });
  const begin = cluster.nodes.map(({ log }) => log.length);

  const sent = await first.run('--json', 'chunk', 'photos');
  t.equal(sent.status, 0, sent.stderr);
  t.match(oneJson(sent.stdout), { copies: { wanted: 3, confirmed: 3 }, degraded: false });
  for (const object of first.objects()) rmSync(first.objectFile(object));
  const back = await first.run('--json', 'reassemble', String(oneJson(sent.stdout).id), '-o', 'back');
  t.equal(back.status, 0, back.stderr);
  t.ok(first.place.read('back').equals(bytes));
  t.ok(Number(oneJson(back.stdout).fetchedFromPeers) > 0);
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  for (const [index, node] of cluster.nodes.entries())
    t.notMatch(
      node.log.slice(begin[index]),
      /is (unreachable|offline)/,
      `${node.name} takes nobody for gone`,
    );
});
