// What the loss of nodes would cost, by the real command with real nodes. Sources: src/cli/commands/whatif.ts,
// src/ops/copies/whatif.ts.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { TestCluster } from '../cluster/cluster.js';
import { jsonLines, type Outcome, oneJson } from './command.js';
import { expectError, expectJsonError } from './errors.js';
import { emptyPlace, placeWithFile } from './place.js';

function answer({ status, stdout, stderr }: Outcome): Record<string, unknown> {
  if (status !== 0) throw new Error(stderr);
  return oneJson(stdout);
}

t.test('alone, losing this machine loses all; other nodes there are none', async (t) => {
  const { place, file } = await placeWithFile(t);
  t.same(answer(await place.run('whatif', '--lose', 'self', '--json')), {
    lost: [file.id],
    degraded: [],
    safe: 0,
  });
  const text = await place.run('whatif', '--lose', 'self');
  t.equal(text.stdout, `lost      ${file.id}\n`);
  const cases: [claim: string, words: string[], status: number, code: string][] = [
    ['nothing to lose', [], 2, 'E_USAGE'],
    ['an empty name', ['--lose', ''], 2, 'E_USAGE'],
    ['an empty name in a list', ['--lose', 'self,'], 2, 'E_USAGE'],
    ['a node without a cluster', ['--lose', 'nas'], 4, 'E_NOT_FOUND'],
    ['one known, one not', ['--lose', 'self,nas'], 4, 'E_NOT_FOUND'],
  ];
  for (const [claim, words, status, code] of cases)
    expectJsonError(t, await place.run('whatif', ...words, '--json'), { status, code }, claim);
  expectError(
    t,
    await emptyPlace(t).run('whatif', '--lose', 'self'),
    { status: 10, message: /^no vault/ },
    'no vault',
  );
});

t.test('with two more nodes', async (t) => {
  const cluster = await TestCluster.start(t, { env: { DISKTRO_REPAIR_GRACE: '60' } });
  const [a, b, c] = [cluster.node(0), cluster.node(1), cluster.node(2)];
  const { place } = a;
  place.write('safe', 'in three places');
  place.write('alone', 'in one place');
  const safe = (await place.run('chunk', 'safe')).stdout.trim();
  // Nobody shall heal it while the test looks.
  await a.stop();
  const alone = (await place.run('chunk', '--no-replicate', 'alone')).stdout.trim();
  const whatif = async (lose: string, replicas = '2') =>
    answer(
      await place.runWith({ env: { DISKTRO_REPLICA_COUNT: replicas } }, 'whatif', '--lose', lose, '--json'),
    );

  t.same(await whatif('cellar'), { lost: [], degraded: [alone], safe: 1 }, 'b and this one are left');
  t.same(await whatif('self'), { lost: [alone], degraded: [], safe: 1 });
  t.same(await whatif('attic'), { lost: [alone], degraded: [], safe: 1 }, 'by its name');
  t.same(await whatif('self,barn'), { lost: [alone], degraded: [safe], safe: 0 });
  t.same(await whatif('attic,barn,cellar'), { lost: [safe, alone], degraded: [], safe: 0 }, 'oldest first');
  t.same(await whatif('barn', '1'), { lost: [], degraded: [], safe: 2 }, 'one copy is all that is wanted');
  const id = String(jsonLines((await b.place.run('peers', '--json')).stdout).find(({ self }) => self)?.id);
  t.same(await whatif(`self,${id.slice(0, 6)}`), { lost: [alone], degraded: [safe], safe: 0 }, 'by a prefix');
  expectError(
    t,
    await place.run('whatif', '--lose', id.slice(0, 3)),
    { status: 4, message: /^no node/ },
    'too short a prefix',
  );

  // c has lost its disk, and nobody here has heard of it yet.
  await c.stop();
  rmSync(join(c.place.home, 'objects'), { recursive: true });
  for (const end of ['', '-wal', '-shm']) rmSync(join(c.place.home, `catalog.db${end}`), { force: true });
  const gone = await place.runWith(
    { env: { DISKTRO_REPLICA_COUNT: '2' } },
    'whatif',
    '--lose',
    'self,barn',
    '--json',
  );
  t.same(answer(gone), { lost: [alone], degraded: [safe], safe: 0 }, 'as it was last known');
  t.match(
    gone.stderr,
    /^\{"warning":"cellar is out of reach: it counts with the copies it was last known to have"\}\n$/,
  );
  await b.stop();
  await c.serve();
  // b is not there to heal it.
  const heard = await place.runWith(
    { env: { DISKTRO_REPLICA_COUNT: '2', DISKTRO_PEERS: '' } },
    'peers',
    'add',
    `127.0.0.1:${c.port}`,
  );
  t.equal(heard.status, 0, heard.stderr);
  t.same(
    await whatif('self,barn'),
    { lost: [safe, alone], degraded: [], safe: 0 },
    'what it says now counts',
  );
  t.same(await whatif('cellar'), { lost: [], degraded: [alone], safe: 1 }, 'and b as it was last known');
});
