// The command with trees: reassemble, ls, cat, diff, find.
// Sources: src/cli/commands/reassemble-tree.ts, ls.ts, cat.ts, diff.ts, find.ts.
import fs from 'node:fs';
import t, { type Test } from 'tap';
import { jsonLines, oneJson } from './command.js';
import { expectError, expectJsonError } from './errors.js';
import { type Place, placeWithFile, placeWithVault } from './place.js';

t.setTimeout(280_000);

async function placeWithTree(test: Test): Promise<{ place: Place; id: string }> {
  const place = await placeWithVault(test);
  fs.mkdirSync(place.path('docs/letters'), { recursive: true });
  place.write('docs/a.txt', 'alpha');
  place.write('docs/letters/may.txt', 'dear may');
  fs.symlinkSync('a.txt', place.path('docs/link'));
  fs.chmodSync(place.path('docs/a.txt'), 0o640);
  const { stdout, stderr, status } = await place.run('chunk', 'docs');
  if (status !== 0) throw new Error(stderr);
  return { place, id: stdout.trim() };
}

t.test('a tree comes back under its name, or where -o says, and is compared', async (t) => {
  const { place, id } = await placeWithTree(t);
  fs.mkdirSync(place.path('elsewhere'));
  const here = await place.runWith({ cwd: place.path('elsewhere') }, 'reassemble', id);
  t.equal(here.status, 0, here.stderr);
  t.match(here.stdout, /elsewhere\/docs\n$/);
  t.match(here.stderr, /^docs: 3 files, 13 B in /);
  const out = await place.run('reassemble', '--json', id, '-o', 'out');
  t.match(oneJson(out.stdout), {
    id,
    name: 'docs',
    path: place.path('out'),
    files: 3,
    skipped: 0,
    bytes: 13,
    fetchedFromPeers: 0,
  });
  t.equal(place.read('out/letters/may.txt').toString(), 'dear may');
  t.equal(fs.statSync(place.path('out/a.txt')).mode & 0o777, 0o640);

  const same = await place.run('reassemble', id, '-o', 'out', '--verify');
  t.equal(same.status, 0, same.stderr);
  place.write('out/a.txt', 'omega');
  const differs = await place.run('reassemble', id, '-o', 'out', '--verify');
  t.equal(differs.stdout, 'a.txt: content, mtime\n');
  t.equal(differs.status, 13);
  t.equal(place.read('out/a.txt').toString(), 'omega');

  const refused = await place.run('reassemble', id, '-o', 'out');
  expectError(
    t,
    refused,
    { status: 17, message: /exists already|is there already/, hint: /--overwrite/ },
    'not empty',
  );
  const never = await place.run('reassemble', '--json', id, '-o', 'out', '--overwrite', 'never');
  t.match(oneJson(never.stdout), { files: 0, skipped: 3 });
  const plan = await place.run('reassemble', id, '-o', 'out', '--force', '--dry-run');
  t.equal(plan.stdout, 'a.txt\n');
  const forced = await place.run('reassemble', id, '-o', 'out', '--force');
  t.equal(forced.status, 0);
  t.equal(place.read('out/a.txt').toString(), 'alpha');
});

t.test('parts of a tree: a folder as a tree, a file as a file or to stdout', async (t) => {
  const { place, id } = await placeWithTree(t);
  t.equal((await place.run('reassemble', `${id}:letters`, '-o', 'letters')).status, 0);
  t.same(fs.readdirSync(place.path('letters')), ['may.txt']);
  const file = await place.run('reassemble', 'docs:letters/may.txt');
  t.equal(file.stdout, `${place.path('may.txt')}\n`);
  t.equal(place.read('may.txt').toString(), 'dear may');
  for (const words of [
    ['cat', 'latest:a.txt'],
    ['reassemble', 'docs:a.txt', '-o', '-'],
  ]) {
    const printed = await place.run(...words);
    t.equal(printed.stdout, 'alpha', words.join(' '));
  }
  t.equal((await place.run('cat', 'docs:a.txt')).stderr, '', 'cat says nothing');
  const whole = await place.run('reassemble', id, '-o', '-');
  expectError(t, whole, { status: 2, message: /stdout/, hint: /ID:path/ }, 'a tree to stdout');
  expectJsonError(
    t,
    await place.run('--json', 'cat', id),
    { status: 2, code: 'E_USAGE', hint: /ID:path/ },
    'cat of a tree',
  );
  expectJsonError(
    t,
    await place.run('--json', 'cat', `${id}:letters`),
    { status: 2, code: 'E_USAGE' },
    'cat of a folder',
  );
  expectJsonError(
    t,
    await place.run('--json', 'cat', `${id}:none`),
    { status: 4, code: 'E_NOT_FOUND' },
    'no such path',
  );
  expectJsonError(
    t,
    await place.run('--json', 'reassemble', `${id}:../x`),
    { status: 2, code: 'E_USAGE' },
    'a path out',
  );
  const some = await place.run('reassemble', id, '-o', 'some', '--include', '*.txt', '--include', '!a.txt');
  t.equal(some.status, 0);
  t.same(fs.readdirSync(place.path('some'), { recursive: true }).sort(), ['letters', 'letters/may.txt']);
});

t.test('options of trees are refused for files', async (t) => {
  const { place } = await placeWithFile(t);
  for (const words of [['--overwrite', 'always'], ['--include', '*'], ['--dry-run'], ['--verify']]) {
    const outcome = await place.run('--json', 'reassemble', 'latest', '-o', 'x', ...words);
    expectJsonError(t, outcome, { status: 2, code: 'E_USAGE' }, words.join(' '));
    t.notOk(place.has('x'));
  }
});

t.test('a damaged chunk: the files are named, the rest is there, status 13', async (t) => {
  const { place, id } = await placeWithTree(t);
  for (const chunk of place.objects('chunks')) {
    const bytes = fs.readFileSync(chunk);
    bytes[60] = (bytes[60] ?? 0) ^ 1;
    fs.writeFileSync(chunk, bytes);
  }
  const { status, stderr } = await place.run('reassemble', id, '-o', 'out');
  t.equal(status, 13);
  t.match(stderr, /disktro: warning: a\.txt: /);
  t.match(stderr, /disktro: warning: letters\/may\.txt: /);
  t.ok(fs.lstatSync(place.path('out/link')).isSymbolicLink());
  t.notOk(place.has('out/a.txt'));
});

t.test('ls, diff and find look into trees', async (t) => {
  const { place, id } = await placeWithTree(t);
  const list = await place.run('ls', id);
  const lines = list.stdout.split('\n');
  t.match(lines[0], /^drwx.* \.$/);
  t.match(lines[1], /^-rw-r----- .* 5 {2}\d{4}-\d\d-\d\d \d\d:\d\d {2}a\.txt$/);
  t.match(lines[2], /letters\/$/);
  t.match(lines[4], /^l.* link -> a\.txt$/);
  const below = jsonLines((await place.run('ls', '--json', id, 'letters')).stdout);
  t.match(below, [
    { path: 'letters', type: 'directory' },
    { path: 'letters/may.txt', type: 'file', size: 8 },
  ]);
  t.equal((await place.run('ls', id, 'none')).status, 4);

  place.write('docs/a.txt', 'alpha beta');
  place.write('docs/new', '');
  fs.unlinkSync(place.path('docs/link'));
  fs.chmodSync(place.path('docs/letters/may.txt'), 0o600);
  const second = (await place.run('chunk', 'docs')).stdout.trim();
  const diff = jsonLines((await place.run('diff', '--json', id, second)).stdout);
  const changes = Object.fromEntries(diff.map(({ path, change }) => [path, change]));
  t.match(changes, { 'a.txt': 'content', link: 'removed', 'letters/may.txt': 'metadata', new: 'added' });
  t.match(
    diff.find(({ path }) => path === 'a.txt'),
    { before: 5, after: 10 },
  );
  const nothing = await place.run('diff', id, id);
  t.equal(nothing.stdout, '');
  t.equal(nothing.status, 0);
  t.match((await place.run('diff', id, second)).stdout, /^M {7}5 B -> 10 B {2}a\.txt$/m);

  const found = jsonLines((await place.run('find', '--json', 'letters/*.txt')).stdout);
  t.match(found, [
    { id, path: 'letters/may.txt' },
    { id: second, path: 'letters/may.txt' },
  ]);
  t.equal((await place.run('find', 'no such')).stdout, '');
});
