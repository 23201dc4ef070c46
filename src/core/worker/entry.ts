/** A worker thread: runs jobs one at a time, in the order they come. Holds only the keys it was given. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parentPort, workerData } from 'node:worker_threads';
import { isDisktroError } from '../../errors.js';
import { MIB } from '../../limits.js';
import type { Job } from '../jobs.js';
import { runJob } from '../jobs.js';
import type { PasswordJob } from '../unlock.js';
import type { Failure, Request, Response, WorkerSetup } from './messages.js';

const { keys } = workerData as WorkerSetup;
const garbage = garbageCollector();

parentPort?.on('message', async (request: Request) => {
  const { sequence, job } = request;
  let response: Response;
  try {
    response = { sequence, result: await perform(job) };
  } catch (error) {
    response = { sequence, failure: describe(error) };
  }
  parentPort?.postMessage(response);
});

async function perform(job: Job | PasswordJob): Promise<unknown> {
  if (isPasswordJob(job)) {
    const { runPasswordJob } = await import('../unlock.js');
    return runPasswordJob(job);
  }
  if (keys === undefined) throw new Error('this worker was given no keys');
  const result = runJob(keys, job);
  if (job.type === 'seal' || job.type === 'open') garbage.made(job.input.byteLength);
  return result;
}

function isPasswordJob(job: Job | PasswordJob): job is PasswordJob {
  return ['unlock', 'seal-slot', 'claim', 'prepare'].includes(job.type);
}

/**
 * node:crypto returns fresh buffers, and V8 lets 32 MiB of them gather per thread before it looks.
 * Collecting the young ones every 4 MiB costs nothing measurable and saves 30 MiB per worker (137 → 78 MiB with two).
 */
function garbageCollector(): { made: (bytes: number) => void } {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options: { type: 'minor' }) => void;
  let gathered = 0;
  return {
    made(bytes) {
      gathered += bytes;
      if (gathered < 4 * MIB) return;
      gathered = 0;
      collect({ type: 'minor' });
    },
  };
}

function describe(error: unknown): Failure {
  if (isDisktroError(error)) return { code: error.code, message: error.message, stack: error.stack };
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  return { message, stack };
}
