// A drill beside peers: what this home lacks comes from them, and what nobody has is told. Sources: src/ops/drill.ts.
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { sampleBytes } from '../ops/sample-bytes.js';
import { oneJson } from './command.js';
import { startCluster, type TestNode } from './nodes.js';

function chunkFiles({ home }: TestNode): string[] {
  const folder = join(home, 'objects', 'chunks');
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => /[0-9a-f]{64}$/.test(name)).map((name) => join(folder, name));
}

t.test('a drill', { timeout: 120_000 }, async (t) => {
  const { folder, nodes } = await startCluster(t, 2);
  const [first, second] = nodes as [TestNode, TestNode];
  await first.must('init', '--recovery-file', join(folder, 'code'), '--chunk-size', '65536');
  const file = join(folder, 'file');
  writeFileSync(file, sampleBytes('drill', 300_000));
  const id = await first.must('-q', 'chunk', '--replicas', '2', file);
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
    t.equal(outcome.status, 14);
    t.match(oneJson(outcome.stdout), {
      failed: [{ id, path: 'file', code: /^E_(PEER_UNREACHABLE|OBJECT_MISSING)$/ }],
    });
  });
});
