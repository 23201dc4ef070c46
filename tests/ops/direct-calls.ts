// The synchronous calls that the catalog and the rebuild make of node:fs directly: counted, and from a given one on
// refused, as a dead process makes no more calls.
import fs from 'node:fs';
import { KilledError } from './fault-file-system.js';

const WATCHED = ['openSync', 'fsyncSync', 'mkdirSync', 'renameSync', 'rmSync'] as const;

export interface DirectCalls {
  /** Each as the call's name and its first argument. */
  readonly calls: readonly string[];
  readonly isDead: boolean;
  /** Lets all calls through again. */
  restore(): void;
}

/** @param killAt the first call that is refused, 0 being the first; undefined only counts */
export function watchDirectCalls(killAt?: number): DirectCalls {
  const calls: string[] = [];
  const originals = Object.fromEntries(WATCHED.map((name) => [name, fs[name]]));
  let isDead = false;
  for (const name of WATCHED) {
    const original = fs[name] as (...args: unknown[]) => unknown;
    const watched = (...args: unknown[]): unknown => {
      if (calls.length === killAt) isDead = true;
      if (isDead) throw new KilledError();
      calls.push(`${name} ${String(args[0])}`);
      return original.apply(fs, args);
    };
    Object.assign(fs, { [name]: watched });
  }
  return {
    calls,
    get isDead() {
      return isDead;
    },
    restore: () => Object.assign(fs, originals),
  };
}
