// Locks that die with their process. Sources: src/catalog/lock.ts.
import fs from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { isLocked, ProcessLock } from '../../src/catalog/lock.js';
import { runProgram, startProgram } from '../ops/program.js';
import { scratchFolder } from '../ops/scratch-home.js';

t.test('a lock is one process’s at a time, and free again when it is released', async (t) => {
  const file = path.join(scratchFolder(t), 'a.lock');
  t.equal(isLocked(file), false, 'no file, no lock');
  const lock = ProcessLock.tryAcquire(file);
  t.ok(lock);
  t.equal(isLocked(file), true);
  t.equal(ProcessLock.tryAcquire(file), undefined, 'not twice in one process');
  t.same((await runProgram(t, 'hold-lock', ['take', file])).lines, ['refused'], 'nor in another one');
  lock?.release();
  t.notOk(fs.existsSync(file), 'nothing is left of it');
  t.equal(isLocked(file), false);
  t.same((await runProgram(t, 'hold-lock', ['take', file])).lines, ['taken']);
});

t.test('a lock stays when its own process looks at it', async (t) => {
  const file = path.join(scratchFolder(t), 'own.lock');
  const lock = ProcessLock.tryAcquire(file);
  for (let look = 0; look < 3; look++) t.equal(isLocked(file), true);
  t.equal(ProcessLock.tryAcquire(file), undefined);
  t.same((await runProgram(t, 'hold-lock', ['look', file])).lines, ['locked'], 'others see it still');
  lock?.release();
});

t.test('a lock goes when its process is killed', async (t) => {
  const file = path.join(scratchFolder(t), 'killed.lock');
  const holder = startProgram(t, 'hold-lock', ['take', file]);
  t.equal(await holder.line(''), 'taken');
  t.equal(isLocked(file), true);
  t.equal(ProcessLock.tryAcquire(file), undefined);
  holder.child.kill('SIGKILL');
  await holder.ended;
  t.ok(fs.existsSync(file), 'its file is still there');
  t.equal(isLocked(file), false, 'but locks nothing');
  t.notOk(fs.existsSync(file), 'and who looks clears it away');
});

t.test('a lock is waited for as long as was asked', async (t) => {
  const file = path.join(scratchFolder(t), 'awaited.lock');
  const lock = ProcessLock.tryAcquire(file);
  t.equal(await ProcessLock.acquire(file, 60), undefined);
  const waiting = ProcessLock.acquire(file, 10_000);
  setTimeout(() => lock?.release(), 60);
  const next = await waiting;
  t.ok(next);
  next?.release();
});

t.test('a lock taken while others look is one that they see', async (t) => {
  const folder = scratchFolder(t);
  const looker = startProgram(t, 'look-at-locks', [folder]);
  await looker.line('looking');
  const until = Date.now() + 1500;
  let taken = 0;
  let unseen = 0;
  while (Date.now() < until) {
    const file = path.join(folder, `${taken++}.lock`);
    const lock = ProcessLock.take(file);
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (!fs.existsSync(file)) unseen++;
    lock.release();
  }
  t.equal(unseen, 0, `of ${taken} locks`);
  t.ok(taken > 50);
  looker.child.stdin.end();
  t.match(await looker.ended, { status: 0 }, 'looking never fails');
});

t.test('a lock leaves no second file beside its own', async (t) => {
  const folder = scratchFolder(t);
  const lock = ProcessLock.tryAcquire(path.join(folder, 'one.lock'));
  t.same(fs.readdirSync(folder), ['one.lock']);
  t.equal(fs.statSync(path.join(folder, 'one.lock')).mode & 0o777, 0o600);
  lock?.release();
  t.same(fs.readdirSync(folder), []);
});
