// The contract of holders, for buckets on an engine. Sources: src/store/s3-store.ts, s3-client.ts, s3-listing.ts.
import { S3Client } from '../../src/store/s3-client.js';
import { S3Store } from '../../src/store/s3-store.js';
import type { S3Engine } from './engine.js';
import { testHolderStore } from './holder-store-contract.js';

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
}
