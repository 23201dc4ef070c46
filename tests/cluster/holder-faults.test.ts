// What happens to a bucket behind our back: other bytes, engines that die, buckets that are full, closed or locked, clocks
// and listings that are wrong. Sources: src/ops/tend-holder.ts, scrub-holder.ts, replicate.ts, delete-on-peers.ts.
import t from 'tap';
import { oneJson } from '../cli/command.js';
import { placeWithVault } from '../cli/place.js';
import { type Fault, listingWithout, startProxy } from '../store/faulty-proxy.js';
import type { TestBucket } from './bucket.js';
import { TestCluster } from './cluster.js';
import { TestNode, until } from './node.js';
import { limits, onCeph, write } from './on-ceph.js';
import { clockMissing, wrongClock } from './wrong-clock.js';

const SLOW = ['--limit-upload', '4M'];
/** Many objects out of few bytes. */
const SMALL = { nodes: 2, env: { DISKTRO_CHUNK_SIZE: '65536' } };

/** Waits until everything that the node has is in the bucket. */
async function whole(node: TestNode, bucket: TestBucket): Promise<void> {
  const isThere = async (): Promise<boolean> => {
    const there = await bucket.objects();
    return [...node.objects()].every((id) => there.has(id));
  };
  await until(`the bucket has all of ${node.name}`, isThere, 60_000);
}

async function chunked(node: TestNode, ...words: string[]) {
  const { status, stdout, stderr } = await node.run('--json', 'chunk', ...words);
  if (status !== 0) throw new Error(`chunk: ${status} ${stderr}`);
  return { result: oneJson(stdout), stderr };
}

await onCeph('a bucket that things happen to', ({ ceph, bucketFor, add, user }) => {
  t.test('what is replaced, cut or deleted there is whole again', limits, async (t) => {
    const cluster = await TestCluster.start(t, SMALL);
    const { first } = cluster;
    const bucket = await bucketFor(t, 'tampered');
    await add(first, bucket, '--name', 'cloud');
    for (const name of ['a', 'b', 'c', 'd']) {
      write(first, name, 60_000);
      await first.did('chunk', name);
    }
    await whole(first, bucket);
    const keys = (await bucket.keys()).filter((key) => key.startsWith('chunks/'));
    const [replaced, cut, deleted] = keys as [string, string, string];
    await bucket.put(replaced, Buffer.alloc((await bucket.get(replaced)).byteLength, 7));
    await bucket.put(cut, (await bucket.get(cut)).subarray(0, 1000));
    await bucket.remove(deleted);
    t.equal((await bucket.wrong()).length, 2);
    await first.restart();
    await cluster.until(
      'the bucket is whole',
      async () => (await bucket.keys()).includes(deleted) && (await bucket.wrong()).length === 0,
      60_000,
    );
    const healed = () => first.log.match(/was damaged there; it is whole again/g)?.length;
    await until('both are told of', () => healed() === 2);
    t.match(first.log, /1 objects are gone; they are sent again/);
  });

  t.test('an engine that is killed during chunk, and during repair, loses nothing', limits, async (t) => {
    const cluster = await TestCluster.start(t, SMALL);
    const { first } = cluster;
    const bucket = await bucketFor(t, 'killed');
    await add(first, bucket, '--name', 'cloud');
    const bytes = write(first, 'film', 12_000_000);

    /** Runs a command, and kills the engine for a second when it has put so many objects there. */
    const withKill = async (objects: number, ...words: string[]): Promise<number> => {
      const running = first.startWith({ hangMs: 120_000 }, ...words);
      await until(`${objects} objects are there`, async () => (await bucket.objects()).size >= objects);
      t.equal(running.child.exitCode, null, `${words[0]} is under way`);
      await ceph.killGateway();
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      await ceph.startGateway();
      const { status, stderr } = await running.outcome;
      t.comment(stderr);
      return status;
    };

    t.equal(await withKill(10, 'chunk', ...SLOW, 'film'), 0);
    await whole(first, bucket);
    t.same(await bucket.wrong(), []);
    for (const key of await bucket.keys()) if (key.startsWith('chunks/')) await bucket.remove(key);
    await first.stop();
    first.place.env.DISKTRO_LIMIT_UPLOAD = '4M';
    await withKill(10, 'repair');
    delete first.place.env.DISKTRO_LIMIT_UPLOAD;
    await first.did('repair');
    await whole(first, bucket);
    t.same(await bucket.wrong(), []);
    await first.did('reassemble', 'film', '-o', 'back');
    t.ok(first.place.read('back').equals(bytes));
  });

  t.test('a listing that lags makes nothing lost, and keeps nothing that is freed', limits, async (t) => {
    const cluster = await TestCluster.start(t, SMALL);
    const { first } = cluster;
    const bucket = await bucketFor(t, 'lagging');
    const proxy = await startProxy(t, ceph.host);
    await add(first, { url: bucket.url.replace(ceph.host, proxy.host) }, '--name', 'cloud');
    write(first, 'kept', 900_000);
    await chunked(first, 'kept');
    const before = await bucket.objects();
    write(first, 'freed', 900_000);
    const { result } = await chunked(first, 'freed');
    t.match(result, { copies: { wanted: 3, confirmed: 3 } });
    const hidden = new Set([...(await bucket.objects())].filter((id, at) => !before.has(id) || at % 2 === 0));
    const lag = listingWithout((key) => hidden.has(key.slice(-64)));
    const puts: string[] = [];
    proxy.fault = (request) => {
      if (request.method === 'PUT' && /[0-9a-f]{64}$/.test(request.path)) puts.push(request.path);
      return lag(request);
    };
    const seen = proxy.seen().length;
    await first.restart();
    await until('the store was compared', () => proxy.seen().slice(seen).some(isListing));
    await first.did('repair');
    t.notMatch(first.log, /are gone/, 'nothing is taken for lost');
    t.same(puts, [], 'nor sent again');
    t.match(oneJson(await first.did('--json', 'status')), { degradedObjects: 0 });
    await first.did('rm', String(result.id));
    const { status, stderr } = await first.run('gc', '--grace', '0');
    t.equal(status, 0, stderr);
    t.same(await bucket.objects(), before, 'what is freed goes though no listing shows it, and nothing else');
  });

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

function isListing(request: string): boolean {
  return request.includes('list-type=2');
}
