/** A worker thread for work on chunks and passwords. Holds only the keys it was given. */
import { workerData } from 'node:worker_threads';
import { MIB } from '../../limits.js';
import type { Job } from '../jobs.js';
import { runJob } from '../jobs.js';
import type { PasswordJob } from '../unlock.js';
import { youngCollector } from '../young-collector.js';
import type { WorkerSetup } from './messages.js';
import { serveJobs } from './serve-jobs.js';

const { keys } = workerData as WorkerSetup;
/** node:crypto returns fresh buffers: 4 MiB at a time instead of 32 saves 30 MiB per worker (137 → 78 MiB with two). */
const noteMade = youngCollector(4 * MIB);

serveJobs(perform);

async function perform(job: Job | PasswordJob): Promise<unknown> {
  if (isPasswordJob(job)) {
    const { runPasswordJob } = await import('../unlock.js');
    return runPasswordJob(job);
  }
  if (keys === undefined) throw new Error('this worker was given no keys');
  const result = await runJob(keys, job);
  if (job.type === 'seal' || job.type === 'open') noteMade(job.input.byteLength);
  return result;
}

function isPasswordJob(job: Job | PasswordJob): job is PasswordJob {
  return ['unlock', 'seal-slot', 'claim', 'prepare'].includes(job.type);
}
