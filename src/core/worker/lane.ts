/**
 * One worker thread and the jobs that it has. When it dies, each of them fails with `E_WORKER`: an error, never a hang.
 */
import { Worker } from 'node:worker_threads';
import { DisktroError } from '../../errors.js';
import type { Failure, Response } from './messages.js';

const LONG_MS = 2 ** 30;

interface Waiting {
  readonly resolve: (result: never) => void;
  readonly reject: (error: unknown) => void;
}

/** Runs jobs one at a time, in the order they come. */
export class Lane {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #sequence = 0;
  /** Holds the process while an answer is awaited: a thread that is still starting does not. */
  #keepAlive: NodeJS.Timeout | undefined;
  #death: DisktroError | undefined;

  /** @param entry the thread's program, which calls `serveJobs` @param setup its `workerData` */
  constructor(entry: URL, setup: unknown) {
    // Loaders and inspectors of the program around us have no business here, and cost 80 ms a thread.
    // A worker whose stdout is piped into ours would make ours non-blocking, and writes to it fail with EAGAIN.
    this.#worker = new Worker(entry, { workerData: setup, stdout: true, stderr: true, execArgv: [] });
    this.#worker.on('message', (response: Response) => this.#settle(response));
    this.#worker.on('error', (cause) => this.#die(`a worker thread failed: ${cause.message}`, cause));
    this.#worker.on('exit', (status) => this.#die(`a worker thread ended with status ${status}`));
    this.#worker.unref();
  }

  get load(): number {
    return this.#waiting.size;
  }

  run<Result>(job: unknown): Promise<Result> {
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
