/** The thread's side of a lane: answers each job, in the order they come. */
import { parentPort } from 'node:worker_threads';
import { isDisktroError } from '../../errors.js';
import type { Failure, Request, Response } from './messages.js';

/** @param perform its result or its error goes back */
export function serveJobs<J>(perform: (job: J) => unknown): void {
  parentPort?.on('message', async ({ sequence, job }: Request) => {
    let response: Response;
    try {
      response = { sequence, result: await perform(job as J) };
    } catch (error) {
      response = { sequence, failure: describe(error) };
    }
    parentPort?.postMessage(response);
  });
}

function describe(error: unknown): Failure {
  if (isDisktroError(error)) return { code: error.code, message: error.message, stack: error.stack };
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  return { message, stack };
}
