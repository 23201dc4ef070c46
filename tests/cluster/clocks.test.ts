// Clocks that are an hour wrong, and a node that was away for a week. Sources: src/net/certificates.ts,
// src/net/member-record.ts, src/server/routes/vaults.ts, src/ops/copies/delete-on-peers.ts, src/ops/copies/repair.ts.
import { readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { oneJson } from '../cli/command.js';
import { sampleBytes } from '../ops/sample-bytes.js';
import { TestCluster } from './cluster.js';
import type { TestNode } from './node.js';
import { clockMissing, wrongClock } from './wrong-clock.js';

const WEEK_S = 7 * 24 * 60 * 60;

/** Serves with a clock that is so far off, such as `+1h`; undefined: right again. */
async function reset(node: TestNode, offset: string | undefined): Promise<void> {
  await node.stop();
  const { env } = node.place;
  for (const name of Object.keys(wrongClock('+0'))) delete env[name];
  if (offset !== undefined) Object.assign(env, wrongClock(offset));
  await node.serve();
}

/** As if nobody had touched it for a week. */
function age(node: TestNode): void {
  const members = join(node.home, 'node', 'members.json');
  const known = JSON.parse(readFileSync(members, 'utf8')) as { last_seen: Record<string, number> };
  for (const id of Object.keys(known.last_seen)) known.last_seen[id] = Date.now() - WEEK_S * 1000;
  writeFileSync(members, JSON.stringify(known));
  const then = Date.now() / 1000 - WEEK_S;
  for (const name of readdirSync(node.home, { recursive: true, encoding: 'utf8' }))
    utimesSync(join(node.home, name), then, then);
}

t.test('wrong clocks and long absences', { skip: clockMissing, timeout: 280_000 }, async (t) => {
  const cluster = await TestCluster.start(t, { env: { DISKTRO_DELETE_GRACE: '1' } });
  const { first } = cluster;
  const [fast, slow] = [cluster.node(1), cluster.node(2)];
  const store = async (name: string): Promise<string> => {
    first.place.write(name, sampleBytes(name, 400_000));
    const told = oneJson(await first.did('--json', 'chunk', name));
    t.match(told, { degraded: false, copies: { confirmed: 3 } }, name);
    return String(told.id);
  };
  const holders = (id: string): string[] =>
    cluster.nodes.filter((node) => node.objects().has(id)).map(({ name }) => name);

  await t.test('an hour fast and an hour slow: files go out and come back', async (t) => {
    await Promise.all([reset(fast, '+1h'), reset(slow, '-1h')]);
    await Promise.all(cluster.nodes.map((node) => node.sees(3)));
    const told = [...slow.log.matchAll(/"time":"([^"]+)"/g)].at(-1)?.[1] ?? '';
    t.ok(Math.abs(Date.now() - 3_600_000 - Date.parse(told)) < 60_000, `it is ${told} there`);
    const kept = await store('kept');
    for (const node of [fast, slow])
      t.equal((await node.run('peers', 'ping', first.id)).status, 0, node.name);
    await first.did('reassemble', kept, '-o', 'kept-back');
  });

  await t.test('a deletion that seems to come from the future waits until the clock is right', async (t) => {
    const gone = await store('gone');
    await first.did('rm', gone);
    const told = oneJson(await first.did('--json', 'gc', '--grace', '0'));
    t.match(told, { peers: { unreachable: [slow.id], isWaiting: false } });
    await cluster.until('the fast one has freed it', () => !fast.objects().has(gone));
    t.same(holders(gone), [slow.name]);
    await Promise.all([reset(fast, undefined), reset(slow, undefined)]);
    await slow.sees(3);
    await first.did('gc', '--grace', '0');
    await cluster.until('it is gone everywhere', () => holders(gone).length === 0);
  });

  await t.test('a node that comes back after a week brings back nothing that was removed', async (t) => {
    const removed = await store('removed');
    await slow.stop();
    await first.did('rm', removed);
    t.match(oneJson(await first.did('--json', 'gc', '--grace', '0')), { peers: { isWaiting: true } });
    await first.did('gc', '--grace', '0', '--force');
    first.place.write('meanwhile', sampleBytes('meanwhile', 400_000));
    const meanwhile = String(oneJson(await first.did('--json', 'chunk', 'meanwhile')).id);
    age(slow);
    await cluster.until('the others have freed it', () => holders(removed).join() === slow.name);
    await slow.serve();
    await cluster.until('it has what it missed', () => slow.objects().has(meanwhile));
    await cluster.settled();
    t.same(holders(removed), [slow.name], 'it is on no other node again');
    await first.did('gc', '--grace', '0');
    await cluster.until('nor there', () => holders(removed).length === 0);
    t.notMatch(await first.did('ls', '--json'), removed);
    for (const node of cluster.nodes) t.equal((await node.run('verify')).status, 0, node.name);
  });
});
