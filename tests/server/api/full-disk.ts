// A node whose home lies on a small disk of its own, which goes with its process.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { placeWithVault } from '../../cli/place.js';
import { TestNode } from '../../cluster/node.js';
import { ApiNode } from './api-node.js';

const NAMESPACE = process.getuid?.() === 0 ? ['unshare', '-m'] : ['unshare', '-Urm'];

/** @returns undefined where mounting is not allowed */
export async function startOnFullDisk(test: Test, sizeMib: number): Promise<ApiNode | undefined> {
  const [command = '', ...words] = [...NAMESPACE, 'sh', '-c', 'mount -t tmpfs none /tmp'];
  if (spawnSync(command, words).status !== 0) return undefined;
  const place = await placeWithVault(test);
  // Below the mount, where the test reads it: the node finds the same one in its copy.
  writeFileSync(join(place.home, 'api-token'), `${'cd'.repeat(32)}\n`, { mode: 0o600 });
  const script = `cp -a "$DISKTRO_HOME" copy && mount -t tmpfs -o size=${sizeMib}m none "$DISKTRO_HOME" &&
    cp -a copy/. "$DISKTRO_HOME" && exec "$@"`;
  const node = new TestNode({ name: 'cupboard', place, through: [...NAMESPACE, 'sh', '-c', script, 'sh'] });
  test.teardown(async () => {
    if (node.isUp) await node.kill();
  });
  await node.serve();
  return new ApiNode(node);
}
