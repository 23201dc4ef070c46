/**
 * Worker threads that run jobs, and one-off workers for passwords.
 * A worker that dies fails every job it had with `E_WORKER`: an error, never a hang.
 */
import { Worker } from 'node:worker_threads';
import { DisktroError } from '../../errors.js';
import type { EngineKeys, Job, JobResult } from '../jobs.js';
import type { PasswordJob, PasswordResult } from '../unlock.js';
import type { Failure, Response, WorkerSetup } from './messages.js';

const LONG_MS = 2 ** 30;
const ENTRY = new URL('./entry.js', import.meta.url);

interface Waiting {
  readonly resolve: (result: never) => void;
  readonly reject: (error: unknown) => void;
}

/** Runs jobs on a fixed number of threads. The caller bounds how many are under way. */
export class WorkerPool {
  readonly #lanes: readonly Lane[];

  constructor(threads: number, keys: EngineKeys) {
    this.#lanes = Array.from({ length: threads }, () => new Lane({ keys }));
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
  prepared ??= new Lane({});
  prepared.run({ type: 'prepare' }).catch(() => {});
}

/** Runs one password job in a thread of its own, which gives its memory back when it ends. */
export async function runInOwnWorker<J extends PasswordJob>(job: J): Promise<PasswordResult<J>> {
  const lane = prepared ?? new Lane({});
  prepared = undefined;
  try {
    return await lane.run<PasswordResult<J>>(job);
  } finally {
    await lane.close();
  }
}

class Lane {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #sequence = 0;
  /** Holds the process while an answer is awaited: a thread that is still starting does not. */
  #keepAlive: NodeJS.Timeout | undefined;
  #death: DisktroError | undefined;

  constructor(setup: WorkerSetup) {
    // Loaders and inspectors of the program around us have no business here, and cost 80 ms a thread.
    // A worker whose stdout is piped into ours would make ours non-blocking, and writes to it fail with EAGAIN.
    this.#worker = new Worker(ENTRY, { workerData: setup, stdout: true, stderr: true, execArgv: [] });
    this.#worker.on('message', (response: Response) => this.#settle(response));
    this.#worker.on('error', (cause) => this.#die(`a worker thread failed: ${cause.message}`, cause));
    this.#worker.on('exit', (status) => this.#die(`a worker thread ended with status ${status}`));
    this.#worker.unref();
  }

  get load(): number {
    return this.#waiting.size;
  }

  run<Result>(job: Job | PasswordJob): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      if (this.#death !== undefined) {
        reject(this.#death);
        return;
      }
      const sequence = this.#sequence++;
      if (this.#waiting.size === 0) this.#keepAlive = setInterval(() => {}, LONG_MS);
      this.#waiting.set(sequence, { resolve, reject });
      this.#worker.postMessage({ sequence, job });
    });
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #settle(response: Response): void {
    const waiting = this.#waiting.get(response.sequence);
    if (waiting === undefined) return;
    this.#waiting.delete(response.sequence);
    if (this.#waiting.size === 0) clearInterval(this.#keepAlive);
    if ('failure' in response) waiting.reject(revive(response.failure));
    else waiting.resolve(response.result as never);
  }

  #die(message: string, cause?: unknown): void {
    this.#death ??= new DisktroError('E_WORKER', message, { cause });
    clearInterval(this.#keepAlive);
    for (const { reject } of this.#waiting.values()) reject(this.#death);
    this.#waiting.clear();
  }
}

function revive({ code, message, stack }: Failure): Error {
  const error = code === undefined ? new Error(message) : new DisktroError(code, message);
  if (stack !== undefined) error.stack = stack;
  return error;
}
