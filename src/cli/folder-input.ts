/** What is different when an input of `chunk` is a folder: telling that it is one, and that a part of it failed. */
import { statSync } from 'node:fs';
import { DisktroError } from '../errors.js';
import { count } from './units.js';

/** What cannot be looked at is taken for a file: opening it says what is wrong. */
export function isFolder(path: string | Buffer): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** The rest of the tree is stored, under the id that was printed. */
export function partsFailed(failed: number): DisktroError {
  return new DisktroError(
    'E_INPUTS_FAILED',
    `${count(failed, 'path')} could not be read; the rest is stored`,
    {
      details: { failed },
    },
  );
}
