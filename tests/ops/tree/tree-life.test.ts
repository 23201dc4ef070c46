// A tree that is stored, forgotten and freed, day after day: killed at any moment, and while others free at the same
// time. Sources: src/ops/tree/chunk-tree.ts, carried-chunks.ts, sparse-chunks.ts, src/ops/upkeep/forget.ts, gc.ts.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { listFiles } from '../../../src/ops/files/files.js';
import type { OpenVault } from '../../../src/ops/home/vault.js';
import { compareTree } from '../../../src/ops/restore/restore-compare.js';
import { verify } from '../../../src/ops/upkeep/verify.js';
import { startProgram } from '../program.js';
import { chance, runSeed } from '../sample-bytes.js';
import { makeScratchHome, openScratch, scratchFolder } from '../scratch-home.js';
import { changeTree, keepNewest, storeDay } from '../tree-life.js';

t.setTimeout(600_000);

const KILLS = 50;
const KEPT = 2;
const seed = runSeed();

async function expectWhole(vault: OpenVault): Promise<void> {
  const { corrupt, missing } = await verify(vault, { readData: true, workers: 0 });
  t.same([corrupt, missing], [[], []]);
}

t.test(`killed at ${KILLS} random moments of chunk, forget and gc (seed ${seed})`, async (t) => {
  const home = await makeScratchHome(scratchFolder(t));
  const folder = path.join(scratchFolder(t), 'tree');
  const random = chance(seed);
  /** As it was when the newest tree that is listed was stored. */
  const before = path.join(scratchFolder(t), 'before');
  let newestDay = '';
  let wholeMs = 0;
  let killed = 0;
  for (let day = 0; day < KILLS + 2; day++) {
    changeTree(folder, day);
    const program = startProgram(t, 'tree-life', ['day', home, folder, String(day), String(KEPT)]);
    await program.line('ready');
    const startedMs = performance.now();
    // The first two days tell how long one takes, and later ones that are over before their kill.
    const afterMs = day < 2 ? undefined : random.whole(Math.ceil(wholeMs));
    const timer =
      afterMs === undefined ? undefined : setTimeout(() => program.child.kill('SIGKILL'), afterMs);
    const { signal } = await program.ended;
    clearTimeout(timer);
    const tookMs = performance.now() - startedMs;
    if (signal === 'SIGKILL') killed++;
    else wholeMs = tookMs;
    const vault = await openScratch(home);
    await expectWhole(vault);
    const listed = [...listFiles(vault)].sort((a, b) => (a.created < b.created ? 1 : -1));
    t.ok(
      listed.length >= Math.min(day, KEPT),
      `${listed.length} are listed after ${afterMs} ms of day ${day}`,
    );
    const [newest] = listed;
    if (newest === undefined) throw new Error(`seed ${seed}: nothing is listed`);
    const [tag = ''] = newest.tags;
    if (tag === `day ${day}`) {
      newestDay = tag;
      fs.rmSync(before, { recursive: true, force: true });
      execFileSync('cp', ['-a', folder, before]);
    }
    t.equal(tag, newestDay);
    const { differing } = await compareTree(vault, newest.id, { path: before, workers: 0 });
    t.equal(differing, 0, `${tag} is as it was`);
    await vault.close();
  }
  t.ok(killed > KILLS / 3, `${killed} of ${KILLS} were killed on the way`);
  const vault = await openScratch(home);
  const { id } = await storeDay(vault, folder, KILLS + 2);
  t.match(await keepNewest(vault, 1), { incomplete: false });
  const left = vault.home.objects.page(0, 10_000).map(({ storeId }) => storeId);
  const needed = vault.home.objects.descendants(id).map(({ storeId }) => storeId);
  t.same(left.sort(), needed.sort(), 'in the end nothing is left but what the last tree needs');
  await vault.close();
});

t.test('what a tree carries over stays, while another process forgets and frees', async (t) => {
  const home = await makeScratchHome(scratchFolder(t));
  const folder = path.join(scratchFolder(t), 'tree');
  changeTree(folder, 0);
  const vault = await openScratch(home);
  await storeDay(vault, folder, 0);
  vault.home.endSession();
  const other = startProgram(t, 'tree-life', ['forget', home, '1']);
  await other.line('ready');
  let carried = 0;
  for (let day = 1; day <= 25; day++) {
    changeTree(folder, day);
    const { id, unchanged } = await storeDay(vault, folder, day);
    vault.home.endSession();
    carried += unchanged;
    const { differing, files } = await compareTree(vault, id, { path: folder, workers: 0 });
    t.same([differing, files > 70], [0, true], `day ${day}: every byte is there`);
  }
  other.child.stdin.end();
  const freed = Number((await other.line('freed'))?.slice('freed '.length));
  t.match(await other.ended, { status: 0 });
  t.ok(carried > 500, `${carried} files were carried over`);
  t.ok(freed > 25, `${freed} objects were freed meanwhile`);
  await expectWhole(vault);
  await vault.close();
});
