// Several real processes on one home: they share what they store, and killing one loses nothing acknowledged.
// Sources: src/ops/home/home.ts, src/ops/chunk/chunk-writer.ts, src/ops/home/crash-recovery.ts, src/ops/home/vault.ts.
import path from 'node:path';
import t from 'tap';
import { collectGarbage } from '../../src/ops/upkeep/gc.js';
import { expectIntact, leftInTemporary, unmatched } from './expect-intact.js';
import { poolInput } from './pool-input.js';
import { runProgram, startProgram } from './program.js';
import { chance, runSeed } from './sample-bytes.js';
import { filesOf, makeScratchHome, openScratch, RECOVERY_CODE, scratchFolder } from './scratch-home.js';

t.setTimeout(120_000);

const KILLS = 15;

/** What a program said it has stored. */
function acknowledgedBy(lines: readonly string[], seed: number): [string, Buffer][] {
  return lines
    .filter((line) => line.startsWith('stored '))
    .map((line) => {
      const [, turn = '', id = ''] = line.split(' ');
      return [id, poolInput(seed, Number(turn))];
    });
}

t.test('of two that make a vault at once, one does and the other is told that there is one', async (t) => {
  const home = path.join(scratchFolder(t), 'home');
  const endings = await Promise.all(
    ['one', 'two'].map((word) => runProgram(t, 'create-vault', [home, word])),
  );
  const said = endings.flatMap(({ lines }) => lines).sort();
  t.match(said, [/^made [0-9a-f]{32}$/, 'refused E_VAULT_EXISTS']);
  t.equal(filesOf(path.join(home, 'slots')).length, 2, 'no slots of the other one are left');
  const { lines } = await runProgram(t, 'create-vault', [home, 'three']);
  t.same(lines, ['refused E_VAULT_EXISTS'], 'and later ones are refused as well');
});

t.test('four that store overlapping data at once all succeed, and no plaintext is held twice', async (t) => {
  const home = await makeScratchHome(scratchFolder(t), { withSlot: true });
  const seeds = [1, 2, 3, 4];
  const endings = await Promise.all(
    seeds.map((seed) => runProgram(t, 'chunk-pool', [home, RECOVERY_CODE, String(seed), '4'])),
  );
  t.same(
    endings.map(({ status }) => status),
    [0, 0, 0, 0],
  );
  const acknowledged = new Map(endings.flatMap(({ lines }, at) => acknowledgedBy(lines, seeds[at] ?? 0)));
  t.equal(acknowledged.size, 16);
  await using vault = await openScratch(home);
  await expectIntact(t, vault, acknowledged, 'all restore');
  const doubles = vault.home.catalog.database.prepare(
    'SELECT count(*) FROM objects WHERE state = 0 AND plain_id IS NOT NULL GROUP BY plain_id HAVING count(*) > 1',
  );
  t.same(doubles.all(), []);
  t.same(leftInTemporary(vault), []);
});

const seed = runSeed();
t.test(`killed at ${KILLS} random moments, nothing acknowledged is lost (seed ${seed})`, async (t) => {
  const home = await makeScratchHome(scratchFolder(t), { withSlot: true });
  const { whole } = chance(seed);
  const acknowledged = new Map<string, Buffer>();
  for (let kill = 1; kill <= KILLS; kill++) {
    const program = startProgram(t, 'chunk-pool', [home, RECOVERY_CODE, String(kill), '1000']);
    t.ok(await program.line('ready'));
    await new Promise((resolve) => setTimeout(resolve, whole(200)));
    program.child.kill('SIGKILL');
    t.equal((await program.ended).signal, 'SIGKILL');
    for (const [id, bytes] of acknowledgedBy(program.lines, kill)) acknowledged.set(id, bytes);
    if (kill % 5 !== 0) continue;
    await using vault = await openScratch(home);
    await expectIntact(t, vault, acknowledged, `after kill ${kill}`);
    t.same(leftInTemporary(vault), [], 'tmp/ is empty');
  }
  t.ok(acknowledged.size > 0, `${acknowledged.size} files acknowledged`);
  await using vault = await openScratch(home);
  await collectGarbage(vault, { graceSeconds: 0 });
  await expectIntact(t, vault, acknowledged, 'after gc');
  t.same(unmatched(vault), []);
});
