// A bucket in a cluster of real nodes: fed, counted, healed. Sources: src/ops/holders/tend-holder.ts, add-holder.ts,
// src/ops/copies/replicate.ts.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { oneJson } from '../cli/command.js';
import { TestCluster } from './cluster.js';
import { QUICK, type TestNode } from './node.js';
import { limits, onCeph, write } from './on-ceph.js';

await onCeph('a bucket in a cluster', ({ ceph, bucketFor, add }) => {
  t.test('two nodes and a bucket keep three copies, and the bucket heals', limits, async (t) => {
    const cluster = await TestCluster.start(t, { nodes: 2 });
    const [first, second] = cluster.nodes as [TestNode, TestNode];
    const bucket = await bucketFor(t, 'heals');
    write(first, 'before', 400_000);
    await first.did('chunk', 'before');
    const id = await add(first, bucket, '--name', 'cloud', '--zone', 'cloud');

    await t.test('what was stored before goes there by itself', async (t) => {
      await cluster.until('the bucket has it', async () => {
        const there = await bucket.objects();
        return [...first.objects()].every((object) => there.has(object));
      });
      t.match(
        await first.peers(),
        [{}, { id, name: 'cloud', kind: 'bucket', status: 'online', store: bucket.url }, {}].sort(),
      );
    });

    await t.test('chunk puts every object there before it returns, and counts it', async (t) => {
      write(first, 'photos', 2_000_000);
      const { status, stdout, stderr } = await first.run('--json', 'chunk', 'photos');
      t.equal(status, 0, stderr);
      t.match(oneJson(stdout), { copies: { wanted: 3, confirmed: 3 } });
      const there = await bucket.objects();
      t.ok([...first.objects()].every((object) => there.has(object)));
      t.same(await bucket.wrong(), []);
      t.ok(
        (await bucket.keys()).every((key) =>
          /^(chunks|manifests)\/([0-9a-f]{2})\/\2|^vault\/|^holder/.test(key),
        ),
      );
    });

    await t.test(
      'a node without keys says so once, and its files reach the bucket all the same',
      async (t) => {
        const place = second;
        write(place, 'from second', 300_000);
        const before = (await bucket.objects()).size;
        const own = { env: { ...QUICK, DISKTRO_PASSWORD: 'a vault of its own' }, mayShowCode: true };
        const { status, stderr } = await second.place.runWith(own, 'chunk', 'from second');
        t.equal(status, 0, stderr);
        await cluster.until('the bucket has what second holds', async () => {
          const there = await bucket.objects();
          return there.size > before && [...second.objects()].every((object) => there.has(object));
        });
        t.equal(second.log.match(/cloud cannot be used from here/g)?.length, 1);
        await cluster.until('second knows that it is there', async () => {
          const status = oneJson(await second.did('--json', 'status'));
          return status.degradedObjects === 0;
        });
      },
    );

    await t.test('an object that is deleted behind our back comes back', async (t) => {
      const gone = (await bucket.keys()).find((key) => key.startsWith('chunks/')) ?? '';
      await bucket.remove(gone);
      await first.did('repair');
      t.ok((await bucket.keys()).includes(gone));
      t.same(await bucket.wrong(), []);
    });

    await t.test('no key lies anywhere but in node/holders.json, which is private', async (t) => {
      const { secretAccessKey, accessKeyId } = ceph.keys;
      for (const node of cluster.nodes) {
        const files = readdirSync(node.place.home, { recursive: true, encoding: 'utf8' })
          .map((name) => join(node.place.home, name))
          .filter((file) => statSync(file).isFile());
        const holding = files.filter((file) => {
          const bytes = readFileSync(file);
          return bytes.includes(secretAccessKey) || bytes.includes(accessKeyId);
        });
        const expected = node === first ? [join(node.place.home, 'node', 'holders.json')] : [];
        t.same(holding, expected, node.name);
        for (const file of holding) t.equal(statSync(file).mode & 0o777, 0o600);
        t.notOk(node.log.includes(secretAccessKey) || node.log.includes(accessKeyId));
      }
      for (const key of await bucket.keys()) {
        if (/^(vault|holder)/.test(key)) t.notMatch(String(await bucket.get(key)), secretAccessKey);
      }
    });
  });
});
