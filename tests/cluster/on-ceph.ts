// Machines with a bucket on a real engine: what tests of buckets as members begin with.
import type { Test } from 'tap';
import t from 'tap';
import type { Environment } from '../cli/command.js';
import { sampleBytes } from '../ops/sample-bytes.js';
import { Ceph, cephMissing } from '../store/ceph.js';
import { TestBucket } from './bucket.js';
import type { TestNode } from './node.js';

export const limits = { timeout: 280_000 };

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
