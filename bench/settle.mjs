// @ts-check
/**
 * Brings the machine into the same state before every timed run: what will be read is in the page cache, free
 * memory is at hand, and nothing waits to be written.
 */
import { open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './measure.mjs';
import { command } from './peers.mjs';

const blockBytes = 4 * 1024 * 1024;

/**
 * @param {{room: import('./scratch.mjs').Room, file: string, signal: AbortSignal}} what `file`: the source
 */
export async function settle({ room, file, signal }) {
  const sourceBytes = await warm(file);
  await warmTree(room.path);
  await touchMemory(room.at('touched'), 1.5 * sourceBytes, signal);
  await run(command(room, ['sync', '-f', room.path]), { signal });
}

/**
 * Makes the kernel hold that much free memory that was in use a moment ago. In a virtual machine whose host takes
 * free memory back, a page that was not costs ten times its copying: as system time of whoever touches it first.
 *
 * @param {string} path where a file may be for a moment
 * @param {number} bytes
 * @param {AbortSignal} [signal]
 */
export async function touchMemory(path, bytes, signal) {
  const zeros = Buffer.alloc(blockBytes);
  const file = await open(path, 'wx');
  try {
    for (let done = 0; done < bytes; done += blockBytes) {
      signal?.throwIfAborted();
      await file.write(zeros);
    }
  } finally {
    await file.close();
    await rm(path);
  }
}

/** @param {string} folder */
async function warmTree(folder) {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  for (const entry of entries) if (entry.isFile()) await warm(join(entry.parentPath, entry.name));
}

/**
 * @param {string} path
 * @returns {Promise<number>} bytes read
 */
async function warm(path) {
  const file = await open(path);
  try {
    const block = Buffer.allocUnsafe(blockBytes);
    let total = 0;
    for (;;) {
      const { bytesRead } = await file.read(block);
      if (bytesRead === 0) return total;
      total += bytesRead;
    }
  } finally {
    await file.close();
  }
}
