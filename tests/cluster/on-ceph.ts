// Machines with a bucket on a real engine: what tests of buckets as members begin with.
import type { Test } from 'tap';
import t from 'tap';
import { type Environment, oneJson } from '../cli/command.js';
import { sampleBytes } from '../ops/sample-bytes.js';
import { Ceph, cephMissing } from '../store/ceph.js';
import { TestBucket } from './bucket.js';
import { type TestNode, until } from './node.js';

export const limits = { timeout: 280_000 };

/** Many objects out of few bytes. */
export const SMALL = { nodes: 2, env: { DISKTRO_CHUNK_SIZE: '65536' } };

export interface OnCeph {
  readonly ceph: Ceph;
  /** A bucket that is let go of with the test. */
  readonly bucketFor: (
    test: Test,
    name: string,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<TestBucket>;
  /** Makes a store a member, and has to succeed. @returns its id */
  readonly add: (node: TestNode, store: { readonly url: string }, ...words: string[]) => Promise<string>;
  /** Keys of a user who has no rights but those that a bucket's policy gives. */
  readonly user: (name: string) => Promise<Environment>;
}

/** Registers tests that need Ceph, which is up for all of this file; says why where there is none. */
export async function onCeph(title: string, register: (on: OnCeph) => void): Promise<void> {
  const skip = cephMissing();
  if (skip !== false) {
    t.test(title, { skip }, async () => {});
    return;
  }
  const ceph = await Ceph.start();
  t.teardown(() => ceph.stop());
  register({
    ceph,
    bucketFor: async (test, name, headers) => {
      const bucket = await TestBucket.make(ceph, name, headers);
      test.teardown(() => bucket.close());
      return bucket;
    },
    add: async (node, { url }, ...words) => {
      const env = { env: ceph.environment };
      const { status, stdout, stderr } = await node.runWith(env, 'peers', 'add', url, ...words);
      if (status !== 0) throw new Error(`peers add: ${status} ${stderr}`);
      return stdout.trim();
    },
    user: async (name) => {
      const keys = { AWS_ACCESS_KEY_ID: `${name.toUpperCase()}KEY`, AWS_SECRET_ACCESS_KEY: `${name}-secret` };
      const words = ['--access-key', keys.AWS_ACCESS_KEY_ID, '--secret-key', keys.AWS_SECRET_ACCESS_KEY];
      await ceph.admin('user', 'create', '--uid', name, '--display-name', name, ...words);
      return keys;
    },
  });
}

/** A file of that many bytes, the same ones for the same name. */
export function write(node: TestNode, name: string, length: number): Buffer {
  const bytes = sampleBytes(name, length);
  node.place.write(name, bytes);
  return bytes;
}

/** Waits until everything that the node has is in the bucket. */
export async function whole(node: TestNode, bucket: TestBucket): Promise<void> {
  const isThere = async (): Promise<boolean> => {
    const there = await bucket.objects();
    return [...node.objects()].every((id) => there.has(id));
  };
  await until(`the bucket has all of ${node.name}`, isThere, 60_000);
}

/** What `chunk` tells, which has to succeed. */
export async function chunked(node: TestNode, ...words: string[]) {
  const { status, stdout, stderr } = await node.run('--json', 'chunk', ...words);
  if (status !== 0) throw new Error(`chunk: ${status} ${stderr}`);
  return { result: oneJson(stdout), stderr };
}
