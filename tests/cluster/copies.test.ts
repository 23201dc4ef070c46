// Copies on three nodes: made, counted, missed, made again elsewhere. Sources: src/ops/copies/replicate.ts, repair.ts.
import { rmSync } from 'node:fs';
import t from 'tap';
import { ID_LINE, oneJson } from '../cli/command.js';
import { sampleBytes } from '../ops/sample-bytes.js';
import { onWindows } from '../skip.js';
import { TestCluster } from './cluster.js';
import type { TestNode } from './node.js';

const skip = onWindows;

function write(node: TestNode, name: string, length: number): Buffer {
  const bytes = sampleBytes(name, length);
  node.place.write(name, bytes);
  return bytes;
}

t.test(
  'three nodes keep three copies, one after another being away',
  { skip, timeout: 280_000 },
  async (t) => {
    const cluster = await TestCluster.start(t);
    const { first } = cluster;
    const third = cluster.node(2);

    await t.test('chunk puts every object on three nodes before it returns', async (t) => {
      write(first, 'photos', 3_000_000);
      const { status, stdout, stderr } = await first.run('chunk', 'photos');
      t.equal(status, 0, stderr);
      t.match(stdout, ID_LINE);
      const copies = cluster.copies();
      t.ok(copies.size > 20, `${copies.size} objects`);
      t.same([...new Set(copies.values())], [3]);
      t.match(oneJson(await first.did('--json', 'ls')), { copies: 3 });
      const sent = oneJson(await first.did('--json', 'chunk', '--force', 'photos'));
      t.match(sent, { copies: { wanted: 3, confirmed: 3 }, newChunks: 0 }, 'what is there is not sent again');
    });

    await t.test('with one of three down it goes on, says so, and obeys min_replicas', async (t) => {
      await third.kill();
      write(first, 'one-down', 500_000);
      const { status, stdout, stderr } = await first.run('--json', 'chunk', 'one-down');
      t.equal(status, 0, stderr);
      t.match(oneJson(stdout), { degraded: true, copies: { wanted: 3, confirmed: 2 } });
      t.match(stderr, /cellar/, 'names the node that did not take its copies');
      write(first, 'strict', 200_000);
      const strict = await first.runWith({ env: { DISKTRO_MIN_REPLICAS: '3' } }, 'chunk', 'strict');
      t.equal(strict.status, 3, strict.stderr);
      t.match(strict.stdout, ID_LINE, 'the file is stored all the same');
      t.match(strict.stderr, /expected at least 3 copies, 2 confirmed/);
    });

    await t.test('a node that comes back gets what it lacks', async (t) => {
      const lacked = [...first.objects()].filter((id) => !third.objects().has(id));
      t.ok(lacked.length > 5);
      await third.serve();
      await cluster.copiesReach(3, first.objects());
      t.pass();
    });
  },
);

t.test('four nodes, of which one goes', { skip, timeout: 280_000 }, async (t) => {
  const cluster = await TestCluster.start(t, { nodes: 4, env: { DISKTRO_REPAIR_GRACE: '12' } });
  const { first } = cluster;
  write(first, 'photos', 3_000_000);
  const id = await first.did('chunk', 'photos');
  const before = cluster.copies();
  t.ok(Math.min(...before.values()) >= 3);
  // The node that chunked keeps its own: where it is no holder, the holders make a fourth copy in time.
  await cluster.settled();
  const [, second, third, fourth] = cluster.nodes as [TestNode, TestNode, TestNode, TestNode];

  await t.test('an absence shorter than the grace moves nothing', async (t) => {
    const held = cluster.nodes.map((node) => [...node.objects()].sort());
    await third.kill();
    await cluster.until('it is missed', () => /\(cellar\) is offline/.test(second.log));
    await third.serve();
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    t.same(
      cluster.nodes.map((node) => [...node.objects()].sort()),
      held,
    );
  });

  await t.test('after the grace the others make its copies, and one that is left restores', async (t) => {
    t.ok(third.objects().size > 0 && fourth.objects().size < before.size, 'not all is on all');
    await third.kill();
    await cluster.copiesReach(3, before.keys(), 60_000);
    await Promise.all([first.kill(), second.kill()]);
    for (const object of first.objects()) rmSync(first.objectFile(object));
    const back = await first.run('--json', 'reassemble', id, '-o', 'back');
    t.equal(back.status, 0, back.stderr);
    t.ok(first.place.read('back').equals(first.place.read('photos')));
    t.ok(Number(oneJson(back.stdout).fetchedFromPeers) >= before.size - 1, 'all of it from the fourth');
  });

  await t.test('a node that finds its own objects gone gets them back', async (t) => {
    await Promise.all([first.serve(), second.serve()]);
    await cluster.until('all objects are there', () =>
      [...before.keys()].every((each) => first.objects().has(each)),
    );
    const { status, stdout } = await first.run('--json', 'verify', '--read-data');
    t.equal(status, 0);
    t.match(oneJson(stdout), { corrupt: [], missing: [] });
  });
});
