/**
 * Shows a recovery code once, or writes it to a file nobody else can read.
 * A code that cannot be written is shown instead: it exists nowhere else.
 */
import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { DisktroError, reasonOf } from '../errors.js';
import type { Output } from './output.js';

const ADVICE =
  'write this code down and keep it away from this machine: it opens the vault when the password is lost, ' +
  'and it is not shown again';

/** On stderr, whatever the options: nobody can show it a second time. */
export function showRecoveryCode(output: Output, code: string): void {
  output.notice(`recovery code: ${code}`, { recoveryCode: code });
  output.note(ADVICE);
}

/**
 * Hands over a result that came with a recovery code: `facts` as JSON with the code in it, else `line` on stdout
 * and the code on stderr, or in `file`. However that fails, the code is shown.
 */
export function deliverWithCode(
  output: Output,
  line: string,
  facts: object,
  code: string,
  file: RecoveryFile | undefined,
): void {
  file?.save(code);
  const isInRecord = output.isJson && file === undefined;
  if (!isInRecord && file === undefined) showRecoveryCode(output, code);
  try {
    if (output.isJson)
      output.record({ ...facts, ...(file ? { recoveryFile: file.path } : { recoveryCode: code }) });
    else output.result(line);
  } catch (error) {
    if (isInRecord) showRecoveryCode(output, code);
    throw error;
  }
}

/** A file that waits for a code. It is made before the code is, so that a bad path changes nothing. */
export interface RecoveryFile {
  readonly path: string;
  /** Writes and syncs the code; shows it on stderr when that fails, and throws `E_OUTPUT`. */
  save(code: string): void;
  /** Takes the file away again when no code came. */
  [Symbol.dispose](): void;
}

/** Throws `E_OUTPUT_EXISTS` when there is something at `path`, `E_OUTPUT` when it cannot be made. */
export function openRecoveryFile(output: Output, path: string): RecoveryFile {
  const place = resolve(path);
  const descriptor = createExclusively(place);
  let isSaved = false;
  return {
    path: place,
    save(code) {
      try {
        writeSync(descriptor, `${code}\n`);
        fsyncSync(descriptor);
        isSaved = true;
      } catch (error) {
        showRecoveryCode(output, code);
        throw outputError(place, error);
      }
      output.note(`recovery code written to ${place}: move it away from this machine`);
    },
    [Symbol.dispose]() {
      closeSync(descriptor);
      if (!isSaved) rmSync(place, { force: true });
    },
  };
}

function createExclusively(path: string): number {
  try {
    return openSync(path, 'wx', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw outputError(path, error);
    throw new DisktroError('E_OUTPUT_EXISTS', `recovery file ${path} exists already`, {
      hint: 'name a file that does not exist: a recovery code is never written over something else',
      cause: error,
    });
  }
}

function outputError(path: string, cause: unknown): DisktroError {
  return new DisktroError('E_OUTPUT', `cannot write the recovery file ${path}: ${reasonOf(cause)}`, {
    cause,
  });
}
