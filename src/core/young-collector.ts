/**
 * Buffers outside the heap that live for a moment, as node:crypto and TLS return them, gather until V8 looks for them:
 * 32 MiB and more in each thread, and then it marks the whole heap. Collecting the young ones now and then costs about
 * a millisecond and saves both.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * @param everyBytes collect when this many bytes of such buffers were made
 * @returns to be told of each buffer's length
 */
export function youngCollector(everyBytes: number): (bytes: number) => void {
  let collect: ((options: { type: 'minor' }) => void) | undefined;
  let gathered = 0;
  return (bytes) => {
    gathered += bytes;
    if (gathered < everyBytes) return;
    gathered = 0;
    collect ??= exposedCollector();
    collect({ type: 'minor' });
  };
}

function exposedCollector(): (options: { type: 'minor' }) => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as (options: { type: 'minor' }) => void;
}
