// A peer whose disk is really full: a small file system of its own. Sources: src/ops/copies/held-writer.ts,
// replicate.ts, src/store/file-batch.ts.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { oneJson } from '../cli/command.js';
import { sampleBytes } from '../ops/sample-bytes.js';
import { TestCluster } from './cluster.js';
import type { TestNode } from './node.js';
import { skipNetwork } from './virtual-network.js';

const skip = skipNetwork && 'mounting a small disk needs Linux and root';
const SPARE_BYTES = 600_000;

/** Puts the node's home on a disk of its own, with what it holds. */
function mount(node: TestNode): void {
  mkdirSync(node.home, { recursive: true });
  const { status, stderr } = spawnSync('mount', [
    '-t',
    'tmpfs',
    '-o',
    'size=64m,mode=700',
    'none',
    node.home,
  ]);
  if (status !== 0) throw new Error(`mount: ${stderr}`);
}

t.test('a peer whose disk is full is passed over, and tells so', { skip, timeout: 280_000 }, async (t) => {
  const cluster = await TestCluster.start(t, { nodes: 3, env: { DISKTRO_RESERVE: '0' } });
  const { first } = cluster;
  const full = await cluster.make();
  mount(full);
  t.teardown(async () => {
    if (full.isUp) await full.kill();
    spawnSync('umount', [full.home]);
  });
  await full.serve();
  await cluster.join(full);
  await cluster.allKnown();
  const { bavail, bsize } = statfsSync(full.home);
  writeFileSync(join(full.home, 'ballast'), Buffer.alloc(bavail * bsize - SPARE_BYTES));

  first.place.write('photos', sampleBytes('photos', 2_000_000));
  const direct = await first.run('--json', 'upload', 'photos', full.name);
  t.not(direct.status, 0);
  t.match(direct.stderr, /507|no room left|is full/);
  t.notMatch(direct.stderr, /E_UNEXPECTED/);
  const { status, stdout, stderr } = await first.run('--json', 'chunk', 'photos');
  t.equal(status, 0, stderr);
  t.match(oneJson(stdout), { copies: { wanted: 3, confirmed: 3 }, degraded: false }, 'the others have it');
  t.ok(full.isUp && (await first.run('peers', 'ping', full.name)).status === 0, 'it goes on serving');
  t.notMatch(full.log, /"ERROR"/);
  for (const id of full.objects()) {
    const bytes = readFileSync(full.objectFile(id));
    t.equal(createHash('sha256').update(bytes).digest('hex'), id, 'what it has is whole');
  }
});
