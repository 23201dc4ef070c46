// Storing files with the real command. Source: src/cli/commands/chunk.ts.
import { hostname } from 'node:os';
import t from 'tap';
import { sampleBytes, sampleText } from '../ops/sample-bytes.js';
import { ID_LINE, jsonLines, oneJson } from './command.js';
import { expectJsonError } from './errors.js';
import { CHUNK_BYTES, placeWithVault } from './place.js';

t.test('id=$(disktro chunk FILE) just works, and so does the way back', async (t) => {
  const place = await placeWithVault(t);
  place.write('big.tar', sampleBytes('big', 700_000));
  const script = `
    id=$(disktro chunk big.tar 2>notes) || exit 1
    [ \${#id} = 64 ] || exit 2
    disktro reassemble $id -o - | cmp - big.tar`;
  const { status, stdout, stderr } = await place.shell(script);
  t.equal(status, 0);
  t.equal(stdout, '');
  t.match(stderr, /^big\.tar: 684 KiB, \d+ chunks in .+\n$/, 'notes go to stderr');
  t.match(
    place.read('notes').toString(),
    /^big\.tar: 684 KiB, \d+ chunks, \d+ new, stored .+; 1 of 3 copies: no peers yet\n$/,
  );
});

t.test('several inputs give an id each, in their order, and stdin is one of them', async (t) => {
  const place = await placeWithVault(t);
  const contents: [name: string, content: Buffer][] = [
    ['one.bin', sampleBytes(1, 10)],
    ['stdin', sampleText(2, 300_000)],
    ['three.bin', sampleBytes(3, CHUNK_BYTES * 3)],
  ];
  for (const [name, content] of contents) if (name !== 'stdin') place.write(name, content);
  const input = contents[1]?.[1] ?? '';
  const stored = await place.runWith({ input }, 'chunk', 'one.bin', '-', 'three.bin');
  t.equal(stored.status, 0);
  t.match(stored.stdout, /^(?:[0-9a-f]{64}\n){3}$/);
  const ids = stored.stdout.trim().split('\n');
  for (const [index, [name, content]] of contents.entries()) {
    const { bytes } = await place.run('reassemble', ids[index] ?? '', '-o', '-');
    t.ok(bytes.equals(content), `${name} comes back from id ${index + 1}`);
  }
  await place.expectGood();
});

t.test('a reader of the ids that goes away loses ids, not files', async (t) => {
  const place = await placeWithVault(t);
  for (const name of ['a', 'b', 'c']) place.write(name, `content of ${name}`);
  const { stdout, stderr } = await place.shell(`disktro -q chunk a b c | true; echo "\${PIPESTATUS[0]}"`);
  t.equal(stdout, '3\n');
  for (const name of ['a', 'b', 'c']) t.match(stderr, new RegExp(`^${name} is stored as [0-9a-f]{64}$`, 'm'));
  t.match(stderr, /error: cannot write the result to stdout: EPIPE/);
  t.equal((await place.run('ls')).stdout.trimEnd().split('\n').length, 3);
});

t.test('--json gives one object per input, with every field of the contract', async (t) => {
  const place = await placeWithVault(t);
  place.write('a.bin', sampleBytes('a', 300_000));
  const { status, stdout, stderr } = await place.run(
    'chunk',
    '--json',
    '--replicas',
    '2',
    'a.bin',
    './a.bin',
  );
  t.equal(status, 0);
  t.equal(stderr, '');
  const [first, second] = jsonLines(stdout);
  const fields = [
    'bytes',
    'chunks',
    'copies',
    'dedupedBytes',
    'degraded',
    'id',
    'kind',
    'name',
    'newChunks',
    'seconds',
    'storedBytes',
  ];
  t.same(Object.keys(first ?? {}).sort(), fields);
  const common = {
    name: 'a.bin',
    kind: 'file',
    bytes: 300_000,
    copies: { wanted: 2, confirmed: 1 },
    degraded: true,
  };
  t.match(first, { ...common, id: /^[0-9a-f]{64}$/, dedupedBytes: 0, seconds: Number });
  t.equal(first?.newChunks, first?.chunks, 'all of the first are new');
  t.ok(
    Number(first?.storedBytes) > 300_000 && Number(first?.storedBytes) < 300_000 * 1.13,
    'padded a little',
  );
  t.match(second, { ...common, newChunks: 0, dedupedBytes: 300_000, chunks: first?.chunks });
  t.ok(Number(second?.storedBytes) < 2000, 'the second is a manifest only');
  t.not(second?.id, first?.id);
});

t.test('what is given on the command line is what is stored', async (t) => {
  const place = await placeWithVault(t);
  const text = sampleText('text', 200_000);
  place.write('disk.img', text);
  const store = async (...words: string[]) => oneJson((await place.run('chunk', '--json', ...words)).stdout);
  const packed = await store('disk.img', '--tag', 'weekly', '--tag', 'späť 🎒');
  const fixed = await store('disk.img', '--chunker', 'fixed', '--name', 'renamed.img', '--no-compress');
  t.equal(fixed.chunks, Math.ceil(200_000 / CHUNK_BYTES), 'fixed chunks');
  t.ok(Number(packed.storedBytes) < 150_000, 'text is compressed');
  t.ok(Number(fixed.storedBytes) > 190_000, 'but not with --no-compress');
  const info = oneJson((await place.run('info', '--json', String(packed.id))).stdout);
  t.match(info, { name: 'disk.img', tags: ['weekly', 'späť 🎒'], host: hostname() });
  const renamed = oneJson((await place.run('info', '--json', 'renamed.img')).stdout);
  t.match(renamed, { id: fixed.id, name: 'renamed.img', entries: [{ path: 'renamed.img' }] });
});

t.test('too few copies are exit 3, with the id on stdout and the file stored', async (t) => {
  const place = await placeWithVault(t);
  place.write('a.bin', 'a');
  const env = { DISKTRO_MIN_REPLICAS: '2' };
  const short = await place.runWith({ env }, 'chunk', 'a.bin');
  t.equal(short.status, 3);
  t.match(short.stdout, ID_LINE);
  t.match(
    short.stderr,
    /\ndisktro: error: a\.bin: expected at least 2 copies, 1 confirmed\ndisktro: hint: the file is stored/,
  );
  const asJson = await place.runWith({ env }, 'chunk', '--json', 'a.bin');
  t.match(oneJson(asJson.stderr), {
    error: { code: 'E_TOO_FEW_COPIES', details: { wanted: 3, confirmed: 1 } },
  });
  const alone = await place.runWith({ env }, 'chunk', '--no-replicate', 'a.bin');
  t.equal(alone.status, 0, '--no-replicate does not ask for them');
  const never = await place.runWith({ env }, 'chunk', '--json', '--replicas', '1', 'a.bin');
  expectJsonError(
    t,
    never,
    { status: 2, code: 'E_USAGE', message: /min_replicas \(2\)/ },
    'fewer than the least',
  );
  const list = await place.run('ls');
  t.equal(list.stdout.trim().split('\n').length, 3);
});

t.test('usage errors are told before anything is stored', async (t) => {
  const place = await placeWithVault(t);
  place.write('a', 'a');
  place.write('b', 'b');
  const long = 'x'.repeat(5000);
  const cases: [words: string[], message: RegExp][] = [
    [['a', 'b', '--name', 'both'], /^--name: expected one input, got 2$/],
    [['-', '-'], /^expected - once at most/],
    [['--name', '', 'a'], /^--name: expected a value, got ""$/],
    [['--tag', '', 'a'], /^--tag: expected a value/],
    [['--name', long, 'a'], /^name: expected 1 to 4096 bytes, got 5000$/],
    [['--tag', long, 'a'], /^tags: expected at most 64 of at most 4096 bytes each$/],
    [[...Array.from({ length: 65 }, (_, n) => ['--tag', `t${n}`]).flat(), 'a'], /^tags: expected at most 64/],
    [['--replicas', '0', 'a'], /^--replicas: expected a whole number from 1 to 100, got "0"$/],
    [['--replicas', '1e1', 'a'], /^--replicas: expected a whole number/],
    [['--chunker', 'rabin', 'a'], /^--chunker: expected one of cdc, fixed, got "rabin"$/],
    [[], /missing required argument/],
  ];
  for (const [words, message] of cases) {
    const outcome = await place.run('chunk', '--json', ...words);
    expectJsonError(t, outcome, { status: 2, code: 'E_USAGE', message }, words.join(' ').slice(0, 40));
  }
  t.same(place.objects('manifests'), [], 'nothing is stored');
});

t.test('the largest name and tags that are allowed are kept', async (t) => {
  const place = await placeWithVault(t);
  place.write('a', 'a');
  const name = 'n'.repeat(4096);
  const tag = 't'.repeat(4096);
  const stored = await place.run('chunk', '--json', '--name', name, '--tag', tag, 'a');
  t.equal(stored.status, 0);
  const [listed] = jsonLines((await place.run('ls', '--json')).stdout);
  t.match(listed, { name, tags: [tag] });
  const back = await place.run('reassemble', name, '-o', 'back');
  t.equal(back.status, 0, 'found by its name');
  await place.run('chunk', ...Array.from({ length: 64 }, (_, n) => ['--tag', `${n}`]).flat(), 'a');
  t.equal((oneJson((await place.run('info', '--json', 'latest')).stdout).tags as string[]).length, 64);
});

t.test('a slow stdin is stored whole', async (t) => {
  const place = await placeWithVault(t);
  const pieces = Array.from({ length: 20 }, (_, index) => sampleBytes(index, 1 + index * 1500));
  const running = place.start('chunk', '-', '--name', 'dump.sql');
  for (const piece of pieces) {
    running.child.stdin?.write(piece);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  running.child.stdin?.end();
  const { status, stdout } = await running.outcome;
  t.equal(status, 0);
  t.match(stdout, ID_LINE);
  const back = await place.run('reassemble', 'dump.sql', '-o', '-');
  t.ok(back.bytes.equals(Buffer.concat(pieces)));
});

t.test('it runs from any folder, and from one that was removed it says so', async (t) => {
  const place = await placeWithVault(t);
  place.write('a', 'a');
  const script =
    'cd / && disktro chunk -q "$1" && mkdir "$1.d" && cd "$1.d" && rmdir "$1.d" && disktro chunk "$1"';
  const { status, stdout, stderr } = await place.shell(script, { arguments: [place.path('a')] });
  t.match(stdout, ID_LINE);
  t.equal(status, 10);
  t.match(stderr, /^disktro: error: finding the working folder: no such file or folder$/m);
});
