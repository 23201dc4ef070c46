// Records a run, then lets the power go before each of its events, several times over, and looks at every home that
// may be left: nothing acknowledged is lost, nothing is damaged, gc frees nothing that is needed.
import type { Test } from 'tap';
import { chunkStream } from '../../src/ops/chunk/chunk.js';
import { removeFiles } from '../../src/ops/files/files.js';
import type { OpenVault } from '../../src/ops/home/vault.js';
import { collectGarbage } from '../../src/ops/upkeep/gc.js';
import { DiskRecorder } from './disk-recorder.js';
import { breaches, leftInTemporary } from './expect-intact.js';
import type { LossState, Recording } from './power-loss.js';
import { stateAfterLoss } from './power-loss.js';
import { promptFileSystem } from './prompt-file-system.js';
import { chance, runSeed, sliced } from './sample-bytes.js';
import { HomeImage, makeScratchHome, openScratch, scratchFolder, TINY_SIZES } from './scratch-home.js';

/** What a scenario can do; each step opens the home anew, as each command does. */
export interface Steps {
  chunk(bytes: Buffer): Promise<string>;
  remove(id: string): Promise<void>;
  gc(): Promise<void>;
}

/** Runs a scenario on a fresh home and replays it. */
export async function replayPowerLoss(
  test: Test,
  scenario: (steps: Steps) => Promise<void>,
  { states }: { readonly states: number },
): Promise<void> {
  const home = await makeScratchHome(scratchFolder(test));
  const recording = await record(home, scenario);
  const seed = runSeed();
  const picks = chance(seed);
  const failures: string[] = [];
  const events = recording.events.length;
  for (let state = 0; state < states; state++) {
    // Every event once and again, then events at random.
    const crash = state < 2 * (events + 1) ? state % (events + 1) : picks.whole(events + 1);
    const found = await lookAt(home, stateAfterLoss(recording, crash, picks), state % 10 === 0);
    failures.push(...found.map((breach) => `state ${state}, before event ${crash}: ${breach}`));
    if (failures.length > 10) break;
  }
  test.same(failures, [], `seed ${seed}: ${states} states of a run of ${events} events`);
  test.ok(states >= events + 1, 'the power went before every event');
}

async function record(home: string, scenario: (steps: Steps) => Promise<void>): Promise<Recording> {
  const start = HomeImage.of(home);
  const recorder = new DiskRecorder(home);
  const { fileSystem, commitObserver, events, found } = recorder;
  const step = async <T>(work: (vault: OpenVault) => Promise<T>): Promise<T> => {
    const vault = await openScratch(home, { fileSystem, commitObserver, sizes: TINY_SIZES });
    try {
      return await work(vault);
    } finally {
      await vault.close();
    }
  };
  await scenario({
    chunk: (bytes) =>
      step(async (vault) => {
        const session = vault.home.session().id;
        // The next start of the machine is another boot: what was committed last is then looked at again.
        vault.home.catalog.database
          .prepare(`UPDATE sessions SET boot = 'before the power went' WHERE id = ?`)
          .run(session);
        const { id } = await chunkStream(vault, sliced(bytes, [700]), { workers: 0, chunker: 'fixed' });
        events.push({ type: 'acknowledged', id, bytes });
        return id;
      }),
    remove: (id) =>
      step(async (vault) => {
        events.push({ type: 'removing', id });
        await removeFiles(vault, [id]);
      }),
    gc: () =>
      step(async (vault) => {
        const { waiting } = await collectGarbage(vault, { graceSeconds: 0 });
        if (waiting > 0) throw new Error('gc was expected to free everything');
      }),
  });
  return { start, events, found };
}

/** @param goesOn also stores something afterwards */
async function lookAt(home: string, { image, acknowledged }: LossState, goesOn: boolean): Promise<string[]> {
  image.restoreTo(home);
  const found: string[] = [];
  const options = { fileSystem: promptFileSystem, sizes: TINY_SIZES };
  try {
    const vault = await openScratch(home, { ...options, onNotice: (notice) => found.push(notice) });
    found.push(...leftInTemporary(vault).map((name) => `tmp/${name} is left`));
    found.push(...(await breaches(vault, acknowledged)));
    await collectGarbage(vault, { graceSeconds: 0 });
    found.push(...(await breaches(vault, acknowledged)).map((breach) => `after gc: ${breach}`));
    if (goesOn) {
      const bytes = Buffer.from('what comes after the power is back'.repeat(20));
      const { id } = await chunkStream(vault, sliced(bytes, [100]), { workers: 0, chunker: 'fixed' });
      found.push(...(await breaches(vault, new Map([...acknowledged, [id, bytes]]))));
    }
    await vault.close();
  } catch (error) {
    found.push(`fails: ${error instanceof Error ? error.stack : String(error)}`);
  }
  return found;
}
