// `disktro forget` as a person and a script use it. Sources: src/cli/commands/forget.ts, src/ops/upkeep/forget.ts.
import { rmSync } from 'node:fs';
import t, { type Test } from 'tap';
import { jsonLines, oneJson } from './command.js';
import { expectError } from './errors.js';
import { type Place, placeWithFile, placeWithVault } from './place.js';

/** Stores `notes.txt` once a day, the first on 1 March. @returns ids, oldest first */
async function storeDays(place: Place, days: number): Promise<string[]> {
  const ids: string[] = [];
  for (let day = 1; day <= days; day++) {
    place.write('notes.txt', `day ${day}`);
    const time = `2024-03-${String(day).padStart(2, '0')}T02:30:00Z`;
    const { stdout, status } = await place.run('-q', 'chunk', '--time', time, 'notes.txt');
    if (status !== 0) throw new Error('chunk failed');
    ids.push(stdout.trim());
  }
  return ids;
}

const listed = async (place: Place): Promise<string[]> =>
  (await place.run('ls')).stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => line.slice(0, 64));

async function threeDays(test: Test): Promise<{ place: Place; ids: string[] }> {
  const place = await placeWithVault(test);
  return { place, ids: await storeDays(place, 3) };
}

t.test('shows what stays, why, and what goes', async (t) => {
  const { place, ids } = await threeDays(t);
  const [first = '', second = '', third = ''] = ids;
  const dry = await place.run('forget', '--keep-last', '1', '--keep-weekly', '2', '--dry-run');
  t.equal(dry.status, 0);
  t.match(dry.stdout, new RegExp(`^\\S+:${place.cwd}/notes.txt\n`), 'the group: host and path');
  t.match(dry.stdout, new RegExp(`\nkeep    ${third}  2024-03-03 02:30  5 B  last, weekly\n`));
  t.match(dry.stdout, new RegExp(`\nremove  ${second}  2024-03-02 02:30  5 B\n`));
  t.match(
    dry.stdout,
    new RegExp(`\nkeep    ${first}  2024-03-01 02:30  5 B  oldest weekly\n`),
    'one week only',
  );
  t.equal(dry.stderr, 'would remove 1 file, 2 kept\n');
  t.same(await listed(place), ids, 'a dry run removes nothing');

  const real = await place.run('forget', '--keep-last', '1', '--keep-weekly', '2');
  t.equal(real.stdout, dry.stdout, 'the real one shows the same');
  t.match(
    real.stderr,
    /^removed 1 file; \d+ objects \(.*\) no longer needed, 2 kept: `disktro gc` frees them/,
  );
  t.same(await listed(place), [first, third]);
  const again = await place.run('forget', '--keep-last', '1', '--keep-weekly', '2');
  t.equal(again.stderr, 'nothing to remove, 2 kept\n');
  await place.expectGood();
});

t.test('-q prints the ids that went and nothing else', async (t) => {
  const { place, ids } = await threeDays(t);
  const { status, stdout, stderr } = await place.run('-q', 'forget', '--keep-last', '2');
  t.same([status, stdout, stderr], [0, `${ids[0]}\n`, '']);
  t.same((await place.run('-q', 'forget', '--keep-last', '2')).stdout, '');
});

t.test('--json: a line per group, then one about the whole', async (t) => {
  const { place, ids } = await threeDays(t);
  const outcome = await place.run('forget', '--json', '--keep-last', '2', '--gc', '--grace', '0');
  const [group, total, ...more] = jsonLines(outcome.stdout);
  t.same(more, []);
  t.match(group, {
    group: { path: place.path('notes.txt'), name: null, tags: null },
    keep: [
      {
        id: ids[2],
        name: 'notes.txt',
        created: '2024-03-03T02:30:00.000Z',
        bytes: 5,
        tags: [],
        reasons: ['last'],
      },
      { id: ids[1], reasons: ['last'] },
    ],
    remove: [{ id: ids[0], created: '2024-03-01T02:30:00.000Z' }],
  });
  t.match(total, { removed: [ids[0]], kept: 2, dryRun: false, tombstoned: 2, gc: { freed: 2, waiting: 0 } });
  t.equal(place.objects('manifests').length, 2, '--gc frees at once where there is no grace');
  await place.expectGood();
});

t.test('exit 2, and nothing is removed', async (t) => {
  const { place, ids } = await threeDays(t);
  const rows: readonly (readonly [words: readonly string[], message: RegExp])[] = [
    [[], /^expected a rule that keeps something, got none$/],
    [['--keep-last', '0'], /^expected a rule that keeps something, got none$/],
    [['--keep-tag', 'never'], /^the rules keep nothing of .*notes.txt: nothing was removed$/],
    [['--unsafe-allow-remove-all'], /^expected a rule or a filter/],
    [['--keep-daily', '-2'], /^--keep-daily: expected a whole number or unlimited, got "-2"$/],
    [['--keep-daily', 'many'], /^--keep-daily: expected a whole number or unlimited/],
    [['--keep-within', '7'], /^--keep-within: expected years, months, days and hours/],
    [['--keep-within-daily', '1w'], /^--keep-within-daily: expected years/],
    [['--keep-last', '1', '--group-by', 'size'], /^--group-by: expected host, path or tags/],
    [['--keep-last', '1', ids[0] ?? ''], /^expected ids, or rules and filters, got both$/],
    [['--tag', 'x', ids[0] ?? ''], /^expected ids, or rules and filters, got both$/],
  ];
  for (const [words, message] of rows) {
    expectError(t, await place.run('forget', ...words), { status: 2, message }, words.join(' '));
  }
  t.same(await listed(place), ids);
});

t.test('with ids just these go, as with rm', async (t) => {
  const { place, ids } = await threeDays(t);
  const [first = '', second = ''] = ids;
  const dry = await place.run('forget', '--dry-run', first.slice(0, 12));
  t.equal(dry.stdout, `${first}\n`);
  t.equal((await listed(place)).length, 3);
  const missing = await place.run('forget', first, '00000000');
  t.equal(missing.status, 4);
  t.equal((await listed(place)).length, 3, 'an id that is not there: none goes');
  const keyless = await place.runWith({ env: { DISKTRO_PASSWORD: undefined } }, 'forget', first);
  t.same([keyless.status, keyless.stdout], [0, `${first}\n`], 'an id needs no password');
  const json = oneJson((await place.run('forget', '--json', second, '--gc', '--grace', '0')).stdout);
  t.match(json, { removed: [second], dryRun: false, gc: { freed: 4 } });
  t.same(await listed(place), ids.slice(2));
});

t.test('rules need the password, for names and paths are sealed', async (t) => {
  const { place } = await placeWithFile(t);
  const outcome = await place.runWith({ env: { DISKTRO_PASSWORD: undefined } }, 'forget', '--keep-last', '1');
  expectError(t, outcome, { status: 2, message: /password/ }, 'forget');
});

t.test('groups, filters and tags by flags; ls takes the same filters', async (t) => {
  const place = await placeWithVault(t);
  const store = async (name: string, ...words: string[]): Promise<string> => {
    place.write(name, `${name} ${words.join(' ')}`);
    return (await place.run('-q', 'chunk', ...words, name)).stdout.trim();
  };
  const a1 = await store('a', '--time', '2024-03-01', '--tag', 'first');
  const a2 = await store('a', '--time', '2024-03-02', '--tag', 'second', '--tag', 'both');
  const b1 = await store('b', '--time', '2024-03-03T10:00:00+01:00', '--tag', 'first', '--tag', 'both');
  const ls = async (...words: string[]) =>
    (await place.run('ls', ...words)).stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => line.slice(0, 64));
  t.same(await ls('--tag', 'first'), [a1, b1]);
  t.same(await ls('--tag', 'first,both'), [b1]);
  t.same(await ls('--tag', 'first', '--tag', 'second'), [a1, a2, b1]);
  t.same(await ls('--tag', ''), []);
  t.same(await ls('--path', 'a'), [a1, a2], 'a path counts from the working folder');
  t.same(await ls('--path', place.path('b'), '--path', 'c'), [b1]);
  t.same(await ls('--host', 'no-such-host'), []);
  t.match((await place.run('ls', '--host', 'x')).stderr, /^no file fits these filters$/m);
  t.match(oneJson((await place.run('ls', '--json', '--path', 'b')).stdout), {
    created: '2024-03-03T09:00:00.000Z',
    path: place.path('b'),
    proven: null,
  });

  const ids = async (...words: string[]): Promise<unknown> => {
    const lines = jsonLines((await place.run('forget', '--json', '--dry-run', ...words)).stdout);
    return lines.at(-1)?.removed;
  };
  t.same(await ids('--keep-last', '1'), [a1]);
  t.same(await ids('--keep-last', '1', '--group-by', ''), [a2, a1]);
  t.same(await ids('--keep-last', '1', '--group-by', 'paths,host'), [a1]);
  t.same(await ids('--keep-last', '1', '--path', 'b'), []);
  t.same(await ids('--keep-tag', 'both', '--group-by', 'host'), [a1]);
  t.same(await ids('--keep-last', 'unlimited'), []);
  t.same(await ids('--keep-last', '-1'), []);
  t.same(await ids('--keep-within', '30h', '--group-by', 'host'), [a2, a1]);
  t.same(
    await ids('--unsafe-allow-remove-all', '--path', 'a'),
    [a2, a1],
    'all that fits a filter, when asked',
  );
});

t.test('exit 2: a time that is none, or before 1970', async (t) => {
  const place = await placeWithVault(t);
  place.write('a', 'a');
  for (const time of ['soon', '2024-13-01', '1969-12-31T23:59:59Z', '2024-03-01T02', '12:00', '']) {
    const outcome = await place.run('chunk', '--time', time, 'a');
    expectError(t, outcome, { status: 2, message: /^--time: expected a time since 1970/ }, time);
  }
  t.same(await listed(place), []);
});

t.test('beside a running chunk that relies on the same chunks nothing that it needs is freed', async (t) => {
  const { place, file } = await placeWithFile(t);
  const running = place.start('chunk', '-', '--name', 'live');
  const half = file.bytes.subarray(0, 300_000);
  running.child.stdin?.write(half);
  // It has begun when its lock is there; the rest of its input comes when the file that it relies on is forgotten.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  const newer = place.write('b', 'newer');
  t.equal((await place.run('chunk', newer, '--name', file.name)).status, 0);
  const forget = await place.run(
    'forget',
    '--json',
    '--keep-last',
    '1',
    '--group-by',
    '',
    '--gc',
    '--grace',
    '0',
  );
  t.match(jsonLines(forget.stdout).at(-1), { removed: [file.id] });
  running.child.stdin?.end(file.bytes.subarray(300_000));
  const stored = await running.outcome;
  t.equal(stored.status, 0, stored.stderr);
  t.ok((await place.runWith({}, 'reassemble', 'live', '-o', '-')).bytes.equals(file.bytes));
  await place.expectGood();
  t.equal((await place.run('gc', '--grace', '0')).status, 0);
  await place.expectGood();
  rmSync(place.path('b'));
});
