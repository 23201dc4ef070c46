/**
 * Patience: tries again while another process holds a home, for as long as the caller is willing to wait. Between two
 * tries the process is free, so that a signal stops it at once.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { abortedError, isDisktroError, throwIfAborted } from '../../errors.js';

export interface Patience {
  /** How long to wait for another process; default 0: not at all. */
  readonly lockWaitSeconds?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onNotice?: ((message: string) => void) | undefined;
}

const PAUSE_MS = 200;
/** Shorter waits need not be told. */
const QUIET_MS = 2_000;

/** @throws what the last try threw; E_ABORTED */
export async function waitForLocks<T>(patience: Patience, attempt: () => Promise<T>): Promise<T> {
  const startedMs = performance.now();
  const waitMs = (patience.lockWaitSeconds ?? 0) * 1000;
  let isTold = false;
  for (;;) {
    throwIfAborted(patience.signal);
    try {
      return await attempt();
    } catch (error) {
      const waitedMs = performance.now() - startedMs;
      if (!isDisktroError(error, 'E_LOCKED') || waitedMs >= waitMs) throw error;
      if (!isTold && waitedMs >= QUIET_MS) patience.onNotice?.(`${error.message}: waiting for it`);
      isTold ||= waitedMs >= QUIET_MS;
      await delay(Math.min(PAUSE_MS, waitMs - waitedMs), undefined, { signal: patience.signal }).catch(
        (reason: unknown) => {
          throw abortedError(reason);
        },
      );
    }
  }
}
