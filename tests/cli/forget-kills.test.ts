// `forget --gc` killed at any moment: what was kept is whole, what was to go goes the next time. Sources:
// src/ops/upkeep/forget.ts, gc.ts, src/catalog/garbage.ts.
import { cpSync, rmSync } from 'node:fs';
import t from 'tap';
import { chance, runSeed, sampleBytes } from '../ops/sample-bytes.js';
import { jsonLines } from './command.js';
import { type Place, placeWithVault } from './place.js';

const ROUNDS = 10;
const DAYS = 10;
const KEPT = 3;
const seed = runSeed();

/** Days that share most of their bytes. @returns what each holds, by id, oldest first */
async function storeDays(place: Place): Promise<Map<string, Buffer>> {
  const days = new Map<string, Buffer>();
  for (let day = 0; day < DAYS; day++) {
    const bytes = Buffer.concat([sampleBytes('steady', 400_000), sampleBytes(`day ${day}`, 300_000)]);
    place.write('documents.tar', bytes);
    const time = new Date(Date.UTC(2024, 2, 1 + day)).toISOString();
    const { stdout, status } = await place.run('-q', 'chunk', '--time', time, 'documents.tar');
    if (status !== 0) throw new Error(`day ${day} was not stored`);
    days.set(stdout.trim(), bytes);
  }
  return days;
}

t.test(`kill -9 at random moments of forget --gc loses nothing that is kept (seed ${seed})`, async (t) => {
  const place = await placeWithVault(t);
  const days = await storeDays(place);
  const kept = [...days.keys()].slice(-KEPT);
  const fresh = `${place.home}-fresh`;
  cpSync(place.home, fresh, { recursive: true });
  const words = ['forget', '--json', '--keep-last', String(KEPT), '--gc', '--grace', '0'];
  const whole = await place.run(...words);
  t.match(jsonLines(whole.stdout).at(-1), { kept: KEPT, gc: { waiting: 0 } });
  const left = place.objects('chunks').length + place.objects('manifests').length;
  const random = chance(seed);
  let killed = 0;
  // One that is over before its kill tells how long they take by now.
  let wholeMs = whole.seconds * 1_000;
  for (let round = 0; round < ROUNDS; round++) {
    rmSync(place.home, { recursive: true });
    cpSync(fresh, place.home, { recursive: true });
    const running = place.start(...words);
    const afterMs = random.whole(Math.ceil(wholeMs * 1.1));
    const timer = setTimeout(() => running.child.kill('SIGKILL'), afterMs);
    const { signal, seconds } = await running.outcome;
    clearTimeout(timer);
    if (signal === 'SIGKILL') killed++;
    else wholeMs = seconds * 1_000;
    await place.expectGood();
    const ids = jsonLines((await place.run('ls', '--json')).stdout).map(({ id }) => String(id));
    t.ok(ids.length === DAYS || ids.length === KEPT, `${ids.length} are listed: all went or none`);
    t.same(ids.slice(-KEPT), kept);
    const id = kept[round % KEPT] ?? '';
    const { bytes } = await place.run('reassemble', id, '-o', '-');
    t.ok(
      bytes.equals(days.get(id) ?? Buffer.alloc(0)),
      `killed after ${afterMs} ms: ${id.slice(0, 8)} comes back`,
    );
    t.equal((await place.run(...words)).status, 0, 'the next one ends it');
    t.equal(
      place.objects('chunks').length + place.objects('manifests').length,
      left,
      'and frees what was to go',
    );
    await place.expectGood();
  }
  await place.expectGood();
  t.ok(killed > ROUNDS / 4, `${killed} of ${ROUNDS} were killed on the way`);
});
