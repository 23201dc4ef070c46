// Several processes on one home, and processes that are killed: what was printed is kept, whoever else was there.
// Sources: src/catalog/sessions.ts, lock.ts, src/ops/home/crash-recovery.ts, src/ops/upkeep/gc.ts.
import { cpSync } from 'node:fs';
import t from 'tap';
import { chance, sampleBytes } from '../ops/sample-bytes.js';
import { onWindows } from '../skip.js';
import { oneJson } from './command.js';
import { emptyPlace, type Place, placeWithVault } from './place.js';

const skip = onWindows;

/** Ids that were printed, each with the bytes that must come back. */
class Promised {
  readonly #bytes = new Map<string, Buffer>();

  add(stdout: string, bytes: Buffer): void {
    for (const id of stdout.split('\n')) if (/^[0-9a-f]{64}$/.test(id)) this.#bytes.set(id, bytes);
  }

  get count(): number {
    return this.#bytes.size;
  }

  /** What does not come back, in words. */
  async broken(place: Place): Promise<string[]> {
    const found: string[] = [];
    for (const [id, bytes] of this.#bytes) {
      const back = await place.run('reassemble', id, '-o', '-');
      if (!back.bytes.equals(bytes)) found.push(`${id}: exit ${back.status} ${back.stderr}`);
    }
    return found;
  }
}

t.test(
  'three chunks of overlapping files and a gc that frees at once do not disturb each other',
  { skip },
  async (t) => {
    const place = await placeWithVault(t);
    const parts = Array.from({ length: 4 }, (_, index) => sampleBytes(`part ${index}`, 1_000_000));
    const promised = new Promised();
    const writers = [0, 1, 2].map(async (writer) => {
      for (let round = 0; round < 3; round++) {
        const bytes = Buffer.concat([
          parts[writer] ?? '',
          parts[(writer + round) % 4] ?? '',
          parts[3] ?? '',
        ] as Buffer[]);
        const name = place.write(`file-${writer}-${round}`, bytes);
        const { status, stdout, stderr } = await place.run('chunk', name);
        t.equal(status, 0, `chunk ${name}: ${stderr}`);
        if (round === 1)
          t.equal((await place.run('rm', stdout.trim())).status, 0, 'and some are removed again');
        else promised.add(stdout, bytes);
      }
    });
    let isOver = false;
    const collector = (async () => {
      for (let runs = 0; !isOver || runs < 3; runs++) {
        const { status, stderr } = await place.run('gc', '--grace', '0');
        t.equal(status, 0, `gc: ${stderr}`);
      }
    })();
    await Promise.all(writers);
    isOver = true;
    await collector;
    t.equal(promised.count, 6);
    t.same(await promised.broken(place), []);
    await place.expectGood();
    t.same(place.temporary(), []);
  },
);

t.test('two first chunks at once make one vault, and both files are in it', { skip }, async (t) => {
  const place = emptyPlace(t);
  const promised = new Promised();
  const codes: string[] = [];
  const runs = ['a', 'b', 'c'].map(async (name) => {
    const bytes = sampleBytes(name, 100_000);
    place.write(name, bytes);
    const { status, stdout, stderr } = await place.runWith({ mayShowCode: true }, 'chunk', name);
    t.equal(status, 0, `${name}: ${stderr}`);
    promised.add(stdout, bytes);
    codes.push(...(stderr.match(/recovery code: \S+/g) ?? []));
  });
  await Promise.all(runs);
  t.equal(codes.length, 1, 'one code is shown, that of the vault there is');
  t.equal(promised.count, 3);
  t.same(await promised.broken(place), []);
  const env = { DISKTRO_PASSWORD: codes[0]?.replace('recovery code: ', '') };
  t.equal((await place.runWith({ env }, 'verify', '--read-data')).status, 0, 'which it opens');
});

t.test(
  'kill -9 of chunk at any moment loses no printed id, and the next run clears up',
  { skip },
  async (t) => {
    const place = await placeWithVault(t);
    const choice = chance(47);
    const promised = new Promised();
    const shared = sampleBytes('shared', 3_000_000);
    for (let round = 0; round < 10; round++) {
      const bytes = Buffer.concat([shared, sampleBytes(`round ${round}`, 3_000_000)]);
      const names = [place.write('killed', bytes), place.write('other', bytes.subarray(1_000_000))];
      const running = place.startWith({ input: '' }, 'chunk', ...names);
      const timer = setTimeout(() => running.child.kill('SIGKILL'), 150 + choice.whole(500));
      const { stdout } = await running.outcome;
      clearTimeout(timer);
      const [first = '', second = ''] = stdout.split('\n');
      promised.add(first, bytes);
      promised.add(second, bytes.subarray(1_000_000));
      const verified = await place.run('verify', '--json', '--read-data');
      t.equal(verified.status, 0, `round ${round}: ${verified.stdout}${verified.stderr}`);
      t.same(place.temporary(), [], `round ${round}: tmp/ is empty again`);
    }
    t.same(await promised.broken(place), []);
    const before = oneJson((await place.run('status', '--json')).stdout);
    await place.run('gc', '--grace', '0');
    t.same(await promised.broken(place), [], 'nor does a gc afterwards take any');
    const { corrupt, missing } = oneJson((await place.run('verify', '--json', '--read-data')).stdout);
    t.same([corrupt, missing], [[], []]);
    t.ok(Number(before.files) >= promised.count);
  },
);

t.test('kill -9 of gc, rm and rebuild leaves a home in which all goes on', { skip }, async (t) => {
  const place = await placeWithVault(t);
  const kept = sampleBytes('kept', 1_000_000);
  place.write('kept', kept);
  place.write('removed', sampleBytes('removed', 20_000_000));
  const promised = new Promised();
  promised.add((await place.run('chunk', 'kept')).stdout, kept);
  await place.run('chunk', 'removed');
  await place.run('rm', 'removed');
  const image = `${place.home}-image`;
  cpSync(place.home, image, { recursive: true });
  const choice = chance(11);
  for (const words of [
    ['gc', '--grace', '0'],
    ['gc', '--grace', '0'],
    ['rebuild'],
    ['rebuild'],
    ['rm', 'kept'],
  ]) {
    const running = place.startWith({ input: '' }, ...words);
    const timer = setTimeout(() => running.child.kill('SIGKILL'), 120 + choice.whole(200));
    await running.outcome;
    clearTimeout(timer);
    const next = await place.run('ls');
    if (words[0] === 'rebuild' && next.status === 13) {
      t.match(next.stderr, /disktro rebuild/, 'a home without a catalog says what to do');
      t.equal((await place.run('rebuild')).status, 0);
    } else t.equal(next.status, 0, `after ${words[0]}: ${next.stderr}`);
    t.equal((await place.run('verify', '--read-data')).status, 0, `verify after ${words[0]}`);
    if (words[0] !== 'rm') t.same(await promised.broken(place), [], `after ${words[0]}`);
  }
  t.equal((await place.run('gc', '--grace', '0')).status, 0);
  t.same(place.temporary(), []);
});

t.test('two homes on one disk know nothing of each other', { skip }, async (t) => {
  const place = await placeWithVault(t);
  place.write('a', 'a');
  cpSync(place.home, place.path('copy'), { recursive: true });
  const running = place.start('chunk', '-', '--name', 'slow');
  t.equal((await place.run('--home', 'copy', 'rebuild')).status, 0, 'one is not locked by the other');
  t.equal((await place.run('--home', 'copy', 'chunk', 'a')).status, 0);
  running.child.stdin?.end('slow');
  t.equal((await running.outcome).status, 0);
  t.match(oneJson((await place.run('ls', '--json')).stdout), { name: 'slow' });
  t.match(oneJson((await place.run('--home', 'copy', 'ls', '--json')).stdout), { name: 'a' });
});
