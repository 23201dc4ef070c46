// Ctrl-C and its relatives: what was not done leaves nothing, and the next run finds a home in order. Sources:
// src/cli/signals.ts, run.ts.
import { existsSync } from 'node:fs';
import t from 'tap';
import { sampleBytes } from '../ops/sample-bytes.js';
import { onWindows } from '../skip.js';
import { eventually, oneJson, type Running } from './command.js';
import { emptyPlace, type Place, placeWithVault } from './place.js';

const MIB = 1024 * 1024;
const skip = onWindows;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function startSlowChunk(place: Place, ...words: string[]): Promise<Running> {
  const running = place.start('chunk', '-', '--name', 'slow', ...words);
  running.child.stdin?.write(sampleBytes('slow', 100_000));
  await eventually('the session begins', () => place.temporary().some((name) => name.endsWith('.lock')));
  await pause(200);
  return running;
}

for (const [name, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 143],
] as const) {
  t.test(
    `${name} ends a chunk of a stdin that stays open, with ${status} and without a trace`,
    { skip },
    async (t) => {
      const place = await placeWithVault(t);
      const running = await startSlowChunk(place);
      running.child.kill(name);
      const outcome = await running.outcome;
      t.equal(outcome.status, status);
      t.ok(outcome.seconds < 20, 'it does not wait for stdin to end');
      t.equal(outcome.stdout, '', 'no id');
      t.equal(outcome.stderr, 'disktro: error: stopped before it was done\n');
      t.same(place.temporary(), [], 'tmp/ is empty');
      t.equal((await place.run('ls')).stdout, '', 'nothing is listed');
      place.write('next', 'next');
      t.equal((await place.run('chunk', 'next')).status, 0, 'the next run works');
      t.same(place.temporary(), []);
      await place.expectGood();
    },
  );
}

t.test('SIGINT in the midst of much data does the same', { skip }, async (t) => {
  const place = await placeWithVault(t);
  const running = place.start('chunk', '-');
  const bytes = sampleBytes('much', MIB);
  const more = (): void => {
    while (running.child.stdin?.writable && running.child.stdin.write(bytes));
  };
  running.child.stdin?.on('drain', more);
  more();
  await eventually('chunks are stored', () => place.objects('chunks').length > 0);
  running.child.kill('SIGINT');
  const { status, stdout } = await running.outcome;
  t.equal(status, 130);
  t.equal(stdout, '');
  t.same(place.temporary(), []);
  await place.expectGood();
});

t.test('SIGINT is told as JSON with --json', { skip }, async (t) => {
  const place = await placeWithVault(t);
  const running = await startSlowChunk(place, '--json');
  running.child.kill('SIGINT');
  const { status, stderr } = await running.outcome;
  t.equal(status, 130);
  t.match(oneJson(stderr), { error: { code: 'E_ABORTED' } });
});

t.test('SIGINT between two inputs keeps the first', { skip }, async (t) => {
  const place = await placeWithVault(t);
  place.write('first', 'first');
  const running = place.start('chunk', 'first', '-');
  await eventually('the first id is printed', () => /[0-9a-f]{64}/.test(running.said()));
  running.child.kill('SIGINT');
  const { status, stdout } = await running.outcome;
  t.equal(status, 130);
  const back = await place.run('reassemble', stdout.trim(), '-o', '-');
  t.equal(back.stdout, 'first', 'a printed id is a promise');
});

t.test('SIGINT and SIGTERM during reassemble leave no output, under any name', { skip }, async (t) => {
  const place = await placeWithVault(t);
  place.env.DISKTRO_WORKERS = '0';
  place.write('large', sampleBytes('large', 160 * MIB));
  const stored = await place.run('chunk', 'large');
  t.equal(stored.status, 0);
  for (const [name, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    const running = place.start('reassemble', 'latest', '-o', 'out');
    await eventually('the output is being written', () =>
      place.names().some((each) => each.endsWith('.tmp')),
    );
    running.child.kill(name);
    const outcome = await running.outcome;
    t.equal(outcome.status, status, name);
    t.same(place.names(), ['large'], `${name} leaves neither the output nor a part of it`);
  }
  const pipe = await place.shell(
    'disktro reassemble latest -o - & sleep 1; kill -INT %1; wait %1; echo status $? >&2',
    {},
  );
  t.match(pipe.stderr, /status (130|0)\n/, 'also into a pipe');
});

t.test('a second SIGINT stops at once', { skip }, async (t) => {
  const place = await placeWithVault(t);
  const command = 'exec 2>/dev/null; trap "" INT; sleep 30';
  const env = { DISKTRO_PASSWORD: undefined, DISKTRO_PASSWORD_COMMAND: command };
  const running = place.startWith({ env, nodeOptions: ['--import', stubborn(place)] }, 'chunk', '-');
  await pause(1500);
  running.child.kill('SIGINT');
  await pause(300);
  t.equal(running.child.exitCode, null, 'the first one asks, and this work does not listen');
  const askedMs = performance.now();
  running.child.kill('SIGINT');
  const { status } = await running.outcome;
  t.equal(status, 130);
  t.ok(performance.now() - askedMs < 5000, 'the second one does not wait');
  place.write('next', 'next');
  t.equal((await place.run('chunk', 'next')).status, 0);
  await place.expectGood();
});

/** Work that does not listen when it is asked to stop: every abort is forgotten. */
function stubborn(place: Place): string {
  const name = place.write(
    'stubborn.mjs',
    'AbortController.prototype.abort = () => {}; setInterval(() => {}, 1000);',
  );
  return place.path(name);
}

t.test(
  'SIGINT while the password is being worked on ends it, and a home half made is taken up again',
  { skip },
  async (t) => {
    const place = emptyPlace(t);
    const options = { env: { DISKTRO_HOME: place.path('new') }, mayShowCode: true };
    for (const waitMs of [0, 50, 100, 200, 400]) {
      const running = place.startWith({ input: '', ...options }, 'init', '-q');
      await pause(waitMs);
      running.child.kill('SIGINT');
      const { status } = await running.outcome;
      t.ok([0, 130].includes(status), `after ${waitMs} ms: exit ${status}`);
      if (status === 0) break;
    }
    place.write('a', 'a');
    const stored = await place.runWith(options, 'chunk', 'a');
    t.equal(stored.status, 0, 'whatever was left, a vault can be made there');
    t.ok(existsSync(place.path('new/vault.json')));
  },
);
