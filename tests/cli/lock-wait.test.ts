// --lock-wait: patience with another process that really holds the home. Sources: src/ops/home/lock-wait.ts, home.ts.
import { join } from 'node:path';
import Database from 'better-sqlite3';
import t from 'tap';
import { eventually, oneJson } from './command.js';
import { expectJsonError } from './errors.js';
import { type Place, placeWithFile } from './place.js';

/** Another process's hold on the home: on its catalog, or on the lock that a rebuild takes. */
function hold(place: Place, file: 'catalog.db' | 'tmp/rebuild.lock') {
  const holder = new Database(join(place.home, file));
  holder.exec('BEGIN EXCLUSIVE');
  return holder;
}

t.test('a command waits until the catalog is free', async (t) => {
  const { place, file } = await placeWithFile(t);
  place.write('a', 'a');
  const holder = hold(place, 'catalog.db');
  const commands = [['chunk', 'a'], ['gc'], ['rm', file.id], ['forget', '--keep-last', '1']].map((words) =>
    place.start('--lock-wait', '50', ...words),
  );
  await new Promise((resolve) => setTimeout(resolve, 6_000));
  for (const { child } of commands) t.equal(child.exitCode, null, 'it is still waiting');
  holder.close();
  for (const { outcome } of commands) {
    const { status, stderr } = await outcome;
    t.equal(status, 0, stderr);
    t.match(stderr, /^disktro: warning: catalog .* is locked by another process: waiting for it$/m);
  }
});

t.test('a command waits for a rebuild, and a rebuild for whoever has the home open', async (t) => {
  const { place } = await placeWithFile(t);
  const holder = hold(place, 'tmp/rebuild.lock');
  const commands = [['ls'], ['status'], ['verify'], ['drill']].map((words) =>
    place.startWith({ env: { DISKTRO_LOCK_WAIT: '50' } }, ...words),
  );
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  for (const { child } of commands) t.equal(child.exitCode, null, 'it is still waiting');
  holder.close();
  for (const { outcome } of commands) t.equal((await outcome).status, 0);

  const live = place.start('chunk', '-', '--name', 'live');
  await eventually('the chunk has the home open', () =>
    place.temporary().some((name) => name.endsWith('.lock')),
  );
  const rebuild = place.start('--lock-wait', '50s', 'rebuild');
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  t.equal(rebuild.child.exitCode, null, 'the rebuild waits');
  live.child.stdin?.end('x');
  t.equal((await live.outcome).status, 0);
  t.equal((await rebuild.outcome).status, 0);
});

t.test('exit 11 when the wait is over, and at once without one', async (t) => {
  const { place } = await placeWithFile(t);
  const holder = hold(place, 'tmp/rebuild.lock');
  t.teardown(() => holder.close());
  const patient = await place.run('--json', '--lock-wait', '3', 'ls');
  const { stderr } = patient;
  t.match(oneJson(stderr.split('\n')[0] ?? ''), { warning: /is being rebuilt: waiting for it$/ });
  expectJsonError(
    t,
    { ...patient, stderr: stderr.slice(stderr.indexOf('\n') + 1) },
    { status: 11, code: 'E_LOCKED' },
    'ls',
  );
  t.ok(patient.seconds >= 3, 'not before');
  const hasty = await place.run('--json', 'ls');
  expectJsonError(t, hasty, { status: 11, code: 'E_LOCKED' }, 'ls');
  t.ok(hasty.seconds < patient.seconds);
});

t.test('Ctrl-C ends a wait', async (t) => {
  const { place } = await placeWithFile(t);
  for (const file of ['tmp/rebuild.lock', 'catalog.db'] as const) {
    const holder = hold(place, file);
    const waiting = place.start('--lock-wait', '1h', 'gc');
    await eventually('it says that it waits', () => waiting.said().includes('waiting for it'));
    const askedMs = performance.now();
    waiting.child.kill('SIGINT');
    t.equal((await waiting.outcome).status, 130, file);
    t.ok(performance.now() - askedMs < 5_000, `${file}: at once`);
    holder.close();
  }
});

t.test('a wait that nobody asked for is told after a second with -v, and ends with the hold', async (t) => {
  const { place, file } = await placeWithFile(t);
  const holder = hold(place, 'catalog.db');
  const [told, quiet] = [place.start('-v', 'rm', file.id), place.start('status')];
  await eventually('it says that it waits', () =>
    /is locked by another process: waiting for it/.test(told.said()),
  );
  holder.close();
  t.equal((await told.outcome).status, 0);
  const { status, stderr } = await quiet.outcome;
  t.equal(status, 0, stderr);
  t.equal(stderr, '', 'scripts are not told');
});
