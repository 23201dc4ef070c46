// The contract of holders, for buckets on an engine. Sources: src/store/s3-store.ts, s3-client.ts, s3-listing.ts.
import t from 'tap';
import { S3Client } from '../../src/store/s3-client.js';
import { S3Store } from '../../src/store/s3-store.js';
import type { BucketLocation } from '../../src/store/store-url.js';
import type { S3Engine } from './engine.js';
import { testHolderStore } from './holder-store-contract.js';
import { sampleObject } from './object-store-contract.js';

export const UNSIGNED = { bodySha256: 'UNSIGNED-PAYLOAD' };

export function testBucket(name: string, engine: S3Engine): void {
  let buckets = 0;
  testHolderStore(name, async (test) => {
    const location = await engine.makeBucket(`contract-${buckets++}`, 'a/deep-prefix');
    const store = new S3Store(location, engine.keys);
    const client = new S3Client(location, engine.keys);
    test.teardown(() => {
      store.close();
      client.close();
    });
    const at = (key: string) => ({ doing: 'looking', key: `a/deep-prefix/${key}` });
    return {
      store,
      tamper: async (key, bytes) => {
        await client.call({ ...at(key), method: 'PUT', body: bytes, ...UNSIGNED });
      },
      peek: async (key) => Buffer.from((await client.call({ ...at(key), method: 'GET' })).body),
    };
  });
  testVersions(name, engine);
  testRefusals(name, engine);
}

function testVersions(name: string, engine: S3Engine): void {
  t.test(`${name} keeps versions where it is told to, and only the newest one counts`, async (t) => {
    const location = await engine.makeBucket('versioned');
    const client = new S3Client(location, engine.keys);
    const store = new S3Store(location, engine.keys);
    t.teardown(() => {
      client.close();
      store.close();
    });
    await client.call({
      ...{ doing: 'versioning', method: 'PUT', key: '', query: { versioning: '' }, ...UNSIGNED },
      body: Buffer.from('<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>'),
    });
    const { id, bytes } = sampleObject('versions', 3000);
    const kept = sampleObject('kept');
    await store.put('chunk', kept.id, kept.bytes);
    for (const time of ['first', 'second', 'third']) {
      t.equal(await store.put('chunk', id, bytes), true, `the ${time} time it is new`);
      // Ceph does not weigh the condition against versions: it may be called new, and is the same object.
      await store.put('chunk', id, bytes);
      t.ok((await store.get('chunk', id)).equals(bytes));
      t.equal(await store.delete('chunk', [id]), 1);
      await t.rejects(store.get('chunk', id), { code: 'E_OBJECT_MISSING' }, 'a delete marker is a delete');
      t.same(await store.sizes('chunk', [id]), [undefined]);
      t.same(await store.probe('chunk', [id]), [undefined]);
      t.same(await store.list('chunk'), [{ id: kept.id, bytes: 100 }]);
      t.equal(await store.delete('chunk', [id]), 0, 'and there is nothing to delete');
    }
    await store.put('chunk', id, bytes);
    await store.replace('chunk', id, bytes);
    t.match(await store.usage(), { objects: 2, bytes: 3100 }, 'versions are not counted');
    const query = { versions: '' };
    const { body } = await client.call({ doing: 'versions', method: 'GET', key: '', query });
    const markers = String(body).match(/<DeleteMarker>/g)?.length;
    t.equal(markers, 3, 'one marker for each object that was there');
  });
}

/** What a person hears, and that no key is told. */
function testRefusals(name: string, engine: S3Engine): void {
  t.test(`${name} refuses, and the error says what to do`, async (t) => {
    const location = await engine.makeBucket('refusing');
    const { id, bytes } = sampleObject('refused');
    const withKeys = (keys: Partial<typeof engine.keys>, change: Partial<BucketLocation> = {}): S3Store =>
      new S3Store({ ...location, ...change }, { ...engine.keys, ...keys });
    const secret = new RegExp(engine.keys.secretAccessKey);
    const table = [
      [
        'a wrong secret',
        withKeys({ secretAccessKey: 'wrong' }),
        /SignatureDoesNotMatch|403/,
        /AWS_ACCESS_KEY_ID/,
      ],
      [
        'an unknown key',
        withKeys({ accessKeyId: 'NOBODY' }),
        /access keys are wrong|403/,
        /AWS_ACCESS_KEY_ID/,
      ],
      ['no such bucket', withKeys({}, { bucket: 'none-such' }), /no such bucket/, /make the bucket/],
    ] as const;
    for (const [what, store, message, hint] of table) {
      t.teardown(() => store.close());
      for (const work of [
        () => store.put('chunk', id, bytes),
        () => store.list('chunk'),
        () => store.read('chunk', id, Buffer.alloc(200)),
      ]) {
        const error = await work().then(
          () => undefined,
          (thrown: unknown) => thrown as Error & { hint?: string },
        );
        t.match(error, { code: 'E_PEER_REFUSED', message, hint }, what);
        t.notMatch(JSON.stringify([error?.message, error?.stack, error]), secret, 'and holds no secret');
      }
    }
  });
}
