// Getting files back with the real command, to wherever a person may want them. Source: src/cli/commands/reassemble.ts.
import {
  chmodSync,
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
} from 'node:fs';
import t from 'tap';
import { sampleBytes } from '../ops/sample-bytes.js';
import { offLinux } from '../skip.js';
import { oneJson } from './command.js';
import { expectError, expectJsonError } from './errors.js';
import { placeWithFile, placeWithVault } from './place.js';

t.test('an id, a prefix of it, a name and latest all find the file', async (t) => {
  const { place, file } = await placeWithFile(t);
  for (const id of [file.id, file.id.slice(0, 8), file.id.toUpperCase(), file.name, 'latest']) {
    const { status, bytes } = await place.run('reassemble', id, '-o', '-');
    t.equal(status, 0, id);
    t.ok(bytes.equals(file.bytes), `${id}: the same bytes`);
  }
  const short = await place.run('reassemble', '--json', file.id.slice(0, 7), '-o', '-');
  expectJsonError(
    t,
    short,
    { status: 4, code: 'E_NOT_FOUND', hint: /disktro ls/ },
    'seven digits are too few',
  );
});

t.test('without -o it takes its own name, in the working folder, with mode and time', async (t) => {
  const place = await placeWithVault(t);
  mkdirSync(place.path('from'));
  mkdirSync(place.path('to'));
  const path = place.path(place.write('from/run.sh', '#!/bin/sh\n'));
  chmodSync(path, 0o751);
  utimesSync(path, 1_000_000_000, 1_000_000_000.5);
  await place.run('chunk', 'from/run.sh');
  const options = { cwd: place.path('to') };
  const { status, stdout, stderr } = await place.runWith(options, 'reassemble', 'run.sh');
  t.equal(status, 0);
  t.equal(stdout, `${place.path('to/run.sh')}\n`, 'the path is the result');
  t.match(stderr, /^run\.sh: 10 B, 1 chunk in /);
  const status2 = statSync(place.path('to/run.sh'));
  t.equal(status2.mode & 0o777, 0o751);
  t.equal(status2.mtimeMs, 1_000_000_000_500);
  const again = await place.runWith(options, 'reassemble', 'run.sh', '--json');
  expectJsonError(t, again, { status: 17, code: 'E_OUTPUT_EXISTS', hint: /--force/ }, 'a second time');
  const forced = await place.runWith(options, 'reassemble', 'run.sh', '--force');
  t.equal(forced.status, 0);
});

t.test('--json has every field of the contract, on stderr when stdout holds the bytes', async (t) => {
  const { place, file } = await placeWithFile(t);
  const fields = ['bytes', 'chunks', 'fetchedFromPeers', 'id', 'name', 'path', 'seconds'];
  const facts = {
    id: file.id,
    name: file.name,
    bytes: file.bytes.length,
    chunks: Number,
    fetchedFromPeers: 0,
    seconds: Number,
  };
  const toFile = await place.run('reassemble', '--json', 'latest', '-o', 'copy.bin');
  t.equal(toFile.stderr, '');
  t.same(Object.keys(oneJson(toFile.stdout)).sort(), fields);
  t.match(oneJson(toFile.stdout), { ...facts, path: place.path('copy.bin') });
  const toStdout = await place.run('reassemble', '--json', 'latest', '-o', '-');
  t.ok(toStdout.bytes.equals(file.bytes), 'stdout is the bytes alone');
  t.same(Object.keys(oneJson(toStdout.stderr)).sort(), fields);
  t.match(oneJson(toStdout.stderr), { ...facts, path: null });
});

t.test('what is there already is not overwritten without --force', async (t) => {
  const { place, file } = await placeWithFile(t);
  place.write('taken', 'mine');
  mkdirSync(place.path('folder'));
  symlinkSync('nowhere', place.path('dangling'));
  for (const name of ['taken', 'folder', 'dangling']) {
    const outcome = await place.run('reassemble', 'latest', '-o', name);
    expectError(t, outcome, { status: 17, message: /exists already|is there already/, hint: /./ }, name);
    t.equal(outcome.stdout, '');
  }
  t.equal(place.read('taken').toString(), 'mine');
  t.same(place.names(), ['dangling', 'folder', 'taken'], 'nothing is left beside them');

  const forced = await place.run('reassemble', 'latest', '-o', 'taken', '--force');
  t.equal(forced.status, 0);
  t.ok(place.read('taken').equals(file.bytes));
  const folder = await place.run('reassemble', '--json', 'latest', '-o', 'folder', '--force');
  expectJsonError(
    t,
    folder,
    { status: 3, code: 'E_OUTPUT', message: /is a folder/ },
    'a folder, with --force',
  );
  const missing = await place.run('reassemble', '--json', 'latest', '-o', 'no/such/copy');
  expectJsonError(
    t,
    missing,
    { status: 3, code: 'E_OUTPUT', message: /^cannot write .*: no such file or folder$/ },
    'a folder that is not there',
  );
});

t.test('with --force a symbolic link stays one, and its file gets the bytes', async (t) => {
  const { place, file } = await placeWithFile(t);
  mkdirSync(place.path('real'));
  place.write('real/target', 'old');
  symlinkSync('real/target', place.path('link'));
  const { status } = await place.run('reassemble', 'latest', '-o', 'link', '--force');
  t.equal(status, 0);
  t.ok(readFileSync(place.path('link')).equals(file.bytes), 'the bytes are there through the link');
  t.ok(lstatSync(place.path('link')).isSymbolicLink(), 'it is still a link');
  t.ok(place.read('real/target').equals(file.bytes));
});

t.test('a device, a named pipe and a process substitution are written to as they are', async (t) => {
  const { place, file } = await placeWithFile(t);
  const script = `
    set -e
    disktro reassemble latest -o /dev/null
    mkfifo pipe; cat pipe > through-pipe & disktro reassemble latest -o pipe; wait
    disktro reassemble latest -o >(cat > through-substitution); sleep 0.2
    disktro reassemble latest -o /dev/stdout | cat > through-stdout`;
  const { status, stderr } = await place.shell(script);
  t.equal(status, 0, stderr);
  for (const name of ['through-pipe', 'through-substitution', 'through-stdout']) {
    t.ok(place.read(name).equals(file.bytes), name);
  }
  t.ok(lstatSync(place.path('pipe')).isFIFO(), 'the pipe is still one');
  t.ok(statSync('/dev/null').isCharacterDevice(), '/dev/null is still one');
});

t.test('a full stdout is told as such', { skip: offLinux }, async (t) => {
  const { place } = await placeWithFile(t);
  const full = openSync('/dev/full', 'w');
  for (const words of [
    ['reassemble', 'latest', '-o', '-'],
    ['ls'],
    ['chunk', place.write('a', 'a')],
    ['--version'],
    ['--help'],
  ]) {
    const { status, stderr } = await place.runWith({ stdout: full }, ...words);
    t.ok([3, 28].includes(status), `${words[0]}: exit ${status}`);
    t.match(stderr, /disktro: error: .*(?:ENOSPC|no space left)/, `${words[0]} says why`);
  }
  closeSync(full);
  const file = await place.run('reassemble', '--json', 'latest', '-o', '/dev/full');
  expectJsonError(t, file, { status: 28, code: 'E_NO_SPACE' }, 'as a path');
});

t.test('a slow reader gets 64 MiB whole, in bounded memory', async (t) => {
  const place = await placeWithVault(t);
  const bytes = sampleBytes('large', 64 * 1024 * 1024);
  place.write('large.bin', bytes);
  const script = `
    set -o pipefail
    disktro chunk -q large.bin > id
    disktro reassemble $(cat id) -o - | (head -c 100000; sleep 0.5; cat) | cmp - large.bin`;
  const { status, stderr } = await place.shell(script);
  t.equal(status, 0, stderr);
});

t.test('a reader that has had enough ends it without a stack or a hang', async (t) => {
  const place = await placeWithVault(t);
  place.write('large.bin', sampleBytes('large', 16 * 1024 * 1024));
  const script = `
    disktro chunk -q large.bin >/dev/null
    disktro reassemble latest -o - 2>errors | head -c 10 | wc -c
    echo "\${PIPESTATUS[0]}"
    for n in 1 2 3; do disktro chunk -q large.bin >/dev/null; done
    disktro ls | head -n 1 | wc -l; echo "\${PIPESTATUS[0]}"
    disktro --help | true; echo "\${PIPESTATUS[0]}"`;
  const { stdout } = await place.shell(script);
  t.equal(stdout, '10\n3\n1\n0\n0\n', 'a file cut short is a failure, a listing cut short is not');
  t.match(
    place.read('errors').toString(),
    /^disktro: error: cannot write stdout: whoever read it is gone\n$/,
  );
});

t.test('zero runs come back as holes', { skip: offLinux }, async (t) => {
  const place = await placeWithVault(t);
  const bytes = Buffer.concat([sampleBytes(1, 5000), Buffer.alloc(3_000_000), sampleBytes(2, 5000)]);
  place.write('sparse.img', bytes);
  await place.run('chunk', 'sparse.img');
  await place.run('reassemble', 'latest', '-o', 'back.img');
  t.ok(place.read('back.img').equals(bytes));
  t.ok(statSync(place.path('back.img')).blocks * 512 < 100_000, 'most of it takes no space');
});

t.test('an output name that begins with a dash, or is one, can be given', async (t) => {
  const { place, file } = await placeWithFile(t);
  for (const [words, name] of [
    [['-o', './-'], '-'],
    [['-o-odd'], '-odd'],
    [['--output=--force'], '--force'],
  ] as const) {
    const { status } = await place.run('reassemble', 'latest', ...words);
    t.equal(status, 0, words.join(' '));
    t.ok(place.read(name).equals(file.bytes), name);
  }
});

t.test('a home may be a symbolic link', async (t) => {
  const { place, file } = await placeWithFile(t);
  symlinkSync(place.home, place.path('linked-home'));
  const { status, stdout } = await place.run('--home', 'linked-home', 'ls', '--json');
  t.equal(status, 0);
  t.match(oneJson(stdout), { id: file.id });
});
