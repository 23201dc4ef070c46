// Two machines of one vault, and peers that hold for them: what is removed goes everywhere, and nothing else does.
// Sources: src/ops/copies/collect-everywhere.ts, src/ops/copies/delete-on-peers.ts, src/ops/copies/import-manifests.ts,
// src/ops/upkeep/held-rebuild.ts.
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { TestCluster } from '../cluster/cluster.js';
import type { TestNode } from '../cluster/node.js';
import { sampleBytes } from '../ops/sample-bytes.js';
import { scratchFolder } from '../ops/scratch-home.js';
import { oneJson } from './command.js';

const MANIFESTS = join('objects', 'manifests');

function holds({ home }: TestNode, id: string): boolean {
  return readdirSync(join(home, MANIFESTS, id.slice(0, 2))).includes(id);
}

t.test('what one machine removes', { timeout: 280_000 }, async (t) => {
  const folder = scratchFolder(t);
  const cluster = await TestCluster.start(t, {
    hasVault: false,
    env: { DISKTRO_REPAIR_GRACE: '3600', DISKTRO_DELETE_GRACE: '1', DISKTRO_CHUNK_SIZE: '65536' },
  });
  const [first, second, third] = [cluster.node(0), cluster.node(1), cluster.node(2)];
  const code = join(folder, 'code');
  await first.did('init', '--recovery-file', code, '--chunk-size', '65536');
  const file = (name: string, bytes: Uint8Array): string => {
    writeFileSync(join(folder, name), bytes);
    return join(folder, name);
  };
  const shared = sampleBytes('shared', 500_000);
  const mine = await first.did('-q', 'chunk', file('mine', shared));
  const kept = await first.did('-q', 'chunk', file('kept', sampleBytes('kept', 200_000)));
  const other = await cluster.make();
  await other.did('--password-file', code, 'recover', '--from', second.address);
  await other.serve();
  await other.did('repair');
  const theirs = await other.did(
    '-q',
    'chunk',
    file('theirs', Buffer.concat([shared, Buffer.alloc(70_000, 1)])),
  );
  const listed = async (node: TestNode): Promise<string[]> =>
    (await node.did('ls', '--json')).split('\n').map((line) => JSON.parse(line).id as string);

  await t.test("each finds the other's files", async (t) => {
    t.notOk((await listed(first)).includes(theirs));
    await first.did('repair');
    t.same((await listed(first)).sort(), [mine, kept, theirs].sort());
    t.equal((await first.run('verify', '--read-data')).status, 0);
  });

  await t.test('nothing is deleted on peers while a node is out of reach', async (t) => {
    await third.stop();
    await first.did('rm', mine);
    const { status, stdout, stderr } = await first.run('gc', '--grace', '0');
    t.equal(status, 0);
    t.match(stderr, /1 node out of reach: nothing is deleted on peers/);
    // Not by its file: `serve` takes it in again for the cluster, as long as the peers have not been told.
    t.match(`${stdout}${stderr}`, /freed [1-9]\d* objects/, 'it is freed here');
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
    await cluster.until('all are back', async () => {
      const { peers } = oneJson((await first.run('gc', '--grace', '0', '--json')).stdout) as {
        peers: { isWaiting: boolean };
      };
      return !peers.isWaiting;
    });
    await cluster.until(
      'the peers have freed it',
      async () => ![second, third].some((node) => holds(node, mine)),
    );
    for (const node of [first, other]) t.notOk((await listed(node)).includes(mine), 'listed no more');
    const back = join(folder, 'back');
    await first.did('reassemble', theirs, '-o', back, '--force');
    await other.did('reassemble', theirs, '-o', back, '--force');
    await other.did('gc', '--grace', '0');
    await first.did('repair');
    await first.did('gc', '--grace', '0');
    t.same((await listed(first)).sort(), [kept, theirs].sort(), 'it does not come back');
    for (const node of [first, second, third, other]) {
      const { status, stdout, stderr } = await node.run('verify');
      t.equal(status, 0, `${node.home}: ${stdout}${stderr}`);
    }
  });

  await t.test('a rebuild keeps what is held for others', async (t) => {
    const stranger = third;
    await third.stop();
    // A vault of its own in the home that holds for the other one.
    await stranger.did('init', '--recovery-file', join(folder, 'own-code'), '--chunk-size', '65536');
    const own = await stranger.did('-q', 'chunk', '--no-replicate', file('own', sampleBytes('own', 100_000)));
    const before = oneJson(await stranger.did('verify', '--json'));
    for (const suffix of ['', '-wal', '-shm'])
      rmSync(join(stranger.home, `catalog.db${suffix}`), { force: true });
    t.match(oneJson(await stranger.did('rebuild', '--json')), { files: 1, damaged: [] });
    await stranger.did('gc', '--grace', '0');
    t.match(oneJson(await stranger.did('verify', '--read-data', '--json')), {
      objects: before.objects,
      corrupt: [],
      missing: [],
    });
    t.same(await listed(stranger), [own]);
    t.ok(holds(stranger, theirs) || !holds(second, theirs) || Number(before.objects) > 3);
  });
});
