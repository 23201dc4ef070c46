/**
 * A password from a file, a named pipe or a process substitution. Warns when others may read the file.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { reasonOf } from '../errors.js';
import { MAX_PASSWORD_BYTES, passwordFromBytes, unusable } from './password-text.js';

const GROUP_AND_OTHERS = 0o077;

/** Throws `E_PASSWORD_UNUSABLE` when the file cannot be read, is too long, empty or not UTF-8. */
export function readPasswordFile(path: string, source: string, onWarning: (message: string) => void): string {
  const place = `${source} ${path}`;
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, 'r');
    const { mode, isPrivate } = permissionsOf(descriptor);
    if (!isPrivate) onWarning(`${path} is open to others (mode ${mode}): chmod 600 makes it yours alone`);
    return passwordFromBytes(readUpTo(descriptor, MAX_PASSWORD_BYTES + 1), place);
  } catch (error) {
    const { syscall } = error as NodeJS.ErrnoException;
    throw syscall === undefined ? error : unusable(place, `cannot read it: ${reasonOf(error)}`, error);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** Only a regular file is judged: a pipe has no owner to keep it from, and Windows has no modes. */
function permissionsOf(descriptor: number): { mode: string; isPrivate: boolean } {
  const status = fstatSync(descriptor);
  const isJudged = status.isFile() && process.platform !== 'win32';
  const mode = (status.mode & 0o777).toString(8).padStart(4, '0');
  return { mode, isPrivate: !isJudged || (status.mode & GROUP_AND_OTHERS) === 0 };
}

function readUpTo(descriptor: number, limit: number): Uint8Array {
  const bytes = Buffer.alloc(limit);
  let length = 0;
  for (let read = -1; read !== 0 && length < limit; length += read) {
    read = readSync(descriptor, bytes, length, limit - length, null);
  }
  return bytes.subarray(0, length);
}
