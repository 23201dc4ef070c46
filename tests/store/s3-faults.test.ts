// A bucket behind a bad network and a busy engine. Sources: src/store/s3-client.ts, s3-connection.ts, s3-store.ts.
import type { Test } from 'tap';
import t from 'tap';
import { S3Store } from '../../src/store/s3-store.js';
import { Ceph, cephMissing } from './ceph.js';
import { type FaultyProxy, listingWithout, startProxy } from './faulty-proxy.js';
import { sampleObject } from './object-store-contract.js';

const skip = cephMissing();
if (skip === false) {
  const ceph = await Ceph.start();
  t.teardown(() => ceph.stop());
  let buckets = 0;

  const open = async (
    t: Test,
    patience: ConstructorParameters<typeof S3Store>[2] = { firstPauseMs: 10, retryForMs: 10_000 },
  ): Promise<{ store: S3Store; direct: S3Store; proxy: FaultyProxy }> => {
    const location = await ceph.makeBucket(`faulty-${buckets++}`);
    const proxy = await startProxy(t, ceph.host);
    const store = new S3Store({ ...location, host: proxy.host }, ceph.keys, patience);
    const direct = new S3Store(location, ceph.keys);
    t.teardown(() => {
      for (const each of [store, direct]) each.close();
    });
    return { store, direct, proxy };
  };

  t.test('a storm of 503 and 429 is outlasted', async (t) => {
    const { store, direct, proxy } = await open(t);
    let refused = 0;
    proxy.fault = ({ count }) => {
      if (count % 3 === 0) return undefined;
      refused++;
      return {
        type: 'answer',
        status: count % 2 === 0 ? 503 : 429,
        body: '<Error><Code>SlowDown</Code></Error>',
      };
    };
    const objects = Array.from({ length: 20 }, (_, seed) => sampleObject(`storm ${seed}`, 10_000));
    await Promise.all(objects.map(({ id, bytes }) => store.put('chunk', id, bytes)));
    t.ok(refused >= 20, `${refused} requests were refused`);
    t.equal((await store.list('chunk')).length, 20);
    for (const { id, bytes } of objects) t.ok((await direct.get('chunk', id)).equals(bytes));
  });

  t.test('a storm that does not end is an error that says so, in time', async (t) => {
    const { store, proxy } = await open(t, { firstPauseMs: 10, retryForMs: 500 });
    proxy.fault = () => ({ type: 'answer', status: 503, body: '<Error><Code>SlowDown</Code></Error>' });
    const startedMs = performance.now();
    await t.rejects(store.list('chunk'), { code: 'E_PEER_UNREACHABLE', message: /SlowDown/ });
    t.ok(performance.now() - startedMs < 5_000);
    t.ok(proxy.seen().length > 2, 'it was tried more than once');
  });

  t.test('an answer that is cut in the middle is read again, never taken for a short object', async (t) => {
    const { store, proxy } = await open(t);
    const { id, bytes } = sampleObject('cut answer', 500_000);
    await store.put('chunk', id, bytes);
    const before = proxy.seen().length;
    proxy.fault = ({ count }) =>
      count <= before + 2 ? { type: 'cut-answer', afterBytes: 200_000 } : undefined;
    const target = Buffer.alloc(600_000);
    t.equal(await store.read('chunk', id, target), 500_000);
    t.ok(target.subarray(0, 500_000).equals(bytes));
    t.equal(proxy.seen().length, before + 3);
  });

  t.test('an upload that is cut in the middle leaves nothing, and is sent again', async (t) => {
    const { store, direct, proxy } = await open(t);
    const { id, bytes } = sampleObject('cut upload', 2_000_000);
    proxy.fault = ({ count }) => (count <= 2 ? { type: 'cut-request', afterBytes: 100_000 } : undefined);
    t.equal(await store.put('chunk', id, bytes), true);
    t.ok((await direct.get('chunk', id)).equals(bytes));
  });

  t.test('an upload whose answer is lost is known the second time', async (t) => {
    const { store, direct, proxy } = await open(t);
    const { id, bytes } = sampleObject('lost answer', 20_000);
    proxy.fault = ({ count }) => (count === 1 ? { type: 'lose-answer' } : undefined);
    t.equal(await store.put('chunk', id, bytes), false);
    t.ok((await direct.get('chunk', id)).equals(bytes));
  });

  t.test('an engine that falls silent is given up after its time', async (t) => {
    const { store, proxy } = await open(t, { firstPauseMs: 10, retryForMs: 100, silenceMs: 200 });
    proxy.fault = () => ({ type: 'silence' });
    await t.rejects(store.list('chunk'), { code: 'E_PEER_UNREACHABLE', message: /ETIMEDOUT/ });
  });

  t.test('a call that is aborted ends at once, in a pause and in a request', async (t) => {
    const { store, proxy } = await open(t, { firstPauseMs: 20_000, mostPauseMs: 20_000, retryForMs: 60_000 });
    const { id } = sampleObject('abort');
    for (const fault of [{ type: 'silence' }, { type: 'answer', status: 503 }] as const) {
      proxy.fault = () => fault;
      const startedMs = performance.now();
      await t.rejects(store.read('chunk', id, Buffer.alloc(10), AbortSignal.timeout(100)), {
        code: 'E_ABORTED',
      });
      t.ok(performance.now() - startedMs < 2_000, fault.type);
    }
  });

  t.test('a clock that is wrong by hours is corrected by the answer', async (t) => {
    const { store, direct } = await open(t);
    const { id, bytes } = sampleObject('clock');
    const now = Date.now;
    Date.now = () => now() - 5 * 3_600_000;
    try {
      t.equal(await store.put('chunk', id, bytes), true);
    } finally {
      Date.now = now;
    }
    t.ok((await direct.get('chunk', id)).equals(bytes));
  });

  t.test('a wrong region, as AWS tells it, names the right one', async (t) => {
    const { store, proxy } = await open(t);
    const body =
      "<Error><Code>AuthorizationHeaderMalformed</Code><Message>the region 'us-east-1' is wrong</Message>" +
      '<Region>eu-central-1</Region></Error>';
    proxy.fault = () => ({ type: 'answer', status: 400, body });
    await t.rejects(store.list('chunk'), { code: 'E_PEER_REFUSED', hint: /region=eu-central-1/ });
    proxy.fault = () => ({ type: 'answer', status: 301, headers: { 'x-amz-bucket-region': 'eu-west-3' } });
    await t.rejects(store.list('chunk'), { code: 'E_PEER_REFUSED', hint: /region=eu-west-3/ });
  });

  t.test('an engine without conditional PUT is written to all the same', async (t) => {
    const { store, direct, proxy } = await open(t);
    let conditions = 0;
    proxy.fault = ({ method, count }) => {
      if (method !== 'PUT' || count > 1) return undefined;
      conditions++;
      return { type: 'answer', status: 501, body: '<Error><Code>NotImplemented</Code></Error>' };
    };
    for (const seed of [1, 2]) {
      const { id, bytes } = sampleObject(`no condition ${seed}`);
      t.equal(await store.put('chunk', id, bytes), true);
      t.equal(await store.put('chunk', id, bytes), false);
      t.ok((await direct.get('chunk', id)).equals(bytes));
    }
    t.equal(conditions, 1, 'it is asked once');
  });

  t.test('an engine that wants Content-MD5, as AWS does for locked objects, gets it', async (t) => {
    const { store, direct, proxy } = await open(t);
    const body =
      '<Error><Code>InvalidRequest</Code><Message>Content-MD5 OR x-amz-checksum- HTTP header is required for Put ' +
      'Object requests with Object Lock parameters</Message></Error>';
    let refused = 0;
    proxy.fault = ({ method, headers }) => {
      if (method !== 'PUT' || headers['content-md5'] !== undefined) return undefined;
      refused++;
      return { type: 'answer', status: 400, body };
    };
    for (const seed of [1, 2]) {
      const { id, bytes } = sampleObject(`md5 ${seed}`, 5_000);
      t.equal(await store.put('chunk', id, bytes), true);
      t.ok((await direct.get('chunk', id)).equals(bytes));
    }
    t.equal(refused, 1, 'it asks once');
    proxy.fault = () => ({ type: 'answer', status: 400, body });
    const { id, bytes } = sampleObject('md5 in vain');
    await t.rejects(store.put('chunk', id, bytes), { code: 'E_PEER_REFUSED', message: /Content-MD5/ });
  });

  t.test('bytes that are not those of the name are refused by the engine', async (t) => {
    const { direct } = await open(t);
    const { id, bytes } = sampleObject('changed on its way', 5_000);
    const other = Buffer.from(bytes);
    other[100] = (other[100] ?? 0) ^ 1;
    await t.rejects(direct.put('chunk', id, other), { code: 'E_PEER_REFUSED', message: /SHA256/ });
    t.same(await direct.sizes('chunk', [id]), [undefined], 'and are not kept');
  });

  t.test('a listing that is none, or has no end, is refused', async (t) => {
    const { store, proxy } = await open(t);
    const bodies = [
      '<html>a portal of a hotel</html>',
      '',
      '<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>',
      '<ListBucketResult><Contents><Key>x</Key></Contents></ListBucketResult>',
    ];
    for (const body of bodies) {
      proxy.fault = () => ({ type: 'answer', status: 200, body });
      await t.rejects(store.list('chunk'), { code: 'E_PEER_REFUSED' }, body.slice(0, 40));
    }
  });

  t.test('what a lagging listing does not show is there: it is deleted, and not stored twice', async (t) => {
    const { store, direct, proxy } = await open(t);
    const objects = Array.from({ length: 400 }, (_, seed) => sampleObject(`lag ${seed}`, 50));
    const ids = objects.map(({ id }) => id);
    const batch = direct.batch();
    for (const { id, bytes } of objects) await batch.write('chunk', id, bytes);
    await batch.commit();
    const [hidden, shown] = [ids.slice(0, 150), ids.slice(150)];
    proxy.fault = listingWithout((key) => hidden.some((id) => key.endsWith(id)));
    t.same(new Set((await store.list('chunk')).map(({ id }) => id)), new Set(shown), 'the listing lags');
    const absent = sampleObject('never there').id;
    t.same(
      await store.probe('chunk', [...ids, absent]),
      [...ids.map(() => 50), undefined],
      'each object by itself does not',
    );
    for (const { id, bytes } of objects.slice(0, 10)) t.equal(await store.put('chunk', id, bytes), false);
    const gone = [...hidden.slice(5), ...shown.slice(5), absent];
    t.equal(await store.delete('chunk', gone), gone.length - 1);
    const left = new Set([...hidden.slice(0, 5), ...shown.slice(0, 5)]);
    t.same(new Set((await direct.list('chunk')).map(({ id }) => id)), left);
  });

  t.test('a locked object is asked to go once, and keeps no other from going', async (t) => {
    const { store, direct, proxy } = await open(t);
    const objects = Array.from({ length: 20 }, (_, seed) => sampleObject(`locked ${seed}`, 50));
    for (const { id, bytes } of objects) await store.put('chunk', id, bytes);
    const ids = objects.map(({ id }) => id);
    const locked = ids.slice(0, 2).sort();
    let refused = 0;
    proxy.fault = ({ method, path }) => {
      if (method !== 'DELETE' || !locked.some((id) => path.endsWith(id))) return undefined;
      refused++;
      return { type: 'answer', status: 403, body: '<Error><Code>AccessDenied</Code></Error>' };
    };
    await t.rejects(store.delete('chunk', ids), { code: 'E_PEER_REFUSED', hint: /locked/ });
    t.equal(refused, 2);
    t.same(
      (await direct.list('chunk')).map(({ id }) => id),
      locked,
    );
  });

  t.test('a full store, however its engine says so, is full: nothing is tried again', async (t) => {
    const { store, proxy } = await open(t);
    const { id, bytes } = sampleObject('full');
    const answers = [
      [403, '<Error><Code>QuotaExceeded</Code></Error>'],
      [507, ''],
      [413, '<Error><Code>StorageQuotaExceeded</Code></Error>'],
    ] as const;
    for (const [status, body] of answers) {
      const before = proxy.seen().length;
      proxy.fault = ({ method }) => (method === 'PUT' ? { type: 'answer', status, body } : undefined);
      await t.rejects(store.put('chunk', id, bytes), { code: 'E_NO_SPACE', hint: /quota/ }, `${status}`);
      t.equal(proxy.seen().length, before + 1);
    }
  });

  t.test('sizes of many ids cost a page for a thousand, of few ids one request each', async (t) => {
    const { store, direct, proxy } = await open(t);
    const objects = Array.from({ length: 1500 }, (_, seed) => sampleObject(`cost ${seed}`, 8));
    const batch = direct.batch();
    for (const { id, bytes } of objects) await batch.write('chunk', id, bytes);
    await batch.commit();
    const ids = objects.map(({ id }) => id);
    t.same(
      await store.sizes('chunk', ids),
      ids.map(() => 8),
    );
    t.ok(proxy.seen().length <= 20, `${proxy.seen().length} requests for 1,500 ids`);
    const before = proxy.seen().length;
    t.same(await store.sizes('chunk', ids.slice(0, 5)), [8, 8, 8, 8, 8]);
    t.equal(proxy.seen().length, before + 5);
    const absent = Array.from({ length: 1000 }, (_, seed) => sampleObject(`absent ${seed}`).id);
    t.ok((await store.sizes('chunk', absent)).every((size) => size === undefined));
    t.ok(proxy.seen().length <= before + 5 + 20, 'the same for ids that are not there');
  });
} else {
  t.test('a bucket behind a bad network', { skip }, async () => {});
}
