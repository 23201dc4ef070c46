// A drill beside peers: what this home lacks comes from them, and what nobody has is told. Sources:
// src/ops/upkeep/drill.ts.
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { TestCluster } from '../cluster/cluster.js';
import type { TestNode } from '../cluster/node.js';
import { sampleBytes } from '../ops/sample-bytes.js';
import { scratchFolder } from '../ops/scratch-home.js';
import { oneJson } from './command.js';

function chunkFiles({ home }: TestNode): string[] {
  const folder = join(home, 'objects', 'chunks');
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => /[0-9a-f]{64}$/.test(name)).map((name) => join(folder, name));
}

t.test('a drill', { timeout: 280_000 }, async (t) => {
  const folder = scratchFolder(t);
  const cluster = await TestCluster.start(t, {
    hasVault: false,
    nodes: 2,
    env: { DISKTRO_REPAIR_GRACE: '3600', DISKTRO_DELETE_GRACE: '1', DISKTRO_CHUNK_SIZE: '65536' },
  });
  const [first, second] = [cluster.node(0), cluster.node(1)];
  await first.did('init', '--recovery-file', join(folder, 'code'), '--chunk-size', '65536');
  const file = join(folder, 'file');
  writeFileSync(file, sampleBytes('drill', 300_000));
  const id = await first.did('-q', 'chunk', '--replicas', '2', file);
  await first.stop();
  const lost = chunkFiles(first).slice(0, 2);
  for (const chunk of lost) rmSync(chunk);

  await t.test('restores what only a peer has left', async (t) => {
    const outcome = await first.run('drill', '--json', '--sample', '100%');
    t.equal(outcome.status, 0, outcome.stderr);
    t.match(oneJson(outcome.stdout), { files: 1, bytes: 300_000, fetchedFromPeers: 2, failed: [] });
  });

  await t.test('exit 14 when the peer that has it is gone', async (t) => {
    await second.stop();
    const outcome = await first.run('drill', '--json', '--sample', '100%');
    t.equal(outcome.status, 14, outcome.stdout + outcome.stderr);
    t.match(oneJson(outcome.stdout), {
      failed: [{ id, path: 'file', code: /^E_(PEER_UNREACHABLE|OBJECT_MISSING)$/ }],
    });
  });
});
