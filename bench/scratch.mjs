// @ts-check
/**
 * The folder a bench run works in, and the rooms in it: one room holds one tool's repository, its caches, its
 * keys and what it restores. Removed as a whole when the run ends, however it ends.
 */
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const prefix = 'disktro-bench-run-';

/**
 * @typedef {object} Room
 * @property {string} path
 * @property {(...parts: string[]) => string} at a path inside
 * @property {string} lastPrinted what the last backup printed: disktro's file id
 *
 * @typedef {object} Scratch
 * @property {string} path
 * @property {() => Promise<Room>} openRoom
 * @property {(room: Room) => Promise<void>} closeRoom
 * @property {() => Promise<void>} clear closes all rooms
 * @property {() => Promise<void>} close
 */

/** @returns {Promise<Scratch>} */
export async function openScratch() {
  const path = await mkdtemp(join(tmpdir(), prefix));
  let roomCount = 0;
  return {
    path,
    async openRoom() {
      const roomPath = join(path, `room-${++roomCount}`);
      await mkdir(join(roomPath, 'out'), { recursive: true });
      return { path: roomPath, at: (...parts) => join(roomPath, ...parts), lastPrinted: '' };
    },
    closeRoom: (room) => rm(room.path, { recursive: true, force: true }),
    async clear() {
      for (const name of await readdir(path)) await rm(join(path, name), { recursive: true, force: true });
    },
    close: () => rm(path, { recursive: true, force: true, maxRetries: 3 }),
  };
}

/**
 * Empties the place a tool restores into.
 *
 * @param {Room} room
 */
export async function clearOutput(room) {
  await rm(room.at('out'), { recursive: true, force: true });
  await mkdir(room.at('out'));
}

/**
 * Folders of runs that were killed outright, or of one still going: only named, since whose they are is not known.
 *
 * @returns {Promise<string[]>}
 */
export async function findLeftovers() {
  const names = await readdir(tmpdir());
  return names.filter((name) => name.startsWith(prefix)).map((name) => join(tmpdir(), name));
}
