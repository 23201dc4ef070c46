/**
 * What Node has no call for: fifos, devices, and making a whole file system durable. The tools of the system do it; they
 * are given an open folder, not a path, so that nobody can lead them elsewhere.
 */
import { spawn } from 'node:child_process';

/** What a tool said when it failed; `code` is as of a system call. */
function failure(tool: string, said: string): Error {
  const code = /not permitted|permission denied/i.test(said)
    ? 'EPERM'
    : /exists/i.test(said)
      ? 'EEXIST'
      : 'EIO';
  return Object.assign(new Error(`${tool}: ${said.trim()}`), { code });
}

/** @param folder an open descriptor, number 3 of the tool; @throws ENOENT when there is no such tool */
function runIn(folder: number, tool: string, words: readonly (string | Buffer)[]): Promise<void> {
  return new Promise((resolve, reject) => {
    // Arguments are text for Node: names that are no UTF-8 go through the shell as octal escapes.
    const isPlain = words.every((word) => typeof word === 'string');
    const child = isPlain
      ? spawn(tool, words as readonly string[], { stdio: ['ignore', 'ignore', 'pipe', folder] })
      : spawn('sh', ['-c', escaped(tool, words)], { stdio: ['ignore', 'ignore', 'pipe', folder] });
    let said = '';
    child.stderr?.on('data', (text: Buffer) => {
      said += text.toString();
    });
    child.on('error', reject);
    child.on('close', (status) => (status === 0 ? resolve() : reject(failure(tool, said))));
  });
}

/** The trailing x keeps a line end at the end of a name. */
function escaped(tool: string, words: readonly (string | Buffer)[]): string {
  const octal = (word: string | Buffer): string =>
    [...Buffer.from(word)].map((byte) => `\\0${byte.toString(8).padStart(3, '0')}`).join('');
  const set = words.map((word, index) => `w${index}=$(printf '%bx' '${octal(word)}')`);
  const given = words.map((_, index) => `"\${w${index}%x}"`);
  return [...set, `exec ${tool} ${given.join(' ')}`].join('; ');
}

function inFolder(name: string | Buffer): string | Buffer {
  return typeof name === 'string'
    ? `/proc/self/fd/3/${name}`
    : Buffer.concat([Buffer.from('/proc/self/fd/3/'), name]);
}

/** Makes a fifo with mode 0600 in an open folder. @throws EEXIST, EPERM, EIO; ENOENT when there is no mkfifo */
export function makeFifo(folder: number, name: string | Buffer): Promise<void> {
  return runIn(folder, 'mkfifo', ['-m', '600', inFolder(name)]);
}

/** Makes a device with mode 0600 in an open folder; only root may. @throws EEXIST, EPERM, EIO; ENOENT when there is no mknod */
export function makeDevice(
  folder: number,
  name: string | Buffer,
  type: 'block' | 'character',
  [major, minor]: readonly [number, number],
): Promise<void> {
  const letter = type === 'block' ? 'b' : 'c';
  return runIn(folder, 'mknod', ['-m', '600', inFolder(name), letter, String(major), String(minor)]);
}

/** Whether {@link syncFileSystem} may be relied on; where not, each file has to be synced. */
export const canSyncFileSystem = process.platform === 'linux';

/** Makes all of a folder's file system durable: much faster than a sync per file where there are thousands. */
export async function syncFileSystem(folder: number): Promise<void> {
  await runIn(folder, 'sync', ['-f', '/proc/self/fd/3']).catch(() => runIn(folder, 'sync', []));
}
