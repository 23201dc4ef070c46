// Two machines of one vault, and peers that hold for them: what is removed goes everywhere, and nothing else does.
// Sources: src/ops/collect-everywhere.ts, src/ops/delete-on-peers.ts, src/ops/import-manifests.ts, src/ops/held-rebuild.ts.
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { sampleBytes } from '../ops/sample-bytes.js';
import { oneJson } from './command.js';
import { startCluster, TestNode, until } from './nodes.js';

const MANIFESTS = join('objects', 'manifests');

function holds({ home }: TestNode, id: string): boolean {
  return readdirSync(join(home, MANIFESTS, id.slice(0, 2))).includes(id);
}

t.test('what one machine removes', { timeout: 280_000 }, async (t) => {
  const { folder, nodes } = await startCluster(t, 3);
  const [first, second, third] = nodes as [TestNode, TestNode, TestNode];
  const code = join(folder, 'code');
  await first.must('init', '--recovery-file', code, '--chunk-size', '65536');
  const file = (name: string, bytes: Uint8Array): string => {
    writeFileSync(join(folder, name), bytes);
    return join(folder, name);
  };
  const shared = sampleBytes('shared', 500_000);
  const mine = await first.must('-q', 'chunk', file('mine', shared));
  const kept = await first.must('-q', 'chunk', file('kept', sampleBytes('kept', 200_000)));
  const other = new TestNode(folder, 'other');
  await other.must('--password-file', code, 'recover', '--from', second.address);
  await other.serve();
  t.teardown(() => other.stop());
  await other.must('repair');
  const theirs = await other.must(
    '-q',
    'chunk',
    file('theirs', Buffer.concat([shared, Buffer.alloc(70_000, 1)])),
  );
  const listed = async (node: TestNode): Promise<string[]> =>
    (await node.must('ls', '--json')).split('\n').map((line) => JSON.parse(line).id as string);

  await t.test("each finds the other's files", async (t) => {
    t.notOk((await listed(first)).includes(theirs));
    await first.must('repair');
    t.same((await listed(first)).sort(), [mine, kept, theirs].sort());
    t.equal((await first.run('verify', '--read-data')).status, 0);
  });

  await t.test('nothing is deleted on peers while a node is out of reach', async (t) => {
    await third.stop();
    await first.must('rm', mine);
    const { status, stderr } = await first.run('gc', '--grace', '0');
    t.equal(status, 0);
    t.match(stderr, /1 node out of reach: nothing is deleted on peers/);
    t.notOk(holds(first, mine), 'it is freed here');
    const asked = await first.run('gc', '--grace', '0', '--json');
    t.match(oneJson(asked.stdout), {
      imported: 0,
      peers: { told: 0, isWaiting: true, unreachable: { length: 1 } },
    });
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    t.ok(holds(second, mine), 'and there as before');
  });

  await t.test('nor without the password', async (t) => {
    await third.serve();
    const { status } = await first.runWith({ env: { DISKTRO_PASSWORD: undefined } }, 'gc', '--grace', '0');
    t.equal(status, 0);
    t.ok(holds(second, mine));
    t.equal((await first.runWith({ env: { DISKTRO_PASSWORD: 'wrong' } }, 'gc')).status, 12);
  });

  await t.test('then it goes everywhere, but for what another file needs', async (t) => {
    await until('all are back', async () => {
      const { peers } = oneJson((await first.run('gc', '--grace', '0', '--json')).stdout) as {
        peers: { isWaiting: boolean };
      };
      return !peers.isWaiting;
    });
    await until('the peers have freed it', async () => ![second, third].some((node) => holds(node, mine)));
    for (const node of [first, other]) t.notOk((await listed(node)).includes(mine), 'listed no more');
    const back = join(folder, 'back');
    await first.must('reassemble', theirs, '-o', back, '--force');
    await other.must('reassemble', theirs, '-o', back, '--force');
    await other.must('gc', '--grace', '0');
    await first.must('repair');
    await first.must('gc', '--grace', '0');
    t.same((await listed(first)).sort(), [kept, theirs].sort(), 'it does not come back');
    for (const node of [first, second, third, other]) {
      const { status, stdout, stderr } = await node.run('verify');
      t.equal(status, 0, `${node.home}: ${stdout}${stderr}`);
    }
  });

  await t.test('a rebuild keeps what is held for others', async (t) => {
    const stranger = new TestNode(folder, 'n3');
    await third.stop();
    // A vault of its own in the home that holds for the other one.
    await stranger.must('init', '--chunk-size', '65536');
    const own = await stranger.must(
      '-q',
      'chunk',
      '--no-replicate',
      file('own', sampleBytes('own', 100_000)),
    );
    const before = oneJson(await stranger.must('verify', '--json'));
    for (const suffix of ['', '-wal', '-shm'])
      rmSync(join(stranger.home, `catalog.db${suffix}`), { force: true });
    t.match(oneJson(await stranger.must('rebuild', '--json')), { files: 1, damaged: [] });
    await stranger.must('gc', '--grace', '0');
    t.match(oneJson(await stranger.must('verify', '--read-data', '--json')), {
      objects: before.objects,
      corrupt: [],
      missing: [],
    });
    t.same(await listed(stranger), [own]);
    t.ok(holds(stranger, theirs) || !holds(second, theirs) || Number(before.objects) > 3);
  });
});
