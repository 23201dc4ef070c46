// Work that comes round. Sources: src/server/schedule.ts.
import { setTimeout as pause } from 'node:timers/promises';
import t from 'tap';
import { Schedule } from '../../src/server/schedule.js';

t.test('a task runs again and again, never twice at a time, and stops', async (t) => {
  const schedule = new Schedule((task) => t.fail(task));
  let runs = 0;
  let running = 0;
  schedule.run('work', 5, async () => {
    t.equal(++running, 1);
    await pause(3);
    running--;
    runs++;
  });
  await pause(150);
  await schedule.stop();
  const after = runs;
  t.ok(after >= 3, `${after} runs`);
  t.equal(running, 0, 'stop waits for the run that is under way');
  await pause(40);
  t.equal(runs, after);
  schedule.soon('work');
  schedule.run('late', 1, async () => {
    t.fail('after stop nothing begins');
  });
  await pause(80);
  t.equal(runs, after);
});

t.test('soon runs a task before its time, and once more when it was running', async (t) => {
  const schedule = new Schedule((task) => t.fail(task));
  let runs = 0;
  schedule.run('work', 1_000_000, async () => {
    runs++;
    await pause(100);
  });
  schedule.soon('work');
  await pause(110);
  t.equal(runs, 1);
  for (let call = 0; call < 5; call++) schedule.soon('work');
  await pause(300);
  t.equal(runs, 2, 'five calls during a run are one more run');
  schedule.soon('unknown');
  await schedule.stop();
});

t.test('a task that fails is told and comes round again', async (t) => {
  const failures: string[] = [];
  const schedule = new Schedule((task, error) => failures.push(`${task}: ${(error as Error).message}`));
  schedule.run('work', 5, async () => {
    throw new Error('broken');
  });
  await pause(100);
  await schedule.stop();
  t.ok(failures.length >= 2, `${failures.length} failures`);
  t.equal(failures[0], 'work: broken');
});

t.test('a task that is told to stop while it runs is no failure', async (t) => {
  const schedule = new Schedule(() => t.fail('told'));
  let wasAborted = false;
  schedule.run(
    'work',
    1_000_000,
    async (signal) => {
      await pause(10_000, undefined, { signal }).catch((error: unknown) => {
        wasAborted = true;
        throw error;
      });
    },
    1,
  );
  await pause(50);
  await schedule.stop();
  t.ok(wasAborted);
});
