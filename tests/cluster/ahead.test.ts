// Copies that begin while the input is still being read, and what is left to a process that is still at work.
// Sources: src/ops/copies/copy-ahead.ts, src/ops/copies/repair.ts.
import { randomBytes } from 'node:crypto';
import t from 'tap';
import { TestCluster } from './cluster.js';

const skip = process.platform === 'win32' && 'signals are another matter there';
const MIB = 1024 * 1024;

t.test('an input that has not ended', { skip, timeout: 280_000 }, async (t) => {
  const cluster = await TestCluster.start(t, { nodes: 3 });
  const { first } = cluster;
  const peers = cluster.nodes.slice(1);
  const counts = (): number[] => peers.map((node) => node.objects().size);
  const running = first.place.start('chunk', '-', '--name', 'endless', '--json');

  await t.test('has its first chunks on both peers before its last byte is read', async (t) => {
    // More than two batches of 256 chunks: only what is durable here is sent.
    for (let part = 0; part < 60; part++) running.child.stdin?.write(randomBytes(MIB));
    await cluster.until('copies are on their way', () => counts().every((count) => count >= 20));
    t.equal(running.child.exitCode, null, 'it still waits for its input');
  });

  await t.test('is whole on both when it ends, no object sent twice', async (t) => {
    running.child.stdin?.end();
    const { status, stdout } = await running.outcome;
    t.equal(status, 0);
    const told = JSON.parse(stdout) as { chunks: number; copies: object; id: string };
    t.same(told.copies, { wanted: 3, confirmed: 3 });
    for (const count of counts()) t.ok(count >= told.chunks, `${count} objects of ${told.chunks} chunks`);
    const held = peers.map((node) => node.objects());
    const lacking = [...first.objects()].filter((object) => !held.every((objects) => objects.has(object)));
    t.same(lacking, []);
    t.notMatch(first.log, /repair: [1-9]\d* objects sent/, 'serve left them to the process that made them');
  });
});
