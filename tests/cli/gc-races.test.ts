// What one machine tells the peers to delete while another of its vault comes to rely on it stays, or comes back; and a
// machine that has joined and never served holds nothing up. Sources: src/ops/copies/delete-on-peers.ts,
// withdraw-deletions.ts, replicate.ts, src/catalog/withdrawals.ts, src/ops/copies/collect-everywhere.ts.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openCluster } from '../../src/ops/cluster/cluster.js';
import { deleteOnPeers } from '../../src/ops/copies/delete-on-peers.js';
import { importManifests } from '../../src/ops/copies/import-manifests.js';
import { removeFiles } from '../../src/ops/files/files.js';
import { opened, openVault } from '../../src/ops/home/vault.js';
import { collectGarbage } from '../../src/ops/upkeep/gc.js';
import { TestCluster } from '../cluster/cluster.js';
import { sampleBytes } from '../ops/sample-bytes.js';
import { scratchFolder } from '../ops/scratch-home.js';
import { jsonLines, oneJson } from './command.js';

// Longer than any grace here, in which what was noted would have gone.
const SETTLE_MS = 4_000;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

t.test('deletions and those who rely on it', { timeout: 280_000 }, async (t) => {
  const folder = scratchFolder(t);
  const cluster = await TestCluster.start(t, {
    nodes: 2,
    env: { DISKTRO_REPAIR_GRACE: '3600', DISKTRO_DELETE_GRACE: '1', DISKTRO_REPLICA_COUNT: '3' },
  });
  const [desk, holder] = [cluster.node(0), cluster.node(1)];
  const code = join(folder, 'code');
  writeFileSync(code, desk.place.code);
  const file = (name: string, bytes: Uint8Array): string => {
    writeFileSync(join(folder, name), bytes);
    return join(folder, name);
  };
  await desk.did('-q', 'chunk', file('first', sampleBytes('first', 1_000)));
  const laptop = await cluster.make();
  await laptop.did('--password-file', code, 'recover', '--from', holder.address);
  await laptop.serve();
  await cluster.allKnown();
  /** Stores bytes that are new. @returns the file's id and those of its chunks */
  const store = async (name: string, bytes: Uint8Array): Promise<{ id: string; chunks: string[] }> => {
    const before = desk.objects();
    const id = await desk.did('-q', 'chunk', file(name, bytes));
    return { id, chunks: [...desk.objects()].filter((each) => each !== id && !before.has(each)) };
  };

  await t.test('what comes to be needed just before peers are told stays on all of them', async (t) => {
    const bytes = sampleBytes('shared', 400_000);
    const { id: gone, chunks } = await store('gone', bytes);
    await laptop.did('repair');
    await cluster.settled();
    t.ok(chunks.length > 3 && chunks.every((id) => holder.objects().has(id)), 'the other node holds them');
    const vault = opened(await openVault({ home: desk.home, password: desk.place.code }));
    const own = await openCluster(vault.home, { repairGraceSeconds: 3600, replicaCount: 3 });
    if (own === undefined) throw new Error('no cluster');
    try {
      await importManifests(vault, own);
      await removeFiles(vault, [gone]);
      await collectGarbage(vault, { graceSeconds: 0 });
      // Here, when the desk has looked and has not told yet.
      const kept = await laptop.did('-q', 'chunk', file('kept', bytes));
      const { failures } = await deleteOnPeers(vault, own, { graceMs: 0 });
      t.equal(failures.size, 0);
      await pause(SETTLE_MS);
      for (const id of chunks) {
        t.ok(laptop.objects().has(id), 'where it is needed');
        t.ok(holder.objects().has(id), 'and where it is a copy');
      }
      t.notOk(holder.objects().has(gone), 'what nobody needs is gone');
      await laptop.did('reassemble', kept, '-o', join(folder, 'kept.back'));
    } finally {
      await own.close();
      await vault.close();
    }
  });

  await t.test('what was deleted already is sent again when it is needed anew', async (t) => {
    const bytes = sampleBytes('again', 400_000);
    const { id: gone, chunks } = await store('gone too', bytes);
    await laptop.did('repair');
    await cluster.settled();
    await desk.did('rm', gone);
    await desk.did('gc', '--grace', '0');
    await cluster.until('the holder has freed it', () => !chunks.some((id) => holder.objects().has(id)));
    // The chunks still lie on the laptop, with tombstones, and are taken up again.
    const again = oneJson(await laptop.did('chunk', '--json', file('again', bytes)));
    t.match(again, { newChunks: 0, copies: { confirmed: 3 } });
    for (const id of chunks) t.ok(holder.objects().has(id), 'back on the holder');
    await pause(SETTLE_MS);
    for (const id of chunks) t.ok(holder.objects().has(id), 'and it stays');
    await desk.did('repair');
    t.equal((await desk.run('reassemble', '-o', join(folder, 'again.back'), String(again.id))).status, 0);
  });

  await t.test('a member that never served is told of and holds nothing up', async (t) => {
    const phone = await cluster.make();
    await phone.did('peers', 'join', await desk.did('peers', 'invite'));
    const gone = await desk.did('-q', 'chunk', file('third', sampleBytes('third', 100_000)));
    await cluster.until('it is on the holder', () => holder.objects().has(gone));
    await desk.did('rm', gone);
    const { status, stdout, stderr } = await desk.run('gc', '--grace', '0', '--json');
    t.equal(status, 0);
    t.match(stderr, /1 node never ran `disktro serve` and was not asked/);
    t.match(oneJson(stdout), { peers: { isWaiting: false, unreachable: [], neverServed: { length: 1 } } });
    await cluster.until('the holder has freed it', () => !holder.objects().has(gone));
    const lines = jsonLines(await desk.did('peers', 'list', '--json'));
    t.match(
      lines.filter(({ name }) => name === phone.name),
      [{ status: 'never served' }],
    );
    await phone.serve();
    await cluster.until('it counts as soon as it has served', async () => {
      const all = jsonLines(await desk.did('peers', 'list', '--json'));
      return all.every((line) => line.status === 'online');
    });
    await phone.stop();
    await desk.did('rm', await desk.did('-q', 'chunk', file('fourth', sampleBytes('fourth', 1_000))));
    t.match(
      (await desk.run('gc', '--grace', '0')).stderr,
      /1 node out of reach/,
      'once it has served it is waited for',
    );
  });
});
