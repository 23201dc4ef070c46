// A bucket as a holder, on a real engine: Ceph's radosgw. Sources: src/store/s3-store.ts, s3-client.ts.
import t from 'tap';
import { S3Client } from '../../src/store/s3-client.js';
import { S3Store } from '../../src/store/s3-store.js';
import type { BucketLocation } from '../../src/store/store-url.js';
import { testBucket, UNSIGNED } from './bucket-contract.js';
import { Ceph, cephMissing } from './ceph.js';
import { sampleObject } from './object-store-contract.js';

const skip = cephMissing();
if (skip === false) {
  const ceph = await Ceph.start();
  t.teardown(() => ceph.stop());
  let buckets = 0;
  const makeBucket = (): Promise<BucketLocation> => ceph.makeBucket(`bucket-${buckets++}`);

  testBucket('s3 on Ceph', ceph);

  t.test('a bucket whose quota is used up is full', async (t) => {
    const location = await makeBucket();
    const store = new S3Store(location, ceph.keys, { retryForMs: 0 });
    t.teardown(() => store.close());
    await ceph.admin(
      'quota',
      'set',
      '--quota-scope=bucket',
      `--bucket=${location.bucket}`,
      '--max-objects=2',
    );
    await ceph.admin('quota', 'enable', '--quota-scope=bucket', `--bucket=${location.bucket}`);
    const put = async (seed: number) => {
      const { id, bytes } = sampleObject(`quota ${seed}`);
      await store.put('chunk', id, bytes);
    };
    await put(1);
    await put(2);
    await t.rejects(put(3), { code: 'E_NO_SPACE', hint: /quota/ });
  });

  t.test('a bucket that may only be read gives objects and says why it takes none', async (t) => {
    const location = await makeBucket();
    const owner = new S3Store(location, ceph.keys);
    const { id, bytes } = sampleObject('read-only');
    await owner.put('chunk', id, bytes);
    const reader = { accessKeyId: 'READERKEY', secretAccessKey: 'reader-secret' };
    const keys = ['--access-key', reader.accessKeyId, '--secret-key', reader.secretAccessKey];
    await ceph.admin('user', 'create', '--uid', 'reader', '--display-name', 'Reader', ...keys);
    const policy = {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { AWS: ['arn:aws:iam:::user/reader'] },
          Action: ['s3:GetObject', 's3:ListBucket'],
          Resource: [`arn:aws:s3:::${location.bucket}`, `arn:aws:s3:::${location.bucket}/*`],
        },
      ],
    };
    const client = new S3Client(location, ceph.keys);
    const body = Buffer.from(JSON.stringify(policy));
    await client.call({ doing: 'policy', method: 'PUT', key: '', query: { policy: '' }, body, ...UNSIGNED });
    const store = new S3Store(location, reader);
    t.teardown(() => {
      for (const each of [owner, client, store]) each.close();
    });
    t.ok((await store.get('chunk', id)).equals(bytes));
    const other = sampleObject('not taken');
    await t.rejects(store.put('chunk', other.id, other.bytes), { code: 'E_PEER_REFUSED', hint: /read-only/ });
    await t.rejects(store.delete('chunk', [id]), { code: 'E_PEER_REFUSED' });
  });

  t.test('an engine that is killed and comes back in time is waited for', async (t) => {
    const store = new S3Store(await makeBucket(), ceph.keys, { retryForMs: 60_000 });
    t.teardown(() => store.close());
    const objects = Array.from({ length: 30 }, (_, seed) => sampleObject(`killed ${seed}`, 200_000));
    const puts = Promise.all(objects.map(({ id, bytes }) => store.put('chunk', id, bytes)));
    await ceph.killGateway();
    await new Promise((resolve) => setTimeout(resolve, 500));
    await ceph.startGateway();
    await puts;
    for (const { id, bytes } of objects) t.ok((await store.get('chunk', id)).equals(bytes));
  });

  t.test('an engine that is not there is unreachable, soon enough', async (t) => {
    const store = new S3Store({ ...(await makeBucket()), host: '127.0.0.1:9' }, ceph.keys, {
      retryForMs: 300,
    });
    t.teardown(() => store.close());
    await t.rejects(store.list('chunk'), { code: 'E_PEER_UNREACHABLE', message: /ECONNREFUSED/ });
  });
} else {
  t.test('a bucket on Ceph', { skip }, async () => {});
}
