// @ts-check
/**
 * Runs one timed work: every tool once a round, round after round, each round beginning with the next tool, so
 * that whatever the machine does meanwhile falls on all alike. Before a run the disk is synced; what is not
 * timed (making repositories, checking what was restored) happens outside of the clock.
 */
import { warm } from './corpus.mjs';
import { measure, run } from './measure.mjs';
import { command } from './peers.mjs';
import { clearOutput } from './scratch.mjs';

/** @typedef {import('./peers.mjs').Tool} Tool */
/** @typedef {import('./scratch.mjs').Room} Room */
/** @typedef {import('./measure.mjs').Sample} Sample */
/** @typedef {import('./works.mjs').Action} Action */

/**
 * @typedef {object} Bench what every work is given
 * @property {import('./scratch.mjs').Scratch} scratch
 * @property {AbortSignal} signal
 * @property {number} runs
 * @property {number} unitBytes
 * @property {(line: string) => void} log
 *
 * @typedef {object} Series one tool at one work
 * @property {Tool} tool
 * @property {Sample[]} samples
 * @property {number} storedBytes of its repository after the work
 */

/**
 * @param {Bench} bench
 * @param {{name: string, action: Action, file: string, tools: readonly Tool[]}} work
 * @returns {Promise<Series[]>} in the order of `tools`
 */
export async function runRounds(bench, { name, action, file, tools }) {
  /** @type {Series[]} */
  const all = tools.map((tool) => ({ tool, samples: [], storedBytes: 0 }));
  /** @type {Map<string, Room>} */
  const kept = new Map();
  for (let round = 0; round < bench.runs; round++) {
    for (const series of rotated(all, round)) {
      const room = await roomFor(bench, { action, file, tool: series.tool, kept });
      const sample = await runOnce(bench, { action, file, tool: series.tool, room });
      series.samples.push(sample);
      bench.log(
        `${name} ${round + 1}/${bench.runs}  ${series.tool.name}  ${(sample.wallMs / 1000).toFixed(2)} s`,
      );
      if (round === 0) await check(bench, { action, file, tool: series.tool, room });
      if (round === 0) series.storedBytes = await storedBytes(bench, series.tool, room);
      await clearOutput(room);
      if (action === 'backup') await bench.scratch.closeRoom(room);
    }
  }
  return all;
}

/**
 * One timed run, from a quiet disk.
 *
 * @param {Bench} bench
 * @param {{action: Action, file: string, tool: Tool, room: Room}} what
 * @returns {Promise<Sample>}
 */
async function runOnce(bench, { action, file, tool, room }) {
  const act = tool[action];
  if (!act) throw new Error(`${tool.name} has no ${action}`);
  if (action !== 'restore') await warm(file);
  await run(command(room, ['sync', '-f', room.path]), bench);
  const sample = await measure(act(room, file), { signal: bench.signal, statsFile: `${room.path}.stats` });
  if (action !== 'restore') room.lastPrinted = sample.stdout.trim();
  return sample;
}

/**
 * A first backup gets a new repository each time; the other works keep one for each family of tools.
 *
 * @param {Bench} bench
 * @param {{action: Action, file: string, tool: Tool, kept: Map<string, Room>}} what
 * @returns {Promise<Room>}
 */
async function roomFor(bench, { action, file, tool, kept }) {
  const existing = kept.get(tool.family);
  if (existing) return existing;
  const room = await bench.scratch.openRoom();
  for (const step of tool.init(room)) await run(step, bench);
  if (action === 'backup') return room;
  room.lastPrinted = (await run(tool.backup(room, file), bench)).stdout.trim();
  kept.set(tool.family, room);
  return room;
}

/**
 * Fails unless what the tool gives back is what it was given.
 *
 * @param {Bench} bench
 * @param {{action: Action, file: string, tool: Tool, room: Room}} what
 */
async function check(bench, { action, file, tool, room }) {
  if (action !== 'restore') await run(tool.restore(room, file), bench);
  await run(command(room, ['cmp', '--', file, tool.restoredPath(room, file)]), bench);
}

/**
 * @param {Bench} bench
 * @param {Tool} tool
 * @param {Room} room
 */
async function storedBytes(bench, tool, room) {
  const argv = ['du', '-s', '--apparent-size', '--block-size=1', '--', tool.storedPath(room)];
  return Number.parseInt((await run(command(room, argv), bench)).stdout, 10);
}

/**
 * @template T
 * @param {readonly T[]} items
 * @param {number} by
 */
function rotated(items, by) {
  const first = by % items.length;
  return [...items.slice(first), ...items.slice(0, first)];
}
