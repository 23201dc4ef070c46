// One process frees garbage without a pause while two others store and remove files that share their chunks:
// what is listed in the end restores. The other processes are this file again, told by its first argument what to do.
// Sources: src/catalog/garbage.ts, src/catalog/sessions.ts, src/ops/chunk/chunk-writer.ts, src/ops/upkeep/gc.ts.
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { chunkStream } from '../../src/ops/chunk/chunk.js';
import { listFiles, removeFiles } from '../../src/ops/files/files.js';
import { openHome } from '../../src/ops/home/home.js';
import { collectGarbage } from '../../src/ops/upkeep/gc.js';
import { breaches, leftInTemporary, unmatched } from './expect-intact.js';
import { startProgram } from './program.js';
import { chance, runSeed, sampleBytes, sliced } from './sample-bytes.js';
import { makeScratchHome, openScratch, scratchFolder, TINY_SIZES } from './scratch-home.js';

const THIS_FILE = '../recovery-concurrency.test';
const RUN_MS = 6000;
/** So few different chunks that the files of both processes are made of the same ones. */
const UNITS = 24;
const MOST_UNITS_OF_A_FILE = 12;

const bytesOf = (units: readonly number[]): Buffer =>
  Buffer.concat(units.map((unit) => sampleBytes(`unit ${unit}`, 256)));

/** Stores and removes files until it is told to stop. @returns what it has stored and not removed: id → units */
async function change(home: string, seed: number, isOver: () => boolean): Promise<Map<string, number[]>> {
  const kept = new Map<string, number[]>();
  const { whole, hit } = chance(seed);
  while (!isOver()) {
    // A vault of its own for each turn: gc frees nothing that fell out of use while a session is open.
    const vault = await openScratch(home, { sizes: TINY_SIZES });
    try {
      for (let turn = 0; turn < 3; turn++) {
        const units = Array.from({ length: 1 + whole(MOST_UNITS_OF_A_FILE) }, () => whole(UNITS));
        const options = { workers: 0, chunker: 'fixed' } as const;
        const { id } = await chunkStream(vault, sliced(bytesOf(units), [1000]), options);
        kept.set(id, units);
      }
      const removed = [...kept.keys()].filter(() => hit(0.7));
      await removeFiles(vault, removed);
      for (const id of removed) kept.delete(id);
    } finally {
      await vault.close();
    }
    // A moment without a session, in which gc can take what was removed.
    if (hit(0.5)) await sleep(whole(30));
  }
  return kept;
}

/** Frees garbage until it is told to stop. @returns how many objects */
async function free(home: string, isOver: () => boolean): Promise<number> {
  let freed = 0;
  const open = await openHome({ home });
  try {
    while (!isOver()) freed += (await collectGarbage(open, { graceSeconds: 0 })).freed;
  } finally {
    await open.close();
  }
  return freed;
}

async function beOtherProcess(role: string, home: string, seed: number): Promise<void> {
  let isOver = false;
  process.stdin.resume().on('end', () => {
    isOver = true;
  });
  process.stdout.write('begun\n');
  if (role === 'free') process.stdout.write(`freed ${await free(home, () => isOver)}\n`);
  else process.stdout.write(`kept ${JSON.stringify([...(await change(home, seed, () => isOver))])}\n`);
}

const [role, home = '', seedText] = process.argv.slice(2);
if (role === undefined) {
  const seed = runSeed();
  t.test(`gc beside two processes that store and remove the same chunks; seed ${seed}`, async (t) => {
    const home = await makeScratchHome(scratchFolder(t));
    const freeing = startProgram(t, THIS_FILE, ['free', home]);
    const changing = startProgram(t, THIS_FILE, ['change', home, String(seed + 1)]);
    await Promise.all([freeing.line('begun'), changing.line('begun')]);
    const endMs = performance.now() + RUN_MS;
    const kept = await change(home, seed, () => performance.now() >= endMs);
    for (const { child } of [freeing, changing]) child.stdin.end();
    const keptThere = (await changing.line('kept '))?.slice('kept '.length) ?? 'null';
    const freed = Number((await freeing.line('freed '))?.slice('freed '.length));
    for (const { ended } of [freeing, changing]) t.same(await ended, { status: 0, signal: null });

    const acknowledged = new Map<string, Buffer>();
    for (const [id, units] of [...kept, ...(JSON.parse(keptThere) as [string, number[]][])])
      acknowledged.set(id, bytesOf(units));
    const vault = await openScratch(home, { sizes: TINY_SIZES });
    t.same(await breaches(vault, acknowledged), []);
    t.same([...listFiles(vault)].map(({ id }) => id).sort(), [...acknowledged.keys()].sort(), 'nothing else');
    await collectGarbage(vault, { graceSeconds: 0 });
    t.same(await breaches(vault, acknowledged), [], 'after gc');
    t.same(unmatched(vault), [], 'the catalog and the store hold the same objects');
    t.same(leftInTemporary(vault), []);
    t.ok(freed > 0, `${freed} objects were freed meanwhile`);
    await vault.close();
  });
} else {
  await beOtherProcess(role, home, Number(seedText));
}
