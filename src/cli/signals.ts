/**
 * Ctrl-C and friends as an AbortSignal: the first asks for a clean stop, a second Ctrl-C stops at once.
 */
import { setMaxListeners } from 'node:events';
import { abortedError } from '../errors.js';
import { EXITS } from './exit.js';

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface SignalWatch {
  /** Aborts with an `E_ABORTED` error as its reason. */
  readonly signal: AbortSignal;
  /** The signal that asked for the stop, if one did. */
  received(): NodeJS.Signals | undefined;
  close(): void;
}

export function watchSignals(): SignalWatch {
  const controller = new AbortController();
  // As many requests to peers as there are may wait for it at once.
  setMaxListeners(0, controller.signal);
  let first: NodeJS.Signals | undefined;
  const onSignal = (name: NodeJS.Signals): void => {
    if (first !== undefined) {
      if (name === 'SIGINT') process.exit(EXITS.interrupted.status); // no time for what is still unwritten
      return;
    }
    first = name;
    controller.abort(abortedError());
  };
  for (const name of STOP_SIGNALS) process.on(name, onSignal);
  return {
    signal: controller.signal,
    received: () => first,
    close: () => {
      for (const name of STOP_SIGNALS) process.off(name, onSignal);
    },
  };
}

const LEAVING_MS = 100;

/**
 * Sees to it that a stopped process ends: a read of stdin that waits for data cannot be taken back, it keeps the
 * process, and process.exit would wait for it too. Who is still here a little later ends by the signal itself, which a
 * shell shows as the same status.
 */
export function leaveSoon(name: NodeJS.Signals): void {
  const ending = name === 'SIGINT' ? 'SIGINT' : 'SIGTERM';
  setTimeout(() => process.kill(process.pid, ending), LEAVING_MS).unref();
}
