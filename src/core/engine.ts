/**
 * Runs jobs: inline while little has come by, on worker threads once there is enough to be worth them.
 * Knows nothing of what the jobs are for.
 */
import { INLINE_BELOW_BYTES } from '../limits.js';
import type { EngineKeys, Job, JobResult } from './jobs.js';
import { runJob } from './jobs.js';
import { WorkerPool } from './worker/pool.js';

export interface Engine {
  /** Jobs that are worth having under way at once. */
  readonly concurrency: number;
  run<J extends Job>(job: J): Promise<JobResult<J>>;
  close(): Promise<void>;
}

/**
 * @param threads worker threads to use, 0 = always inline. They start when the jobs' inputs pass 4 MiB.
 */
export function createEngine(keys: EngineKeys, threads: number): Engine {
  let pool: WorkerPool | undefined;
  let seenBytes = 0;
  return {
    concurrency: Math.max(1, threads * 2),
    async run(job) {
      seenBytes += job.input.byteLength;
      if (pool === undefined && threads > 0 && seenBytes >= INLINE_BELOW_BYTES)
        pool = new WorkerPool(threads, keys);
      return pool === undefined ? runJob(keys, job) : pool.run(job);
    },
    async close() {
      await pool?.close();
    },
  };
}
