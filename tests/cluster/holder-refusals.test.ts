// A bucket that refuses: it is full, closed, elsewhere, busy or locked. Sources: src/ops/copies/replicate.ts,
// src/ops/holders/tend-holder.ts, add-holder.ts, src/ops/copies/delete-on-peers.ts, src/store/s3-client.ts,
// s3-errors.ts.
import t from 'tap';
import { oneJson } from '../cli/command.js';
import { placeWithVault } from '../cli/place.js';
import { type Fault, startProxy } from '../store/faulty-proxy.js';
import { TestCluster } from './cluster.js';
import { TestNode } from './node.js';
import { chunked, limits, onCeph, SMALL, whole, write } from './on-ceph.js';
import { clockMissing, wrongClock } from './wrong-clock.js';

await onCeph('a bucket that refuses', ({ ceph, bucketFor, add, user }) => {
  t.test('a bucket that is full or closed costs a copy, says why, and is fed later', limits, async (t) => {
    const cluster = await TestCluster.start(t, SMALL);
    const { first } = cluster;
    const bucket = await bucketFor(t, 'full');
    const proxy = await startProxy(t, ceph.host);
    await add(first, { url: bucket.url.replace(ceph.host, proxy.host) }, '--name', 'cloud');
    const refusals: [string, Fault, RegExp][] = [
      ['quota', refusal(403, 'QuotaExceeded'), /quota/],
      ['no-space', refusal(507, ''), /quota/],
      ['read-only', refusal(403, 'AccessDenied'), /not permitted/],
      ['region', refusal(400, 'AuthorizationHeaderMalformed'), /not in this region/],
    ];
    for (const [name, fault, why] of refusals) {
      write(first, name, 50_000);
      proxy.fault = ({ method }) => (method === 'PUT' ? fault : undefined);
      const { result, stderr } = await chunked(first, name);
      t.match(result, { degraded: true, copies: { wanted: 3, confirmed: 2 } }, name);
      t.match(stderr, why, name);
      t.match(stderr, /cloud/, name);
      const repair = await first.run('repair');
      t.match(repair.stderr, why, `${name}: repair says so too`);
      await first.did('reassemble', name, '-o', 'back', '--force');
      proxy.fault = () => undefined;
      await whole(first, bucket);
      t.pass(`${name}: it is fed when it can be`);
    }

    await t.test('a storm of 503 costs time and no copy', async (t) => {
      let [refused, endMs] = [0, Number.POSITIVE_INFINITY];
      proxy.fault = ({ method }) => {
        // It begins with the first object and goes on for as long as an engine may need to restart.
        if (method === 'PUT' && refused === 0) endMs = Date.now() + 3_000;
        if (endMs === Number.POSITIVE_INFINITY || Date.now() > endMs) return undefined;
        refused++;
        return refusal(503, 'SlowDown');
      };
      write(first, 'storm', 1_000_000);
      const { result } = await chunked(first, 'storm');
      proxy.fault = () => undefined;
      t.match(result, { degraded: false, copies: { wanted: 3, confirmed: 3 } });
      t.ok(refused > 5, `${refused} requests were refused`);
    });

    await t.test('a clock that is an hour wrong costs no copy', { skip: clockMissing }, async (t) => {
      write(first, 'late', 100_000);
      for (const offset of ['+1h', '-1h']) {
        const env = wrongClock(offset);
        const { status, stdout, stderr } = await first.runWith({ env }, '--json', 'chunk', 'late');
        t.equal(status, 0, stderr);
        t.match(oneJson(stdout), { copies: { confirmed: 3 } }, offset);
      }
    });
  });

  t.test('a bucket that may only be read is no member, and the reason is told', limits, async (t) => {
    const node = new TestNode({ name: 'reader', place: await placeWithVault(t) });
    const bucket = await bucketFor(t, 'read-only');
    const env = await user('reader');
    const name = bucket.url.replace(/.*\/([^/?]*)\?.*/, '$1');
    const statement = {
      Effect: 'Allow',
      Principal: { AWS: ['arn:aws:iam:::user/reader'] },
      Action: ['s3:GetObject', 's3:ListBucket'],
      Resource: [`arn:aws:s3:::${name}`, `arn:aws:s3:::${name}/*`],
    };
    await bucket.policy({ Version: '2012-10-17', Statement: [statement] });
    const { status, stderr } = await node.runWith({ env }, 'peers', 'add', bucket.url);
    t.not(status, 0);
    t.match(stderr, /read-only/);
    t.same(await bucket.keys(), []);
    t.notOk((await node.run('peers')).stdout.includes('read-only'), 'and no member is left behind');
  });

  t.test('a bucket with object lock hides what is freed, keeps it, and takes it again', limits, async (t) => {
    const node = new TestNode({ name: 'collector', place: await placeWithVault(t) });
    const bucket = await bucketFor(t, 'locked', { 'x-amz-bucket-object-lock-enabled': 'true' });
    await bucket.lock();
    await add(node, bucket);
    write(node, 'kept', 100_000);
    await node.did('chunk', 'kept');
    const kept = await bucket.objects();
    write(node, 'freed', 200_000);
    const id = await node.did('chunk', 'freed');
    const all = await bucket.objects();
    await node.did('rm', id);
    for (const time of ['first', 'second']) {
      const gc = await node.run('gc', '--grace', '0');
      t.equal(gc.status, 0, gc.stderr);
      t.notMatch(gc.stderr, /did not hear/, `the ${time} time`);
      t.same(await bucket.objects(), kept);
    }
    const versions = await bucket.versions();
    t.ok(
      [...all].every((object) => versions.some((key) => key.endsWith(object))),
      'the engine has all of it still',
    );
    await node.did('chunk', 'freed');
    await whole(node, bucket);
    t.same(await bucket.wrong(), []);
  });
});

function refusal(status: number, code: string): Fault {
  return { type: 'answer', status, body: code === '' ? '' : `<Error><Code>${code}</Code></Error>` };
}
