// Connections whose other end vanishes without a word, half open for ever. Sources: src/net/peer-exchange.ts,
// peer-channel.ts, src/ops/copies/replicate.ts, peer-source.ts.
import { rmSync } from 'node:fs';
import t from 'tap';
import { oneJson } from '../cli/command.js';
import { sampleBytes } from '../ops/sample-bytes.js';
import { TestCluster } from './cluster.js';
import { skipNetwork, VirtualNetwork } from './virtual-network.js';

/** Longer than a peer may be silent. */
const PATIENT = { hangMs: 100_000 };
const QUIET = ['--json', '-v'];

t.test('peers that vanish in mid-transfer', { skip: skipNetwork, timeout: 280_000 }, async (t) => {
  const network = await VirtualNetwork.open(t, 4);
  const cluster = await TestCluster.start(t, { nodes: 4, setup: (index) => network.setup(index) });
  const { first } = cluster;
  const bytes = sampleBytes('long', 6_000_000);
  first.place.write('long', bytes);
  let id = '';

  await t.test('the next in rank takes the copies of one that vanished', async (t) => {
    const running = first.startWith(PATIENT, ...QUIET, 'chunk', 'long', '--limit-upload', '6M');
    await cluster.until('bytes are on their way', () => /"sentBytes":[1-9]/.test(running.said()));
    await network.divide([0, 2, 3], [1]);
    const { status, stdout, stderr, seconds } = await running.outcome;
    t.equal(status, 0, stderr);
    t.ok(seconds < 50, `${seconds} s`);
    t.match(oneJson(stdout), { copies: { wanted: 3, confirmed: 3 }, degraded: false });
    id = String(oneJson(stdout).id);
    await network.heal();
  });

  await t.test('a reader goes on with the others', async (t) => {
    await first.stop();
    for (const object of first.objects()) rmSync(first.objectFile(object));
    const words = [...QUIET, 'reassemble', id, '-o', 'back', '--limit-download', '3M'];
    const running = first.startWith(PATIENT, ...words);
    await cluster.until('bytes come in', () => /"fetchedBytes":[1-9]/.test(running.said()));
    await network.divide([0, 1, 2], [3]);
    const { status, stderr, seconds } = await running.outcome;
    t.equal(status, 0, stderr);
    t.ok(seconds < 30, `${seconds} s: a rival is asked long before the silent one is given up`);
    t.ok(first.place.read('back').equals(bytes));
  });

  await t.test('the others miss it soon, and it is back soon', async (t) => {
    await cluster.until('it is missed', () => /\(den\) is offline/.test(cluster.node(2).log));
    await network.heal();
    await cluster.until('it is back', () => /\(den\) is online/.test(cluster.node(2).log));
    t.equal((await cluster.node(3).stop()).status, 0, 'and ends cleanly');
  });
});
