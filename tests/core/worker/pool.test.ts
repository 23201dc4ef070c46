// Worker threads that die, and password work in threads of its own. Source: src/core/worker/pool.ts,
// src/core/worker/entry.ts.
import { setImmediate } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import t from 'tap';
import type { EngineKeys } from '../../../src/core/jobs.js';
import { runJob } from '../../../src/core/jobs.js';
import { formatRecoveryCode } from '../../../src/core/recovery-code.js';
import type { SlotHeader } from '../../../src/core/slot-shape.js';
import { prepareOwnWorker, runInOwnWorker, WorkerPool } from '../../../src/core/worker/pool.js';
import { noise } from '../samples.js';
import { keys, vaultId } from '../vault-of-tests.js';

const engineKeys: EngineKeys = { ...keys, dedupKey: noise('dedup', 32) };
const hashJob = (length: number) =>
  ({ type: 'hash', input: Buffer.from(new SharedArrayBuffer(length)) }) as const;

/** The threads in the order in which this process has started them. */
const threads: Worker[] = [];
process.on('worker', (worker) => threads.push(worker));

async function startPool(count: number): Promise<{ pool: WorkerPool; workers: Worker[] }> {
  const before = threads.length;
  const pool = new WorkerPool(count, engineKeys);
  // The event comes in the next turn.
  await setImmediate();
  return { pool, workers: threads.slice(before) };
}

const outcomes = async (jobs: readonly Promise<unknown>[]): Promise<string[]> =>
  (await Promise.allSettled(jobs)).map((outcome) =>
    outcome.status === 'fulfilled' ? 'done' : (outcome.reason as { code: string }).code,
  );

const E_WORKER = { name: 'DisktroError', code: 'E_WORKER' };

t.test(
  'a pool starts as many threads as it is told to, and gives jobs to the one that has the least to do',
  async (t) => {
    const { pool, workers } = await startPool(2);
    t.equal(workers.length, 2);
    const sent = [0, 0];
    for (const [index, worker] of workers.entries()) {
      const post = worker.postMessage.bind(worker);
      worker.postMessage = (message: unknown) => {
        sent[index] = (sent[index] ?? 0) + 1;
        post(message);
      };
    }
    const wanted = await runJob(engineKeys, hashJob(1000));
    const results = await Promise.all(Array.from({ length: 10 }, () => pool.run(hashJob(1000))));
    t.same(results, Array(10).fill(wanted));
    t.same(sent, [5, 5]);
    await pool.close();
  },
);

t.test('a thread that is ended fails all jobs that it had, and later ones', async (t) => {
  const { pool, workers } = await startPool(1);
  await pool.run(hashJob(1));
  const ended = outcomes(Array.from({ length: 5 }, () => pool.run(hashJob(16 << 20))));
  await workers[0]?.terminate();
  const all = await ended;
  t.equal(all.at(-1), 'E_WORKER');
  t.ok(
    all.every((outcome) => outcome === 'done' || outcome === 'E_WORKER'),
    all.join(),
  );
  await t.rejects(pool.run(hashJob(1)), E_WORKER, 'a later one fails at once');
  await pool.close();
});

t.test('a thread that crashes fails all jobs that it had, with the reason as cause', async (t) => {
  const { pool, workers } = await startPool(1);
  await pool.run(hashJob(1));
  // Nothing that the pool sends: the thread throws outside of any job.
  workers[0]?.postMessage(null);
  const jobs = Array.from({ length: 5 }, () => pool.run(hashJob(16 << 20)));
  t.same(await outcomes(jobs), Array(5).fill('E_WORKER'));
  await t.rejects(pool.run(hashJob(1)), {
    ...E_WORKER,
    message: /^a worker thread failed: /,
    cause: TypeError,
  });
  await pool.close();
});

t.test('a thread that dies with nothing to do fails the job after it', async (t) => {
  const { pool, workers } = await startPool(1);
  await pool.run(hashJob(1));
  await workers[0]?.terminate();
  await t.rejects(pool.run(hashJob(1)), E_WORKER);
  await pool.close();
});

t.test('a thread that dies before it has started fails its jobs', async (t) => {
  const { pool, workers } = await startPool(1);
  const ended = outcomes([pool.run(hashJob(1))]);
  await workers[0]?.terminate();
  t.same(await ended, ['E_WORKER']);
  await pool.close();
});

t.test('closing a pool, once or twice, fails what is under way', async (t) => {
  const { pool } = await startPool(1);
  const ended = outcomes(Array.from({ length: 8 }, () => pool.run(hashJob(16 << 20))));
  await pool.close();
  const all = await ended;
  t.ok(
    all.includes('E_WORKER') && all.every((outcome) => outcome === 'done' || outcome === 'E_WORKER'),
    all.join(),
  );
  await t.rejects(pool.run(hashJob(1)), E_WORKER);
  await pool.close();
});

t.test('an error that is not of this program keeps message and stack', async (t) => {
  const { pool } = await startPool(1);
  const output = Buffer.from(new SharedArrayBuffer(10));
  const job = {
    type: 'seal',
    input: hashJob(1000).input,
    output,
    kind: 'chunk',
    salt: noise('s', 32),
    compression: 'none',
  } as const;
  const error = await pool.run(job).then(
    () => undefined,
    (reason: Error & { code?: string }) => reason,
  );
  t.ok(error instanceof Error, 'an output that is too short fails the job');
  t.match(error?.stack, /object\.[jt]s/);
  const toCopy = { ...job, output: Buffer.alloc(2000) };
  t.throws(() => pool.run(toCopy), TypeError, 'an output that is not shared is not even sent');
  t.equal(await pool.run(hashJob(1)), await runJob(engineKeys, hashJob(1)), 'and the thread goes on');
  await pool.close();
});

const header: SlotHeader = {
  v: 1,
  id: '0123456789abcdef',
  kind: 'recovery',
  kdf: 'hkdf',
  salt: '00'.repeat(16),
  opslimit: 0,
  memlimit: 0,
  label: '',
  created: '2026-01-02T03:04:05.678Z',
};
const secret = formatRecoveryCode(noise('recovery', 16));
const masterKey = noise('master', 32);

t.test('password work is done in a thread of its own, which ends', async (t) => {
  const before = threads.length;
  const slot = await runInOwnWorker({
    type: 'seal-slot',
    vaultId,
    secret,
    header,
    masterKey,
    nonce: noise('n', 24),
  });
  const { masterKey: key, slotId } = await runInOwnWorker({ type: 'unlock', vaultId, secret, slots: [slot] });
  t.same(Buffer.from(key), masterKey);
  t.equal(slotId, header.id);
  t.equal(threads.length - before, 2);
  t.same(
    threads.slice(before).map(({ threadId }) => threadId),
    [-1, -1],
    'both have ended',
  );
  const wrong = formatRecoveryCode(noise('wrong', 16));
  const job = { type: 'unlock', vaultId, secret: wrong, slots: [slot] } as const;
  await t.rejects(runInOwnWorker(job), { name: 'DisktroError', code: 'E_WRONG_PASSWORD' });
  t.equal(threads.at(-1)?.threadId, -1, 'so has the one that failed');
});

t.test('a thread that was prepared does the next password job, and only that', async (t) => {
  const before = threads.length;
  prepareOwnWorker();
  prepareOwnWorker();
  const job = { type: 'unlock', vaultId, secret, slots: [] } as const;
  await t.rejects(runInOwnWorker(job), { code: 'E_WRONG_PASSWORD' });
  t.equal(threads.length - before, 1);
  await t.rejects(runInOwnWorker(job), { code: 'E_WRONG_PASSWORD' });
  t.equal(threads.length - before, 2);
});

t.test('password work whose thread dies is an error', async (t) => {
  const before = threads.length;
  const ended = outcomes([runInOwnWorker({ type: 'unlock', vaultId, secret, slots: [] })]);
  await setImmediate();
  await threads[before]?.terminate();
  t.same(await ended, ['E_WORKER']);
});
