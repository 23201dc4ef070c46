// Nodes are killed at random moments while one person writes and another reads: what was acknowledged comes back, and
// copies return to three. `DISKTRO_KILL_ROUNDS` is the number of rounds. Sources: src/server/running-node.ts, src/ops/.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import t from 'tap';
import { chance, runSeed, sampleBytes } from '../ops/sample-bytes.js';
import { onWindows } from '../skip.js';
import { TestCluster } from './cluster.js';

const skip = onWindows;
const rounds = Number(process.env.DISKTRO_KILL_ROUNDS ?? 6);
const seed = runSeed();

t.test(`${rounds} kills, seed ${seed}`, { skip, timeout: 60_000 + rounds * 15_000 }, async (t) => {
  const cluster = await TestCluster.start(t, { nodes: 4 });
  const { first } = cluster;
  const choice = chance(seed);
  const stored = new Map<string, Buffer>();
  const failed: string[] = [];
  let isOver = false;

  const writing = (async () => {
    for (let turn = 0; !isOver; turn++) {
      const name = `file-${turn}`;
      const bytes = sampleBytes(`${seed} ${turn}`, 100_000 + choice.whole(400_000));
      first.place.write(name, bytes);
      const { status, stdout, stderr } = await first.run('chunk', name);
      if (status === 0) stored.set(stdout.trim(), bytes);
      else failed.push(`chunk: ${status} ${stderr}`);
    }
  })();
  const reading = (async () => {
    while (!isOver) {
      const known = [...stored];
      if (known.length === 0) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        continue;
      }
      const [id, bytes] = choice.pick(known);
      const back = await first.run('reassemble', id, '-o', '-');
      if (!back.bytes.equals(bytes)) failed.push(`reassemble: ${back.status} ${back.stderr}`);
    }
  })();
  for (let round = 0; round < rounds; round++) {
    const victim = choice.pick(cluster.nodes);
    await new Promise((resolve) => setTimeout(resolve, choice.whole(1_500)));
    await victim.kill();
    await new Promise((resolve) => setTimeout(resolve, choice.whole(1_500)));
    await victim.serve();
  }
  isOver = true;
  await Promise.all([writing, reading]);

  t.same(failed, [], 'no command of the others failed');
  t.ok(stored.size > 0, `${stored.size} files`);
  await cluster.copiesReach(3, first.objects(), 60_000);
  for (const [id, bytes] of stored) {
    const back = await first.run('reassemble', id, '-o', '-');
    t.ok(back.bytes.equals(bytes), back.stderr);
  }
  await first.place.expectGood();
  for (const node of cluster.nodes) {
    const wrong = [...node.objects()].filter(
      (id) =>
        createHash('sha256')
          .update(readFileSync(node.objectFile(id)))
          .digest('hex') !== id,
    );
    t.same(wrong, [], node.name);
  }
});
