/**
 * Ctrl-C and friends as an AbortSignal: the first asks for a clean stop, a second Ctrl-C stops at once.
 */
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
