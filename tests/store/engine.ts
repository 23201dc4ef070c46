// What S3 engines that tests start have in common: how they are found, reached and ended.
import { type ChildProcess, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { S3Client } from '../../src/store/s3-client.js';
import type { S3Keys } from '../../src/store/s3-keys.js';
import { type BucketLocation, parseStoreUrl } from '../../src/store/store-url.js';

const ENSURE = fileURLToPath(new URL('../../../scripts/ensure.mjs', import.meta.url));
const END_MS = 3_000;

/** An engine that is up on loopback. */
export abstract class S3Engine {
  abstract readonly keys: S3Keys;
  abstract readonly port: number;

  get host(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** A store URL of a bucket here. */
  url(bucket: string, prefix = ''): string {
    return `s3://${this.host}/${bucket}${prefix === '' ? '' : `/${prefix}`}?tls=0`;
  }

  /** As a person has them in the shell. */
  get environment(): Record<string, string> {
    return {
      AWS_ACCESS_KEY_ID: this.keys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: this.keys.secretAccessKey,
    };
  }

  /** @param headers what a bucket is to be besides */
  async makeBucket(
    bucket: string,
    prefix = '',
    headers: Readonly<Record<string, string>> = {},
  ): Promise<BucketLocation> {
    const location = parseStoreUrl(this.url(bucket, prefix)) as BucketLocation;
    const client = new S3Client(location, this.keys);
    await client.call({ doing: 'making a bucket', method: 'PUT', key: '', headers });
    client.close();
    return location;
  }
}

/** Why there can be no such engine here; false where there is one. Installs it where that is ours to do. */
export function companionMissing(name: 'ceph' | 'swift'): string | false {
  if (process.platform !== 'linux') return `${name} is tested on Linux only`;
  const ensured = spawnSync(process.execPath, [ENSURE, '--with', name], { encoding: 'utf8' });
  if (ensured.status === 0) return false;
  return ensured.stderr.trim().split('\n').at(-1) ?? `${name} is not installed`;
}

export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

/** Asks it to end, and makes it when it does not. */
export async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), END_MS);
  await ended(child);
  clearTimeout(timer);
}
