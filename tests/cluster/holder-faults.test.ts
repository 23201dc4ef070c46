// What happens to a bucket behind our back: other bytes, engines that die, listings that lag.
// Sources: src/ops/holders/tend-holder.ts, scrub-holder.ts, src/ops/copies/replicate.ts, delete-on-peers.ts.
import t from 'tap';
import { oneJson } from '../cli/command.js';
import { listingWithout, startProxy } from '../store/faulty-proxy.js';
import { TestCluster } from './cluster.js';
import { until } from './node.js';
import { chunked, limits, onCeph, SMALL, whole, write } from './on-ceph.js';

const SLOW = ['--limit-upload', '4M'];

await onCeph('a bucket that things happen to', ({ ceph, bucketFor, add }) => {
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
    await first.stop(); // it would make them whole while they are counted
    await bucket.put(replaced, Buffer.alloc((await bucket.get(replaced)).byteLength, 7));
    await bucket.put(cut, (await bucket.get(cut)).subarray(0, 1000));
    await bucket.remove(deleted);
    t.equal((await bucket.wrong()).length, 2);
    await first.serve();
    await cluster.until(
      'the bucket is whole',
      async () => (await bucket.keys()).includes(deleted) && (await bucket.wrong()).length === 0,
      60_000,
    );
    // What was cut is seen by its length, or read first, whichever comes before the other.
    const read = () => first.log.match(/was damaged there; it is whole again/g)?.length ?? 0;
    const listed = () =>
      Number(/(\d+) objects are gone or cut; they are sent again/.exec(first.log)?.[1] ?? 0);
    await until('all are told of', () => read() >= 1 && listed() >= 1 && read() + listed() >= 3);
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
});

function isListing(request: string): boolean {
  return request.includes('list-type=2');
}
