// Reused buffers. Source: src/core/buffer-pool.ts.
import { setImmediate } from 'node:timers/promises';
import t from 'tap';
import { bufferPool } from '../../src/core/buffer-pool.js';

t.test('buffers are shared memory of the size asked for', async (t) => {
  const buffer = await bufferPool(1, 1000).take();
  t.equal(buffer.byteLength, 1000);
  t.ok(buffer.buffer instanceof SharedArrayBuffer);
});

t.test('there are never more than the count, and each is given to one at a time', async (t) => {
  const pool = bufferPool(3, 16);
  const buffers = [await pool.take(), await pool.take(), await pool.take()];
  t.equal(new Set(buffers).size, 3);
  let isTaken = false;
  const fourth = pool.take().then((buffer) => {
    isTaken = true;
    return buffer;
  });
  await setImmediate();
  t.equal(isTaken, false, 'the fourth waits');
  const [, second] = buffers;
  if (second !== undefined) pool.give(second);
  t.equal(await fourth, second, 'for the one given back');
});

t.test('those who wait are served in the order of asking', async (t) => {
  const pool = bufferPool(1, 16);
  const buffer = await pool.take();
  const served: number[] = [];
  const waiting = [0, 1, 2, 3, 4].map(async (number) => {
    const got = await pool.take();
    served.push(number);
    await setImmediate();
    pool.give(got);
  });
  await setImmediate();
  pool.give(buffer);
  await Promise.all(waiting);
  t.same(served, [0, 1, 2, 3, 4]);
});

t.test('a buffer given back is used again before a new one is made', async (t) => {
  const pool = bufferPool(100, 16);
  const first = await pool.take();
  pool.give(first);
  t.equal(await pool.take(), first);
});
