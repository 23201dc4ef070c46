// A bucket that is all that is left, one that is away, and one that leaves. Sources: src/ops/recover/recover-store.ts,
// src/ops/holders/drain-holder.ts, tend-holder.ts, src/ops/copies/replicate.ts.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { oneJson } from '../cli/command.js';
import { TestCluster } from './cluster.js';
import type { TestNode } from './node.js';
import { limits, onCeph, write } from './on-ceph.js';

function loseHome(node: TestNode): void {
  rmSync(node.place.home, { recursive: true });
}

await onCeph('a bucket outlives both machines', ({ ceph, bucketFor, add }) => {
  t.test('a bucket outlives both machines', limits, async (t) => {
    const cluster = await TestCluster.start(t, { nodes: 2 });
    const [first, second] = cluster.nodes as [TestNode, TestNode];
    const bucket = await bucketFor(t, 'outlives');
    const id = await add(first, bucket, '--name', 'cloud', '--zone', 'cloud');
    write(first, 'photos', 2_000_000);
    await first.did('chunk', 'photos');

    await t.test('an engine that is down costs a copy until it is back', async (t) => {
      await ceph.killGateway();
      write(first, 'while down', 200_000);
      const { status, stdout, stderr } = await first.run('--json', 'chunk', 'while down');
      await ceph.startGateway();
      t.equal(status, 0, stderr);
      t.match(oneJson(stdout), { degraded: true, copies: { wanted: 3, confirmed: 2 } });
      t.match(stderr, /cloud/, 'names who did not take its copies');
      await cluster.until(
        'the bucket has it',
        async () => {
          const there = await bucket.objects();
          return [...first.objects()].every((object) => there.has(object));
        },
        100_000,
      );
      t.pass();
    });

    await t.test('both machines are lost, and everything comes back from the bucket', async (t) => {
      const names = ['photos', 'while down'];
      await Promise.all(cluster.nodes.map((node) => node.kill()));
      const kept = names.map((name) => first.place.read(name));
      for (const node of cluster.nodes) loseHome(node);
      const back = await first.runWith({ env: ceph.environment }, '--json', 'recover', '--from', bucket.url);
      t.equal(back.status, 0, back.stderr);
      t.match(oneJson(back.stdout), { files: 2, failed: [], unreachable: [], nodes: [id] });
      for (const [index, name] of names.entries()) {
        await first.did('reassemble', name, '-o', `${index}.back`);
        t.ok(first.place.read(`${index}.back`).equals(kept[index] as Buffer), name);
      }
      const wrong = await second.runWith(
        { env: { ...ceph.environment, DISKTRO_PASSWORD: 'no' } },
        'recover',
        '--from',
        bucket.url,
      );
      t.equal(wrong.status, 12, wrong.stderr);
    });

    await t.test('peers remove moves everything out first, and then lets go of it', async (t) => {
      const there = await bucket.objects();
      await first.did('peers', 'remove', 'cloud');
      const here = first.objects();
      t.same(
        [...there].filter((object) => !here.has(object)),
        [],
      );
      t.notOk((await first.peers()).some((peer) => peer.id === id));
      t.same((await bucket.objects()).size, there.size, 'nothing is deleted there');
      const known = JSON.parse(readFileSync(join(first.place.home, 'node', 'holders.json'), 'utf8'));
      t.same(known.holders, []);
    });
  });
});
