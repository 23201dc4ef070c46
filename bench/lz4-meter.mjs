// @ts-check
/** Says how large the lz4 program makes a stream of bytes. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { programPath } from './programs.mjs';

/**
 * @typedef {object} Lz4Meter
 * @property {(content: Buffer) => Promise<void>} write
 * @property {() => Promise<number | undefined>} finish compressed bytes; nothing where there is no lz4
 */

/**
 * @param {AbortSignal} signal
 * @returns {Lz4Meter}
 */
export function openLz4Meter(signal) {
  const program = programPath('lz4');
  if (!program) return { write: async () => {}, finish: async () => undefined };
  const child = spawn(program, ['-c', '-q'], { stdio: ['pipe', 'pipe', 'inherit'], signal });
  const ended = once(child, 'close');
  ended.catch(() => {}); // awaited later; until then a failure is not unhandled
  child.stdin.on('error', () => {}); // shows as the exit status
  let compressedBytes = 0;
  child.stdout.on('data', (piece) => {
    compressedBytes += piece.length;
  });
  return {
    async write(content) {
      if (!child.stdin.write(content)) await Promise.race([once(child.stdin, 'drain', { signal }), ended]);
    },
    async finish() {
      child.stdin.end();
      const [status] = await ended;
      return status === 0 ? compressedBytes : undefined;
    },
  };
}
