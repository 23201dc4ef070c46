// How a store becomes a member, and when it does not: nothing is called a copy that is none.
// Sources: src/ops/holders/add-holder.ts, src/ops/recover/recover-store.ts, src/cli/commands/holder-add.ts.
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import t, { type Test } from 'tap';
import { oneJson } from '../cli/command.js';
import { emptyPlace, placeWithVault } from '../cli/place.js';
import { sampleBytes } from '../ops/sample-bytes.js';
import { MemoryEngine } from '../store/memory-engine.js';
import { TestNode } from './node.js';

const KEYS = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' };
const limits = { timeout: 120_000, skip: process.platform === 'win32' && 'needs POSIX paths in file URLs' };

async function machine(t: Test): Promise<TestNode> {
  return new TestNode({ name: 'desk', place: await placeWithVault(t) });
}

function folderOf(node: TestNode, name: string): string {
  const folder = node.place.path(name);
  mkdirSync(folder);
  return folder;
}

t.test('a folder of a home is no further copy of what is in it', limits, async (t) => {
  const node = await machine(t);
  const link = node.place.path('usb');
  symlinkSync(`${node.home}/objects`, link);
  for (const folder of [node.home, `${node.home}/objects`, `${node.home}/objects/chunks`, link]) {
    const { status, stderr } = await node.run('peers', 'add', `file://${folder}`);
    t.equal(status, 2, stderr);
    t.match(stderr, /lies in the home/);
  }
  t.notOk(existsSync(`${node.home}/objects/holder.json`));
  node.place.write('photos', sampleBytes('photos', 300_000));
  t.match(oneJson(await node.did('--json', 'chunk', 'photos')), { copies: { confirmed: 1 } });
});

t.test('what no member would take is refused, and leaves no note', limits, async (t) => {
  const node = await machine(t);
  const usb = folderOf(node, 'usb');
  const long = folderOf(node, 'n'.repeat(201));
  for (const [folder, words, field] of [
    [usb, ['--zone', 'z'.repeat(101)], /zone/],
    [usb, ['--zone', 'a\tb'], /zone/],
    [usb, ['--name', 'n'.repeat(201)], /name/],
    [usb, ['--name', 'a\nb'], /name/],
    [long, [], /name/],
  ] as const) {
    const { status, stderr } = await node.run('peers', 'add', `file://${folder}`, ...words);
    t.equal(status, 2, stderr);
    t.match(stderr, field);
    t.notOk(existsSync(`${folder}/holder.json`));
  }
  await node.did('peers', 'add', `file://${usb}`, '--zone', 'z'.repeat(100), '--name', 'n'.repeat(200));
  await node.did('peers', 'add', `file://${long}`, '--name', 'short');
  t.equal((await node.peers()).filter(({ kind }) => kind === 'folder').length, 2);
});

t.test('added again with other options it stays as it is, and that is said', limits, async (t) => {
  const node = await machine(t);
  const url = `file://${folderOf(node, 'usb')}`;
  const words = ['peers', 'add', url, '--zone', 'attic', '--capacity', '5G', '--role', 'mirror'];
  await node.did(...words);
  t.notMatch((await node.run(...words)).stderr, /stays as it is/, 'the same command, as on another machine');
  const { status, stderr } = await node.run('peers', 'add', url, '--role', 'share', '--zone', 'cellar');
  t.equal(status, 0, stderr);
  t.match(stderr, /usb was a member already and stays as it is: --zone, --role changed nothing/);
});

t.test('a folder whose note is lost comes back as a folder, with room for its share', limits, async (t) => {
  const node = await machine(t);
  const usb = folderOf(node, 'usb');
  await node.did('peers', 'add', `file://${usb}`);
  node.place.write('photos', sampleBytes('photos', 300_000));
  await node.did('chunk', 'photos');
  await node.did('repair');
  rmSync(`${usb}/holder.json`);
  const other = new TestNode({ name: 'laptop', place: emptyPlace(t) });
  const code = { env: { DISKTRO_PASSWORD: node.place.code } };
  const { status, stderr } = await other.runWith(code, 'recover', '--from', `file://${usb}`);
  t.equal(status, 0, stderr);
  const { record } = JSON.parse(readFileSync(`${usb}/holder.json`, 'utf8'));
  t.equal(record.kind, 'folder');
  t.ok(record.capacity > 0);
});

t.test('keys that cannot be read keep no store from its work that needs none of them', limits, async (t) => {
  const node = await machine(t);
  const usb = folderOf(node, 'usb');
  const engine = await MemoryEngine.start(t);
  await node.runWith({ env: KEYS }, 'peers', 'add', engine.url('kept'), '--name', 'kept');
  await node.did('peers', 'add', `file://${usb}`);
  // As after `sudo aws configure`.
  node.place.env.AWS_SHARED_CREDENTIALS_FILE = usb;
  node.place.write('photos', sampleBytes('photos', 300_000));
  t.match(oneJson(await node.did('--json', 'chunk', 'photos')), { copies: { confirmed: 3 } });
  const refused = await node.run('peers', 'add', engine.url('other'));
  t.equal(refused.status, 2);
  t.match(refused.stderr, /it is a folder/);
});
