// A bucket of a real engine for tests with several machines: what lies in it is read without our code's stores.
import { createHash } from 'node:crypto';
import { S3Client } from '../../src/store/s3-client.js';
import { readListPage } from '../../src/store/s3-listing.js';
import type { S3Engine } from '../store/engine.js';

const UNSIGNED = { bodySha256: 'UNSIGNED-PAYLOAD' };

export class TestBucket {
  readonly url: string;
  readonly #client: S3Client;

  private constructor(url: string, client: S3Client) {
    this.url = url;
    this.#client = client;
  }

  /** @param headers what the bucket is to be besides */
  static async make(
    engine: S3Engine,
    name: string,
    headers?: Readonly<Record<string, string>>,
  ): Promise<TestBucket> {
    const location = await engine.makeBucket(name, '', headers);
    return new TestBucket(engine.url(name), new S3Client(location, engine.keys));
  }

  /** Again, after {@link TestBucket.destroy}. */
  async create(): Promise<void> {
    await this.#client.call({ doing: 'making a bucket', method: 'PUT', key: '' });
  }

  async keys(): Promise<string[]> {
    const keys: string[] = [];
    let token: string | undefined;
    do {
      const query = { 'list-type': '2', ...(token === undefined ? {} : { 'continuation-token': token }) };
      const { body } = await this.#client.call({ doing: 'listing', method: 'GET', key: '', query });
      const page = readListPage(body);
      keys.push(...(page?.keys.map(({ key }) => key) ?? []));
      token = page?.token;
    } while (token !== undefined);
    return keys;
  }

  /** Store ids of all objects. */
  async objects(): Promise<Set<string>> {
    return new Set((await this.keys()).flatMap((key) => /\/([0-9a-f]{64})$/.exec(key)?.[1] ?? []));
  }

  async get(key: string): Promise<Buffer> {
    return Buffer.from((await this.#client.call({ doing: 'getting', method: 'GET', key })).body);
  }

  async put(key: string, body: Uint8Array): Promise<void> {
    await this.#client.call({ doing: 'putting', method: 'PUT', key, body, ...UNSIGNED });
  }

  async remove(key: string): Promise<void> {
    await this.#client.call({ doing: 'deleting', method: 'DELETE', key });
  }

  /** The bucket itself, with all that is in it. */
  async destroy(): Promise<void> {
    for (const key of await this.keys()) await this.remove(key);
    await this.#client.call({ doing: 'removing the bucket', method: 'DELETE', key: '' });
  }

  async policy(policy: unknown): Promise<void> {
    await this.#setting('policy', JSON.stringify(policy));
  }

  /** Nothing that is written from now on can be removed for a day. Needs a bucket that was made for it. */
  async lock(): Promise<void> {
    const rule = '<Rule><DefaultRetention><Mode>COMPLIANCE</Mode><Days>1</Days></DefaultRetention></Rule>';
    const enabled = '<ObjectLockEnabled>Enabled</ObjectLockEnabled>';
    await this.#setting(
      'object-lock',
      `<ObjectLockConfiguration>${enabled}${rule}</ObjectLockConfiguration>`,
    );
  }

  /** Keys of all versions, delete markers left out. */
  async versions(): Promise<string[]> {
    const query = { versions: '' };
    const { body } = await this.#client.call({ doing: 'versions', method: 'GET', key: '', query });
    return [...String(body).matchAll(/<Version>.*?<Key>([^<]*)</gs)].map(([, key = '']) => key);
  }

  /** Keys of objects whose name is not the SHA-256 of their bytes. */
  async wrong(): Promise<string[]> {
    const wrong: string[] = [];
    for (const key of await this.keys()) {
      const id = /\/([0-9a-f]{64})$/.exec(key)?.[1];
      if (id === undefined) continue;
      if (
        createHash('sha256')
          .update(await this.get(key))
          .digest('hex') !== id
      )
        wrong.push(key);
    }
    return wrong;
  }

  async #setting(name: string, text: string): Promise<void> {
    const body = Buffer.from(text);
    const headers = { 'content-md5': createHash('md5').update(body).digest('base64') };
    const query = { [name]: '' };
    await this.#client.call({ doing: name, method: 'PUT', key: '', query, headers, body, ...UNSIGNED });
  }

  close(): void {
    this.#client.close();
  }
}
