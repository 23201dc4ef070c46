// What people give to chunk besides ordinary files. Sources: src/ops/chunk/chunk.ts, src/cli/commands/chunk.ts.
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import t from 'tap';
import { sampleBytes } from '../ops/sample-bytes.js';
import { offLinux } from '../skip.js';
import { eventually, jsonLines, oneJson } from './command.js';
import { expectJsonError } from './errors.js';
import { placeWithVault } from './place.js';

t.test('empty inputs and inputs of one byte are stored and come back', async (t) => {
  const place = await placeWithVault(t);
  place.write('empty', '');
  place.write('one', 'x');
  const { status, stdout } = await place.runWith({ input: '' }, 'chunk', '--json', 'empty', '-', 'one');
  t.equal(status, 0);
  t.match(jsonLines(stdout), [
    { name: 'empty', bytes: 0, chunks: 0, newChunks: 0 },
    { name: 'stdin', bytes: 0, chunks: 0 },
    { name: 'one', bytes: 1, chunks: 1 },
  ]);
  for (const [name, content] of [
    ['empty', ''],
    ['stdin', ''],
    ['one', 'x'],
  ] as const) {
    await place.run('reassemble', name, '-o', `${name}.back`);
    t.equal(place.read(`${name}.back`).toString(), content);
    const out = await place.run('reassemble', name, '-o', '-');
    t.equal(out.stdout, content);
  }
  await place.expectGood();
});

t.test('inputs just around the chunk sizes come back', async (t) => {
  const place = await placeWithVault(t);
  const sizes = [32_768, 32_769, 65_535, 65_536, 65_537, 262_144, 262_145];
  const names = sizes.map((size) => place.write(`${size}`, sampleBytes(size, size)));
  for (const chunker of ['cdc', 'fixed']) {
    const { status, stdout } = await place.run('chunk', '--chunker', chunker, ...names);
    t.equal(status, 0);
    const script = 'for name in $NAMES; do disktro reassemble $1 -o - | cmp - $name || exit; shift; done';
    const ids = stdout.trim().split('\n');
    const back = await place.shell(script, { arguments: ids, env: { NAMES: names.join(' ') } });
    t.equal(back.status, 0, `${chunker}: ${back.stderr}`);
  }
  await place.expectGood();
});

t.test('pipes, sockets and devices are refused by name', { skip: offLinux }, async (t) => {
  const place = await placeWithVault(t);
  mkdirSync(place.path('folder'));
  execFileSync('mkfifo', [place.path('fifo')]);
  symlinkSync('nowhere', place.path('dangling'));
  symlinkSync('loop', place.path('loop'));
  const cases: [path: string, message: RegExp][] = [
    ['fifo', /^cannot store "fifo": expected a file, got neither a file nor a folder$/],
    ['/dev/null', /got neither a file nor a folder$/],
    ['dangling', /no such file or folder$/],
    ['loop', /too many symbolic links$/],
    ['folder/no/file', /no such file or folder$/],
    ['/etc/passwd/x', /no such file or folder \(a part of the path is no folder\)$/],
    [`${'x'.repeat(256)}`, /the name is too long$/],
    ['', /^cannot read "": no such file or folder$/],
  ];
  for (const [path, message] of cases) {
    const outcome = await place.run('chunk', '--json', path);
    expectJsonError(t, outcome, { status: 3, code: 'E_INPUT', message }, path.slice(0, 20));
  }
  for (const path of ['fifo', '/dev/stdin']) {
    const { stderr } = await place.run('chunk', path);
    t.match(stderr, /^disktro: hint: .*COMMAND \| disktro chunk - /m, `${path}: how a stream is stored`);
  }
  t.same(place.objects('manifests'), []);
});

t.test('a link to a file is followed', async (t) => {
  const place = await placeWithVault(t);
  place.write('target', 'behind the link');
  symlinkSync('target', place.path('link'));
  await place.run('chunk', 'link');
  t.equal((await place.run('reassemble', 'link', '-o', '-')).stdout, 'behind the link');
});

t.test('a file that may not be read is exit 3', { skip: offLinux }, async (t) => {
  const place = await placeWithVault(t);
  place.write('secret', 'x');
  chmodSync(place.path('secret'), 0o000);
  mkdirSync(place.path('closed'));
  place.write('closed/file', 'x');
  chmodSync(place.path('closed'), 0o000);
  t.teardown(() => chmodSync(place.path('closed'), 0o700));
  // Root may read everything, unless it gives that up.
  const dropped = '-dac_override,-dac_read_search';
  const through =
    process.getuid?.() === 0 ? ['setpriv', `--bounding-set=${dropped}`, `--inh-caps=${dropped}`] : [];
  for (const path of ['secret', 'closed/file']) {
    const outcome = await place.runWith({ through }, 'chunk', '--json', path);
    const message = /^cannot read ".+": permission denied$/;
    expectJsonError(t, outcome, { status: 3, code: 'E_INPUT', message, details: { errno: 'EACCES' } }, path);
  }
});

t.test(
  'a file that grows or shrinks while it is read is stored as read, and said to have changed',
  { skip: offLinux },
  async (t) => {
    const place = await placeWithVault(t);
    const size = 32 * 1024 * 1024;
    const cases: [claim: string, change: (path: string) => void][] = [
      ['grows', (path) => appendFileSync(path, 'more')],
      ['shrinks', (path) => truncateSync(path, 1000)],
      ['is written to', (path) => writeFileSync(path, 'elsewhere', { flag: 'r+' })],
    ];
    for (const [claim, change] of cases) {
      const path = place.path(place.write('live.log', sampleBytes(claim, size)));
      const running = place.startWith({ input: '' }, 'chunk', '--json', 'live.log');
      await eventually('it is being read', () => offsetOf(running.child.pid ?? 0, path) > 1_000_000);
      change(path);
      const { status, stdout, stderr } = await running.outcome;
      t.equal(status, 0, claim);
      t.match(oneJson(stdout), { changed: true, name: 'live.log' }, claim);
      t.match(jsonLines(stderr), [{ warning: 'live.log: changed while it was read; stored as read' }], claim);
      const back = await place.run('reassemble', 'latest', '-o', '-');
      t.equal(back.bytes.length, Number(oneJson(stdout).bytes), 'what was read comes back');
    }
    place.write('live.log', 'quiet');
    t.notOk(
      'changed' in oneJson((await place.run('chunk', '--json', 'live.log')).stdout),
      'a quiet file has not changed',
    );
    await place.expectGood();
  },
);

/** How far a process has read a file. */
function offsetOf(pid: number, path: string): number {
  try {
    for (const descriptor of readdirSync(`/proc/${pid}/fd`)) {
      const link = readlinkSync(`/proc/${pid}/fd/${descriptor}`);
      if (link !== path) continue;
      return Number(/pos:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/fdinfo/${descriptor}`, 'utf8'))?.[1]);
    }
  } catch {
    // It has not opened it yet.
  }
  return 0;
}

t.test('a file that vanishes while it is read is stored whole', { skip: offLinux }, async (t) => {
  const place = await placeWithVault(t);
  const bytes = sampleBytes('vanishing', 32 * 1024 * 1024);
  const path = place.path(place.write('gone', bytes));
  const running = place.startWith({ input: '' }, 'chunk', 'gone');
  await eventually('it is being read', () => offsetOf(running.child.pid ?? 0, path) > 1_000_000);
  execFileSync('rm', [path]);
  t.equal((await running.outcome).status, 0);
  const script = 'disktro reassemble gone -o - | sha256sum';
  const expected = execFileSync('sha256sum', { input: bytes, encoding: 'utf8' });
  t.equal((await place.shell(script)).stdout, expected);
});
