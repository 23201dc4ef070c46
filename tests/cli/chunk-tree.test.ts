// Folders through the real command. Sources: src/cli/commands/chunk.ts, dry-run.ts, tree-flags.ts,
// src/ops/tree/chunk-tree.ts.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import t from 'tap';
import { chance, runSeed, sampleBytes } from '../ops/sample-bytes.js';
import { offLinux } from '../skip.js';
import { ID_LINE, jsonLines, oneJson } from './command.js';
import { type Place, placeWithVault } from './place.js';

t.setTimeout(300_000);
const isRoot = process.getuid?.() === 0;

/** Root may read everything, unless it gives that up. */
const DROPPED = '-dac_override,-dac_read_search';
const through = isRoot ? ['setpriv', `--bounding-set=${DROPPED}`, `--inh-caps=${DROPPED}`] : [];

function makeTree(place: Place): string {
  for (const folder of ['tree', 'tree/sub', 'tree/sub/deep']) fs.mkdirSync(place.path(folder));
  for (let index = 0; index < 50; index++) {
    place.write(`tree/sub/f${index}`, sampleBytes(index, 500 * index));
  }
  place.write('tree/large', sampleBytes('large', 700_000));
  place.write('tree/sub/deep/note', 'a note');
  return 'tree';
}

t.test('prints one id per folder and file, and says on stderr what was done', async (t) => {
  const place = await placeWithVault(t);
  makeTree(place);
  place.write('single', 'x');
  const { status, stdout, stderr } = await place.run('chunk', 'tree', 'single', 'tree/sub/');
  t.equal(status, 0);
  t.match(stdout, /^([0-9a-f]{64}\n){3}$/);
  t.match(stderr, /^tree: 52 files \(0 unchanged\), .+\nsingle: 1 B.+\nsub: 51 files/m);
  await place.expectGood();
  const { stdout: quiet, stderr: silence } = await place.run('-q', 'chunk', 'tree');
  t.match([quiet, silence], [ID_LINE, '']);
});

t.test('--json counts files, unchanged and failed', async (t) => {
  const place = await placeWithVault(t);
  makeTree(place);
  await new Promise((resolve) => setTimeout(resolve, 2500));
  const first = oneJson((await place.run('chunk', 'tree', '--json', '--tag', 'x')).stdout);
  t.match(first, { kind: 'tree', name: 'tree', files: 52, unchanged: 0, failed: [], newChunks: Number });
  const again = oneJson((await place.run('chunk', 'tree', '--json')).stdout);
  t.match(again, { files: 52, unchanged: 52, newChunks: 0, bytes: first.bytes, dedupedBytes: first.bytes });
  const forced = oneJson((await place.run('chunk', '--force', 'tree', '--json')).stdout);
  t.match(forced, { unchanged: 0, newChunks: 0 });
});

t.test('an unchanged file is not opened', { skip: offLinux }, async (t) => {
  const place = await placeWithVault(t);
  makeTree(place);
  await new Promise((resolve) => setTimeout(resolve, 2500));
  const openedFiles = async (): Promise<string[]> => {
    const traced = ['strace', '-f', '-qq', '-o', place.path('trace'), '-e', 'trace=openat,open'];
    t.equal((await place.runWith({ through: traced }, 'chunk', 'tree')).status, 0);
    const lines = place.read('trace').toString().split('\n');
    return lines
      .map((line) => /"[^"]*\/tree\/([^"]+)", O_RDONLY[^)]*O_NOFOLLOW/.exec(line)?.[1] ?? '')
      .filter(Boolean);
  };
  t.equal((await openedFiles()).length, 51, 'all that have content, at first');
  fs.appendFileSync(place.path('tree/sub/f7'), 'more');
  t.same(await openedFiles(), ['sub/f7']);
});

t.test('what cannot be read is named, the rest is stored, exit 3', { skip: offLinux }, async (t) => {
  const place = await placeWithVault(t);
  makeTree(place);
  fs.chmodSync(place.path('tree/sub/f3'), 0o000);
  fs.chmodSync(place.path('tree/large'), 0o000);
  fs.chmodSync(place.path('tree/sub/deep'), 0o000);
  t.teardown(() => fs.chmodSync(place.path('tree/sub/deep'), 0o700));
  const { status, stdout, stderr } = await place.runWith({ through }, 'chunk', 'tree');
  t.equal(status, 3);
  t.match(stdout, ID_LINE);
  for (const name of ['sub/f3', 'large', 'sub/deep']) {
    t.match(stderr, new RegExp(`^disktro: warning: ${name}: permission denied; not stored$`, 'm'));
  }
  t.match(stderr, /^disktro: error: 3 paths could not be read; the rest is stored$/m);
  const json = await place.runWith({ through }, 'chunk', 'tree', '--json');
  t.equal(json.status, 3);
  const { failed, files } = oneJson(json.stdout);
  t.equal(files, 49);
  t.same(failed, [
    { path: 'large', reason: 'permission denied' },
    { path: 'sub/deep', reason: 'permission denied' },
    { path: 'sub/f3', reason: 'permission denied' },
  ]);
  await place.expectGood();
  fs.chmodSync(place.path('tree'), 0o000);
  t.teardown(() => fs.chmodSync(place.path('tree'), 0o700));
  const closed = await place.runWith({ through }, 'chunk', 'tree');
  t.match(
    closed,
    { status: 3, stdout: '', stderr: /cannot read .+: permission denied/ },
    'a closed root is no empty tree',
  );
});

t.test('--dry-run lists path and size, needs no password, and stores nothing', async (t) => {
  const place = await placeWithVault(t);
  makeTree(place);
  const before = place.objects('chunks').length;
  const env = { DISKTRO_PASSWORD: undefined };
  const { status, stdout } = await place.runWith({ env }, 'chunk', 'tree', '--dry-run', '--exclude', 'f*');
  t.equal(status, 0);
  t.equal(stdout, './\t-\nlarge\t700000\nsub/\t-\nsub/deep/\t-\nsub/deep/note\t6\n');
  const lines = jsonLines(
    (await place.runWith({ env }, 'chunk', 'tree', 'tree/large', '--dry-run', '--json')).stdout,
  );
  t.equal(lines.length, 56);
  t.same(lines.at(-1), { path: 'tree/large', type: 'file', size: 700_000 });
  t.same([place.objects('chunks').length, place.objects('manifests').length], [before, 0]);
});

t.test('patterns come from the configuration, files and flags', async (t) => {
  const place = await placeWithVault(t);
  makeTree(place);
  place.write('.disktrorc', 'exclude: ["deep/"]\n');
  place.write('patterns', '# large ones\r\nlarge\r\n');
  const words = [
    'chunk',
    'tree',
    '--dry-run',
    '--exclude-file',
    'patterns',
    '--exclude',
    'f[1-4]*',
    '--exclude',
    'f?',
  ];
  t.equal((await place.run(...words)).stdout, './\t-\nsub/\t-\n');
  const missing = await place.run('chunk', 'tree', '--exclude-file', 'none');
  t.match(missing, { status: 2, stderr: /--exclude-file: cannot read "none": no such file or folder/ });
});

t.test('--time says when it was stored', async (t) => {
  const place = await placeWithVault(t);
  makeTree(place);
  const { stdout } = await place.run('chunk', 'tree', 'tree/large', '--time', '2020-01-02T03:04:05Z');
  for (const id of stdout.trim().split('\n')) {
    const listed = jsonLines((await place.run('ls', '--json')).stdout).find((line) => line.id === id);
    t.equal(listed?.created, '2020-01-02T03:04:05.000Z');
  }
  for (const time of ['yesterday', '2020', '1969-12-31T23:59:59Z', '2020-13-01']) {
    t.match(
      await place.run('chunk', 'tree', '--time', time),
      { status: 2, stderr: /--time: expected a time/ },
      time,
    );
  }
});

t.test('files that change and vanish while the tree is read fail nothing', { skip: offLinux }, async (t) => {
  const place = await placeWithVault(t);
  makeTree(place);
  const churn = `while :; do for i in 1 2 3 4 5 6 7 8 9; do
    head -c $((RANDOM * 20)) /dev/zero > tree/sub/f$i; rm -f tree/sub/deep/n*; echo $i > tree/sub/deep/n$i; done; done`;
  const { status, stderr } = await place.shell(
    `(${churn}) 2>/dev/null & pid=$!; for i in 1 2 3 4 5 6; do disktro chunk -q tree || exit 9; done; kill $pid; wait $pid; exit 0`,
  );
  t.equal(status, 0, stderr);
  await place.expectGood();
});

const seed = runSeed();
t.test(`a kill at any moment leaves nothing broken (seed ${seed})`, async (t) => {
  const place = await placeWithVault(t);
  makeTree(place);
  const luck = chance(seed);
  const whole = (await place.run('chunk', 'tree')).seconds * 1000;
  const printed: string[] = [];
  for (let round = 0; round < 12; round++) {
    place.write(`tree/sub/f${luck.whole(50)}`, sampleBytes(`${seed} ${round}`, 60_000));
    place.write(`tree/large ${round}`, sampleBytes(`large ${round}`, 400_000));
    const running = place.startWith({ input: '' }, 'chunk', 'tree');
    const timer = setTimeout(() => running.child.kill('SIGKILL'), luck.whole(1.2 * whole));
    const { stdout } = await running.outcome;
    clearTimeout(timer);
    if (ID_LINE.test(stdout)) printed.push(stdout.trim());
  }
  await place.expectGood();
  const listed = jsonLines((await place.run('ls', '--json')).stdout).map(({ id }) => id);
  for (const id of printed) t.ok(listed.includes(id), 'what was printed is listed');
  t.equal((await place.run('gc', '--grace', '0')).status, 0);
  t.equal((await place.run('chunk', 'tree')).status, 0);
  await place.expectGood();
});

t.test('a folder whose name is not UTF-8, given as an argument', { skip: offLinux }, async (t) => {
  const place = await placeWithVault(t);
  const script = `d=$(printf 'caf\\351'); mkdir "$d" && echo x > "$d/file" && disktro chunk --json "$d"/ && disktro chunk --json "$d"`;
  const { status, stdout, stderr } = await place.shell(script);
  t.equal(status, 0, stderr);
  t.match(jsonLines(stdout), [
    { kind: 'tree', files: 1 },
    { kind: 'tree', files: 1 },
  ]);
});

t.test(
  'a loop of links, deep folders and odd names are all the same to it',
  { skip: offLinux },
  async (t) => {
    const place = await placeWithVault(t);
    fs.mkdirSync(place.path('tree'));
    fs.symlinkSync('.', place.path('tree/loop'));
    execFileSync('mkdir', ['-p', place.path(`tree/${'d/'.repeat(900)}`)]);
    for (const name of ['-rf', ' ', '*', 'new\nline', '\u202e', '"']) place.write(`tree/${name}`, name);
    const { status, stdout, stderr } = await place.run('chunk', '--json', 'tree');
    t.equal(status, 0, stderr);
    t.match(oneJson(stdout), { files: 6, failed: [] });
  },
);
