// @ts-check
/**
 * Runs one timed work: every tool once a round, round after round, each round beginning with the next tool, so
 * that whatever the machine does meanwhile falls on all alike. A first round warms up: it is not counted, and
 * in it what each tool restores is checked.
 */
import { seconds } from './figures.mjs';
import { measure, run } from './measure.mjs';
import { command } from './peers.mjs';
import { clearOutput } from './scratch.mjs';
import { settle } from './settle.mjs';

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

/** Number of the round that is not counted. */
const warmUp = 0;

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
  for (let round = warmUp; round <= bench.runs; round++) {
    for (const series of rotated(all, round)) {
      const { tool } = series;
      const room = await roomFor(bench, { action, file, tool, kept });
      const sample = await runOnce(bench, { action, file, tool, room });
      const turn = round === warmUp ? 'warm-up' : `${round}/${bench.runs}`;
      bench.log(`${name} ${turn}  ${tool.name}  ${seconds(sample.wallMs)}`);
      if (round === warmUp) {
        await check(bench, { action, file, tool, room });
        series.storedBytes = await storedBytes(bench, tool, room);
      } else series.samples.push(sample);
      await clearOutput(room);
    }
  }
  return all;
}

/**
 * One timed run, on a settled machine.
 *
 * @param {Bench} bench
 * @param {{action: Action, file: string, tool: Tool, room: Room}} what
 * @returns {Promise<Sample>}
 */
async function runOnce(bench, { action, file, tool, room }) {
  const act = tool[action];
  if (!act) throw new Error(`${tool.name} has no ${action}`);
  await settle({ room, file, signal: bench.signal });
  const sample = await measure(act(room, file), { signal: bench.signal, statsFile: `${room.path}.stats` });
  if (action !== 'restore') room.lastPrinted = sample.stdout.trim();
  return sample;
}

/**
 * A first backup gets a new repository each time, and the old ones stay until the work is done: right after the
 * deletion of many files some file systems look long for a free inode, at the cost of whoever comes next; the other works keep one for each family of tools.
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
