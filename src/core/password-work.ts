/**
 * Where password work is done. The Argon2 addon has threads of libuv for it and gives its memory back; without it the
 * work goes to a worker thread, which takes 60 ms to start.
 */
import { nativeArgon2id } from './argon2id.js';
import type { PasswordJob, PasswordResult } from './unlock.js';
import { runPasswordJob } from './unlock.js';
import { prepareOwnWorker, runInOwnWorker } from './worker/pool.js';

/** Starts what the next password work will need, while the password is still being read. */
export function preparePasswordWork(): void {
  if (nativeArgon2id() === undefined) prepareOwnWorker();
}

/** @throws as `unlock.ts` says of each job; E_WORKER when its thread dies */
export async function runPasswordWork<J extends PasswordJob>(job: J): Promise<PasswordResult<J>> {
  return nativeArgon2id() === undefined
    ? runInOwnWorker(job)
    : ((await runPasswordJob(job)) as PasswordResult<J>);
}
