/** How many worker threads to use. */
import os from 'node:os';

const MOST_THREADS = 8;

/** `auto`: one per core, at most eight; memory grows with each. */
export function threadCount(workers: number | 'auto' = 'auto'): number {
  return workers === 'auto' ? Math.min(os.availableParallelism(), MOST_THREADS) : workers;
}
