// When anti-entropy waits for what is on its way. Source: src/server/repair-pause.ts.
import t, { type Test } from 'tap';
import { RepairPause } from '../../src/server/repair-pause.js';
import { makeScratchHome, openScratch, scratchFolder } from '../ops/scratch-home.js';

async function paused(t: Test) {
  const { home } = await openScratch(await makeScratchHome(scratchFolder(t)));
  t.teardown(() => home.close());
  const clock = { ms: 1000 };
  const pause = new RepairPause(home, 1, () => clock.ms);
  /** Whether the round is left out that is due after so many seconds more. */
  const after = (seconds: number): boolean => {
    clock.ms += seconds * 1000;
    return pause.isOn();
  };
  return { home, pause, after };
}

t.test('nothing is on its way: no pause', async (t) => {
  const { after } = await paused(t);
  t.equal(after(0), false);
  t.equal(after(60), false);
});

t.test('fresh objects from a member put a round off until two beats have been quiet', async (t) => {
  const { pause, after } = await paused(t);
  pause.noteFresh();
  t.equal(after(0), true);
  t.equal(after(1.9), true);
  pause.noteFresh();
  t.equal(after(1.9), true);
  t.equal(after(0.2), false);
});

t.test('a process that stores files here puts it off, as long as its session lasts', async (t) => {
  const { home, after } = await paused(t);
  home.session();
  t.equal(after(0), true);
  t.equal(after(5), true);
  home.endSession();
  t.equal(after(0), false);
});

t.test('storing that goes on for hours does not keep the cluster from healing', async (t) => {
  const { home, after } = await paused(t);
  home.session();
  const rounds = Array.from({ length: 100 }, () => after(1));
  t.equal(rounds.filter((isLeftOut) => !isLeftOut).length, 4, 'a round in twenty beats');
});
