// @ts-check
/** The works that are not a race between backups: peak memory, and what it costs to start the command at all. */
import { measure, run } from './measure.mjs';
import { command, disktro, disktroBin } from './peers.mjs';

/** @typedef {import('./rounds.mjs').Bench} Bench */

/**
 * Peak memory of disktro's process while it chunks and reassembles one file.
 *
 * @param {Bench} bench
 * @param {{file: string, runs: number}} options
 * @returns {Promise<{chunk: number[], reassemble: number[]}>} bytes, one of each a run
 */
export async function measureMemory(bench, { file, runs }) {
  /** @type {{chunk: number[], reassemble: number[]}} */
  const peaks = { chunk: [], reassemble: [] };
  for (let i = 0; i < runs; i++) {
    const room = await bench.scratch.openRoom();
    const options = { signal: bench.signal, statsFile: `${room.path}.stats` };
    for (const step of disktro.init(room)) await run(step, bench);
    const backup = await measure(disktro.backup(room, file), options);
    room.lastPrinted = backup.stdout.trim();
    const restore = await measure(disktro.restore(room, file), options);
    if (i === 0) await run(command(room, ['cmp', '--', file, disktro.restoredPath(room, file)]), bench);
    peaks.chunk.push(backup.peakBytes);
    peaks.reassemble.push(restore.peakBytes);
    await bench.scratch.closeRoom(room);
  }
  return peaks;
}

/**
 * Wall time of `disktro --version` and of a node that does nothing, in turn.
 *
 * @param {Bench} bench
 * @param {{runs: number}} options
 * @returns {Promise<{version: number[], node: number[]}>} milliseconds
 */
export async function measureStartup(bench, { runs }) {
  const room = await bench.scratch.openRoom();
  const version = command(room, [process.execPath, disktroBin, '--version']);
  const node = command(room, [process.execPath, '-e', '0']);
  /** @type {{version: number[], node: number[]}} */
  const times = { version: [], node: [] };
  await run(version, bench);
  await run(node, bench);
  for (let i = 0; i < runs; i++) {
    times.version.push((await run(version, bench)).wallMs);
    times.node.push((await run(node, bench)).wallMs);
  }
  return times;
}
