// Machines that share a vault and a bucket, none of them serving. Sources: src/ops/holders/add-holder.ts,
// src/ops/copies/delete-on-peers.ts, src/ops/recover/recover-store.ts, src/store/s3-store.ts.
import t from 'tap';
import { type BucketLocation, parseStoreUrl } from '../../src/store/store-url.js';
import { ID_LINE } from '../cli/command.js';
import { emptyPlace, type Place, placeWithVault } from '../cli/place.js';
import { sampleBytes } from '../ops/sample-bytes.js';
import type { TestBucket } from './bucket.js';
import { TestNode } from './node.js';
import { limits, onCeph, write } from './on-ceph.js';

function deletion(effect: 'Allow' | 'Deny', { url }: TestBucket) {
  const bucket = parseStoreUrl(url) as BucketLocation;
  const statement = {
    Effect: effect,
    Principal: '*',
    Action: ['s3:DeleteObject'],
    Resource: [`arn:aws:s3:::${bucket.bucket}/*`],
  };
  return { Version: '2012-10-17', Statement: [statement] };
}

await onCeph('machines that share a bucket', ({ ceph, bucketFor, add }) => {
  t.test('three writers of one vault on one bucket at once lose nothing', limits, async (t) => {
    const make = (place: Place) => new TestNode({ name: 'writer', place });
    const first = make(await placeWithVault(t));
    const bucket = await bucketFor(t, 'writers');
    await add(first, bucket);
    write(first, 'seed', 10_000);
    await first.did('chunk', 'seed');
    const writers = [first];
    for (const _ of [1, 2]) {
      const node = make(emptyPlace(t));
      const recovered = await node.runWith(
        { env: { ...ceph.environment, DISKTRO_PASSWORD: first.place.code } },
        ...['recover', '--from', bucket.url],
      );
      t.equal(recovered.status, 0, recovered.stderr);
      writers.push(node);
    }
    const secret = { env: { DISKTRO_PASSWORD: first.place.code } };
    const shared = sampleBytes('shared by all', 600_000);
    const runs = await Promise.all(
      writers.flatMap((node, index) =>
        [0, 1].map(async (turn) => {
          const name = `file ${index} ${turn}`;
          const bytes = Buffer.concat([shared, sampleBytes(name, 200_000)]);
          node.place.write(name, bytes);
          const { status, stdout, stderr } = await node.runWith(secret, 'chunk', name);
          t.equal(status, 0, stderr);
          t.match(stdout, ID_LINE);
          return { name, bytes };
        }),
      ),
    );
    t.same(await bucket.wrong(), []);
    const there = (await bucket.keys()).flatMap((key) => /[0-9a-f]{64}$/.exec(key)?.[0] ?? []);
    t.equal(new Set(there).size, there.length, 'no object lies there twice');
    const fresh = make(emptyPlace(t));
    const recovered = await fresh.runWith(
      { env: { ...ceph.environment, ...secret.env } },
      'recover',
      '--from',
      bucket.url,
    );
    t.equal(recovered.status, 0, recovered.stderr);
    for (const { name, bytes } of runs) {
      const { status, stderr } = await fresh.runWith(secret, 'reassemble', name, '-o', 'back', '--force');
      t.equal(status, 0, stderr);
      t.ok(fresh.place.read('back').equals(bytes), name);
    }
    await first.did('chunk', 'file 0 1', '--name', 'again');
    t.equal((await bucket.objects()).size, there.length + 1, 'what a machine has costs it a manifest only');
  });

  t.test(
    'gc deletes in the bucket what no file needs, and keeps and tells of what is locked',
    limits,
    async (t) => {
      const first = new TestNode({ name: 'collector', place: await placeWithVault(t) });
      const bucket = await bucketFor(t, 'collected');
      await add(first, bucket);
      write(first, 'kept', 100_000);
      write(first, 'removed', 300_000);
      await first.did('chunk', 'kept');
      const kept = await bucket.objects();
      const id = await first.did('chunk', 'removed');
      await first.did('rm', id);
      await bucket.policy(deletion('Deny', bucket));
      const locked = await first.run('gc', '--grace', '0');
      t.equal(locked.status, 0, locked.stderr);
      t.match(locked.stderr, /did not hear what to delete/);
      t.ok((await bucket.objects()).size > kept.size, 'what is locked is kept');
      await bucket.policy(deletion('Allow', bucket));
      const done = await first.run('gc', '--grace', '0');
      t.notMatch(done.stderr, /did not hear/);
      t.same(await bucket.objects(), kept);
    },
  );
});
