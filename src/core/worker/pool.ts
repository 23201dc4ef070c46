/** Worker threads that run jobs, and one-off workers for passwords. */
import type { EngineKeys, Job, JobResult } from '../jobs.js';
import type { PasswordJob, PasswordResult } from '../unlock.js';
import { Lane } from './lane.js';
import type { WorkerSetup } from './messages.js';

const ENTRY = new URL('./entry.js', import.meta.url);

/** Runs jobs on a fixed number of threads. The caller bounds how many are under way. */
export class WorkerPool {
  readonly #lanes: readonly Lane[];

  constructor(threads: number, keys: EngineKeys) {
    this.#lanes = Array.from({ length: threads }, () => laneFor({ keys }));
  }

  /** @throws what the job throws; E_WORKER when its thread dies */
  run<J extends Job>(job: J): Promise<JobResult<J>> {
    if ('output' in job && !(job.output.buffer instanceof SharedArrayBuffer)) {
      throw new TypeError('a worker can write only to shared memory');
    }
    const idlest = this.#lanes.reduce((best, lane) => (lane.load < best.load ? lane : best));
    return idlest.run<JobResult<J>>(job);
  }

  /** Ends the threads. Jobs under way fail with E_WORKER. */
  async close(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.close()));
  }
}

let prepared: Lane | undefined;

/**
 * Starts the thread of the next password job ahead of time, so that it loads while the password is still being read:
 * 60 ms less until a vault is open. Does not keep the process alive.
 */
export function prepareOwnWorker(): void {
  prepared ??= laneFor({});
  prepared.run({ type: 'prepare' }).catch(() => {});
}

/** Runs one password job in a thread of its own, which gives its memory back when it ends. */
export async function runInOwnWorker<J extends PasswordJob>(job: J): Promise<PasswordResult<J>> {
  const lane = prepared ?? laneFor({});
  prepared = undefined;
  try {
    return await lane.run<PasswordResult<J>>(job);
  } finally {
    await lane.close();
  }
}

function laneFor(setup: WorkerSetup): Lane {
  return new Lane(ENTRY, setup);
}
