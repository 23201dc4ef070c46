// Copies on three nodes: made, counted, missed, made again elsewhere. Sources: src/ops/replicate.ts, repair.ts.
import t from 'tap';
import { ID_LINE, oneJson } from '../cli/command.js';
import { sampleBytes } from '../ops/sample-bytes.js';
import { TestCluster, type TestNode } from './cluster.js';

const skip = process.platform === 'win32';

function write(node: TestNode, name: string, length: number): Buffer {
  const bytes = sampleBytes(name, length);
  node.place.write(name, bytes);
  return bytes;
}

t.test('chunk puts every object on three nodes before it returns', { skip }, async (t) => {
  const cluster = await TestCluster.start(t);
  write(cluster.first, 'photos.tar', 3_000_000);
  const { status, stdout, stderr } = await cluster.first.run('chunk', 'photos.tar');
  t.equal(status, 0, stderr);
  t.match(stdout, ID_LINE);
  const copies = cluster.copies();
  t.ok(copies.size > 20, `${copies.size} objects`);
  t.same([...new Set(copies.values())], [3]);
  t.match(oneJson(await cluster.first.did('--json', 'ls')), { copies: 3 });
});
