// Exit 11: a home that another process has to itself, and that is not waited for for ever. Sources:
// src/catalog/database.ts, lock.ts, src/ops/upkeep/rebuild.ts.
import { join } from 'node:path';
import Database from 'better-sqlite3';
import t from 'tap';
import { eventually } from './command.js';
import { expectJsonError } from './errors.js';
import { type Place, placeWithFile } from './place.js';

t.test('exit 11: a home whose catalog another process holds, once patience is over', async (t) => {
  const { place, file } = await placeWithFile(t);
  place.write('a', 'a');
  const holder = new Database(join(place.home, 'catalog.db'));
  holder.exec('BEGIN EXCLUSIVE');
  t.teardown(() => holder.close());
  const locked = [['rm', file.id], ['chunk', 'a'], ['gc']].map(async (words) => {
    const outcome = await place.run('--json', ...words);
    expectJsonError(
      t,
      outcome,
      { status: 11, code: 'E_LOCKED', message: /is locked by another process$/, hint: /wait/ },
      words[0] ?? '',
    );
    t.ok(outcome.seconds >= 5, `${words[0]} waits at least 5 s`);
  });
  const list = await place.run('ls');
  t.equal(list.status, 0, 'reading goes on meanwhile');
  await Promise.all(locked);
  holder.exec('ROLLBACK');
  t.equal((await place.run('chunk', 'a')).status, 0, 'and afterwards it works again');
});

t.test('exit 11: rebuild beside a running chunk, and any command beside a rebuild', async (t) => {
  const { place } = await placeWithFile(t);
  const running = place.start('chunk', '-', '--name', 'live');
  await waitForSession(place);
  const rebuild = await place.run('rebuild', '--json');
  expectJsonError(t, rebuild, { status: 11, code: 'E_LOCKED' }, 'rebuild');
  running.child.stdin?.end('stored all the same');
  t.equal((await running.outcome).status, 0, 'the chunk is not disturbed');

  const holder = new Database(join(place.home, 'tmp/rebuild.lock'));
  holder.exec('BEGIN EXCLUSIVE');
  for (const words of [['ls'], ['chunk', place.write('a', 'a')], ['gc'], ['rebuild']]) {
    const outcome = await place.run('--json', ...words);
    expectJsonError(t, outcome, { status: 11, code: 'E_LOCKED' }, `${words[0]} beside a rebuild`);
  }
  holder.close();
  t.equal((await place.run('rebuild')).status, 0, 'a lock file that nobody holds is no lock');
  t.equal((await place.run('reassemble', 'live', '-o', '-')).stdout, 'stored all the same');
});

async function waitForSession(place: Place): Promise<void> {
  await eventually('the session begins', () => place.temporary().some((name) => name.endsWith('.lock')));
}
