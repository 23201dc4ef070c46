// Stores that are not what they seem: a disk that is not mounted, a bucket that is another home's, one bad answer,
// files that a power cut has emptied. Sources: src/ops/holders/add-holder.ts, drain-holder.ts, holder-client.ts,
// tend-holder.ts, scrub-holder.ts, src/ops/recover/recover-store.ts, src/ops/copies/delete-on-peers.ts,
// src/ops/upkeep/verify.ts, gc.ts.
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { openCluster } from '../../src/ops/cluster/cluster.js';
import { scrubHolder } from '../../src/ops/holders/scrub-holder.js';
import { openNodeHome } from '../../src/ops/home/home.js';
import { oneJson } from '../cli/command.js';
import { emptyPlace, placeWithVault } from '../cli/place.js';
import { sampleBytes } from '../ops/sample-bytes.js';
import { startProxy } from '../store/faulty-proxy.js';
import { MemoryEngine } from '../store/memory-engine.js';
import { TestCluster } from './cluster.js';
import { TestNode, until } from './node.js';

const limits = { timeout: 200_000, skip: process.platform === 'win32' && 'needs POSIX paths in file URLs' };
const KEYS = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' };

const objectsBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /[0-9a-f]{64}$/.test(name));

/** A machine with a vault and these folders as holders. */
async function machine(
  t: Test,
  names: readonly string[],
  env: Record<string, string> = {},
): Promise<TestNode> {
  const node = new TestNode({ name: 'desk', place: await placeWithVault(t), env });
  for (const name of names) {
    mkdirSync(node.place.path(name));
    await node.did('peers', 'add', `file://${node.place.path(name)}`);
  }
  return node;
}

async function store(node: TestNode, name: string, bytes: number): Promise<void> {
  node.place.write(name, sampleBytes(name, bytes));
  await node.did('chunk', name);
}

/** As when a disk is unplugged: its mount point is there, and empty. */
function unplug(folder: string): () => void {
  renameSync(folder, `${folder}.away`);
  mkdirSync(folder);
  return () => {
    renameSync(folder, `${folder}.empty`);
    renameSync(`${folder}.away`, folder);
  };
}

t.test('a bucket that is all that a home has becomes no holder', limits, async (t) => {
  const engine = await MemoryEngine.start(t);
  const outer = emptyPlace(t);
  Object.assign(outer.env, KEYS);
  const made = await outer.runWith({ mayShowCode: true }, 'init', '--store', engine.url('p'));
  t.equal(made.status, 0, made.stderr);
  const node = await machine(t, [], KEYS);
  const { status, stderr } = await node.run('peers', 'add', engine.url('p'));
  t.equal(status, 21);
  t.match(stderr, /all that the home of a vault has/);
});

t.test('one bad answer costs no object', limits, async (t) => {
  const engine = await MemoryEngine.start(t);
  const outer = emptyPlace(t);
  Object.assign(outer.env, KEYS);
  await outer.runWith({ mayShowCode: true }, 'init', '--store', engine.url('p'));
  outer.write('one', sampleBytes('one', 300_000));
  t.equal((await outer.run('chunk', 'one')).status, 0);
  const chunk = [...engine.objects.keys()].find((key) => key.includes('/chunks/')) ?? '';
  let asked = 0;
  engine.instead = (method, key) =>
    method === 'GET' && key === chunk && asked++ === 0 ? Buffer.alloc(900) : undefined;
  t.equal((await outer.run('verify', '--repair')).status, 0);
  t.equal(asked, 2, 'asked once more');
  t.ok(engine.objects.has(chunk), 'the object is where it was');
});

t.test('a chunk that the bucket of a home does not let go keeps no other from going', limits, async (t) => {
  const engine = await MemoryEngine.start(t);
  const proxy = await startProxy(t, `127.0.0.1:${engine.port}`);
  const outer = emptyPlace(t);
  Object.assign(outer.env, KEYS);
  const url = `s3://${proxy.host}/bucket/p?tls=0`;
  await outer.runWith({ mayShowCode: true }, 'init', '--store', url, '--chunk-size', '65536');
  outer.write('many', sampleBytes('many', 30_000_000));
  t.equal((await outer.run('chunk', 'many')).status, 0);
  const objects = (): string[] => [...engine.objects.keys()].filter((key) => /[0-9a-f]{64}$/.test(key));
  t.ok(objects().length > 300, `${objects().length} objects`);
  // Of those that were stored first, which go first.
  const locked = objects().find((key) => key.includes('/chunks/')) ?? '';
  const body = '<Error><Code>AccessDenied</Code></Error>';
  proxy.fault = ({ method, path }) =>
    method === 'DELETE' && path.endsWith(locked) ? { type: 'answer', status: 403, body } : undefined;
  await outer.run('rm', 'many');
  for (let run = 0; run < 2; run++) {
    const { status, stderr } = await outer.run('gc', '--grace', '0');
    t.equal(status, 21);
    t.match(stderr, locked.slice(-64), 'it is told which one');
    t.same(objects(), [locked]);
  }
  proxy.fault = () => undefined;
  t.equal((await outer.run('gc', '--grace', '0')).status, 0);
  t.same(objects(), []);
});

t.test('gc while the disk is not mounted: it is told when it is back', limits, async (t) => {
  const node = await machine(t, ['usb']);
  const usb = node.place.path('usb');
  await store(node, 'secret', 900_000);
  const plugIn = unplug(usb);
  await node.did('rm', 'secret');
  const first = oneJson((await node.run('--json', 'gc', '--grace', '0')).stdout);
  t.match(first, { peers: { isWaiting: true } });
  plugIn();
  await node.did('gc', '--grace', '0');
  t.same(objectsBelow(usb), []);
});

t.test('a disk that is unplugged while it is drained is not taken for empty', limits, async (t) => {
  const node = await machine(t, ['usb', 'second'], { DISKTRO_REPAIR_GRACE: '600' });
  await store(node, 'photos', 900_000);
  // The other place for the copies is away, so the drain waits.
  unplug(node.place.path('second'));
  const removing = node.run('peers', 'remove', 'usb', '--timeout', '20');
  await pause(4_000);
  unplug(node.place.path('usb'));
  const { status } = await removing;
  t.not(status, 0);
  t.ok((await node.peers()).some(({ name }) => name === 'usb'));
});

t.test('a removal that was given up: added again, the store is one like the others', limits, async (t) => {
  const node = await machine(t, ['usb', 'second'], { DISKTRO_REPAIR_GRACE: '600' });
  await store(node, 'photos', 300_000);
  const plugIn = unplug(node.place.path('second'));
  t.equal((await node.run('peers', 'remove', 'usb', '--timeout', '1')).status, 3);
  plugIn();
  const statusOfUsb = async () => (await node.peers()).find(({ name }) => name === 'usb')?.status;
  t.match(await statusOfUsb(), /draining/);
  await node.did('peers', 'add', `file://${node.place.path('usb')}`);
  t.notMatch(await statusOfUsb(), /draining/);
  const before = objectsBelow(node.place.path('usb')).length;
  await store(node, 'more', 300_000);
  t.ok(objectsBelow(node.place.path('usb')).length > before);
});

t.test('a store that is full, or may only be read, can be left: only it has an object', limits, async (t) => {
  for (const [status, body] of [
    [403, '<Error><Code>QuotaExceeded</Code></Error>'],
    [403, '<Error><Code>AccessDenied</Code></Error>'],
  ] as const) {
    const engine = await MemoryEngine.start(t);
    const proxy = await startProxy(t, `127.0.0.1:${engine.port}`);
    const node = await machine(t, [], KEYS);
    await node.did('peers', 'add', `s3://${proxy.host}/bucket/p?tls=0`, '--name', 'cloud');
    await store(node, 'photos', 900_000);
    const [lost = ''] = [...node.objects()];
    rmSync(node.objectFile(lost));
    await node.run('verify');
    proxy.fault = ({ method }) => (method === 'PUT' ? { type: 'answer', status, body } : undefined);
    await node.did('peers', 'remove', 'cloud');
    t.ok(node.objects().has(lost), 'it was taken in first');
    t.notOk((await node.peers()).some(({ name }) => name === 'cloud'));
  }
});

t.test('rot in a manifest is found, however many chunks there are', limits, async (t) => {
  const node = await machine(t, ['usb']);
  await store(node, 'photos', 2_000_000);
  const manifests = join(node.place.path('usb'), 'manifests');
  const [manifest = ''] = objectsBelow(manifests);
  writeFileSync(join(manifests, manifest), 'rotten');
  const home = await openNodeHome({ home: node.place.home });
  const cluster = await openCluster(home, { repairGraceSeconds: 3, replicaCount: 3 });
  const [holder] = cluster?.holderClients() ?? [];
  if (cluster === undefined || holder === undefined) throw new Error('no holder');
  let found = 0;
  for (let run = 0; run < 40 && found === 0; run++)
    found = (await scrubHolder(home, cluster, holder, 1024 * 1024)).repaired.length;
  t.equal(found, 1);
  t.not(readFileSync(join(manifests, manifest), 'latin1'), 'rotten');
  await cluster.close();
  await home.close();
});

t.test('files that a power cut has emptied or cut are no copies, and are made whole', limits, async (t) => {
  const node = await machine(t, ['usb']);
  const usb = node.place.path('usb');
  await store(node, 'photos', 900_000);
  const whole = new Map(objectsBelow(usb).map((name) => [name, readFileSync(join(usb, name))]));
  for (const [index, name] of [...whole.keys()].entries())
    truncateSync(join(usb, name), index % 2 === 0 ? 0 : 200);
  await node.did('repair');
  for (const [name, bytes] of whole) t.ok(readFileSync(join(usb, name)).equals(bytes));
});

t.test('a machine in a cluster of its own does not seize the store of another one', limits, async (t) => {
  const node = await machine(t, ['usb']);
  const usb = node.place.path('usb');
  await store(node, 'photos', 300_000);
  const note = readFileSync(join(usb, 'holder.json'), 'utf8');
  const other = new TestNode({ name: 'laptop', place: emptyPlace(t) });
  await other.did('peers', 'invite', '--address', '127.0.0.1:9999');
  const env = { DISKTRO_PASSWORD: node.place.code };
  const { status, stderr } = await other.runWith({ env }, 'recover', '--from', `file://${usb}`);
  t.equal(status, 21, stderr);
  t.match(stderr, /another cluster/);
  t.equal(readFileSync(join(usb, 'holder.json'), 'utf8'), note);
});

t.test('gc says that a store was not told which only another machine can use', limits, async (t) => {
  const cluster = await TestCluster.start(t, { nodes: 2 });
  const [desk, attic] = [cluster.node(0), cluster.node(1)];
  const usb = attic.place.path('usb');
  mkdirSync(usb);
  for (const node of [desk, attic]) await node.did('peers', 'add', `file://${usb}`);
  // As if the disk were not mounted on the desk, nor ever had been.
  writeFileSync(`${desk.home}/node/holders.json`, JSON.stringify({ v: 1, holders: [] }), { mode: 0o600 });
  await desk.restart();
  await store(desk, 'secret', 400_000);
  await until('the disk has all', async () => objectsBelow(usb).length >= desk.objects().size, 30_000);
  await desk.did('rm', 'secret');
  const { peers } = oneJson((await desk.run('--json', 'gc', '--grace', '0')).stdout) as {
    peers: { told: number; unreachable: string[] };
  };
  t.ok(peers.told > 0, 'the other machine was told');
  const id = (await desk.peers()).find(({ name }) => name === 'usb')?.id;
  t.same(peers.unreachable, [id]);
});
