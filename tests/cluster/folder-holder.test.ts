// A folder on another disk as a member: fed, read again, away, drained. No engine is needed.
// Sources: src/ops/holders/scrub-holder.ts, add-holder.ts, holder-client.ts, drain-holder.ts, src/cli/commands/copy.ts.
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openCluster } from '../../src/ops/cluster/cluster.js';
import { scrubHolder } from '../../src/ops/holders/scrub-holder.js';
import { openNodeHome } from '../../src/ops/home/home.js';
import { oneJson } from '../cli/command.js';
import { emptyPlace, placeWithVault } from '../cli/place.js';
import { sampleBytes } from '../ops/sample-bytes.js';
import { TestNode } from './node.js';

const limits = { timeout: 280_000, skip: process.platform === 'win32' };

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /[0-9a-f]{64}$/.test(name),
  );
}

t.test('a disk that is plugged in now and then', limits, async (t) => {
  const node = new TestNode({ name: 'desk', place: await placeWithVault(t) });
  const usb = node.place.path('usb');
  const url = `file://${usb}`;

  await t.test('is refused while it is not mounted, and nothing is made in its place', async (t) => {
    const { status, stderr } = await node.run('peers', 'add', url);
    t.equal(status, 4, stderr);
    t.match(stderr, /mount the disk/);
    t.notOk(node.place.has('usb'));
  });

  await t.test('holds what is chunked, and counts', async (t) => {
    mkdirSync(usb);
    await node.did('peers', 'add', url);
    node.place.write('photos', sampleBytes('photos', 900_000));
    const result = oneJson(await node.did('--json', 'chunk', 'photos'));
    t.match(result, { copies: { wanted: 3, confirmed: 2 } });
    t.equal(filesBelow(usb).length, node.objects().size);
    const again = await node.run('peers', 'add', url);
    t.equal(again.status, 0, again.stderr);
    t.match(again.stderr, /this machine uses usb from now on/, 'adding it again changes nothing');
  });

  await t.test('gets whole bytes in the place of wrong ones when it is read again', async (t) => {
    const [changed, cut] = filesBelow(usb) as [string, string];
    const [good, other] = [readFileSync(join(usb, changed)), readFileSync(join(usb, cut))];
    writeFileSync(join(usb, changed), Buffer.alloc(good.byteLength, 7));
    writeFileSync(join(usb, cut), other.subarray(0, 100));
    const home = await openNodeHome({ home: node.place.home });
    const cluster = await openCluster(home, { repairGraceSeconds: 3, replicaCount: 3 });
    const holder = cluster?.holderClients()[0];
    if (cluster === undefined || holder === undefined) throw new Error('no holder');
    const none = await scrubHolder(home, cluster, holder, 1);
    t.ok(none.objects <= 2, 'no more is read than is asked for');
    const { repaired, damaged, objects } = await scrubHolder(home, cluster, holder, 1e9);
    await cluster.close();
    await home.close();
    t.ok(objects >= filesBelow(usb).length);
    t.ok(repaired.length + none.repaired.length >= 2);
    t.same(damaged, []);
    t.ok(readFileSync(join(usb, changed)).equals(good));
    t.ok(readFileSync(join(usb, cut)).equals(other));
  });

  await t.test('costs a copy while it is away, and gets it when it is back', async (t) => {
    renameSync(usb, `${usb}.away`);
    mkdirSync(usb);
    const away = (await node.peers()).find(({ kind }) => kind === 'folder');
    t.not(away?.status, 'online');
    node.place.write('more', sampleBytes('more', 300_000));
    const result = oneJson(await node.did('--json', 'chunk', 'more'));
    t.match(result, { copies: { wanted: 3, confirmed: 1 } });
    t.same(readdirSync(usb), [], 'nothing is written into the empty mount point');
    // Another disk at the same place, which could be written to.
    for (const name of ['tmp', 'chunks', 'manifests', 'vault']) mkdirSync(join(usb, name));
    writeFileSync(join(usb, 'holder.json'), JSON.stringify({ v: 1, record: { id: 'another' } }));
    node.place.write('other disk', sampleBytes('other disk', 100_000));
    const other = oneJson(await node.did('--json', 'chunk', 'other disk'));
    t.match(other, { copies: { wanted: 3, confirmed: 1 } });
    t.same(filesBelow(usb), [], 'nor into a disk that is another one');
    rmSync(usb, { recursive: true });
    renameSync(`${usb}.away`, usb);
    await node.did('repair');
    t.equal(filesBelow(usb).length, node.objects().size);
  });

  await t.test('takes single files by copy, and all of them', async (t) => {
    rmSync(join(usb, 'chunks'), { recursive: true });
    t.match(oneJson(await node.did('--json', 'copy', 'more', '--to', 'usb')), { files: 1, absent: 0 });
    t.ok(filesBelow(usb).length < node.objects().size);
    t.match(oneJson(await node.did('--json', 'copy', '--to', 'usb', '--since', '1h')), { files: 3 });
    t.equal(filesBelow(usb).length, node.objects().size);
    t.equal((await node.run('copy')).status, 2);
    t.equal((await node.run('copy', '--to', 'nobody')).status, 4);
    t.equal((await node.run('copy', '--to', 'usb', '--since', 'yesterday')).status, 2);
  });

  await t.test('is enough to come back from, with the right secret only', async (t) => {
    const other = new TestNode({ name: 'laptop', place: emptyPlace(t) });
    const wrong = await other.runWith({ env: { DISKTRO_PASSWORD: 'wrong' } }, 'recover', '--from', url);
    t.equal(wrong.status, 12, wrong.stderr);
    t.equal((await other.run('recover', '--from', `${url}-none`)).status, 4);
    const code = { env: { DISKTRO_PASSWORD: node.place.code } };
    const back = await other.runWith(code, '--json', 'recover', '--from', url);
    t.equal(back.status, 0, back.stderr);
    t.match(oneJson(back.stdout), { files: 3, failed: [] });
    const { status, stderr } = await other.runWith(code, 'reassemble', 'photos');
    t.equal(status, 0, stderr);
    t.ok(other.place.read('photos').equals(node.place.read('photos')));
  });

  await t.test('is taken over by no other cluster', async (t) => {
    const stranger = new TestNode({ name: 'stranger', place: await placeWithVault(t) });
    const { status, stderr } = await stranger.run('peers', 'add', url);
    t.equal(status, 21, stderr);
    t.match(stderr, /another cluster/);
  });

  await t.test('gives back what only it has before it leaves', async (t) => {
    const [lost] = [...node.objects()] as [string];
    rmSync(node.objectFile(lost));
    await node.run('verify');
    await node.did('peers', 'remove', 'usb');
    t.ok(node.objects().has(lost));
    t.notOk((await node.peers()).some(({ kind }) => kind === 'folder'));
    t.ok(filesBelow(usb).length > 0, 'nothing is deleted there');
  });
});
