/** What went wrong with single entries of a restored tree, told as it happens and counted. */
import type { ErrorCode } from '../../errors.js';
import { DisktroError, isDisktroError } from '../../errors.js';

export interface RestoreFailure {
  readonly path: string;
  readonly code: ErrorCode;
  readonly message: string;
}

/** Of a restore that came to its end. */
export interface RestoreOutcome {
  readonly path: string;
  readonly failures: readonly RestoreFailure[];
  /** All that could not be restored; `failures` has the first thousand and leaves out what was in a folder of its own. */
  readonly failed: number;
  /** Owners, modes, times and extended attributes that could not be set. */
  readonly lostAttributes: number;
}

/** More are counted and told, not kept. */
const MOST_KEPT = 1_000;
/** They would meet every other entry as well. */
const ENDING_ERRNOS = new Set(['EROFS', 'EMFILE', 'ENFILE', 'EIO']);

export class Failures {
  readonly list: RestoreFailure[] = [];
  readonly #jobs = new WeakSet<object>();
  readonly #onFailure: ((failure: RestoreFailure) => void) | undefined;
  count = 0;

  constructor(onFailure: ((failure: RestoreFailure) => void) | undefined) {
    this.#onFailure = onFailure;
  }

  /** @throws E_NO_SPACE, and what else would meet every entry */
  add(path: Buffer, error: DisktroError): void {
    if (error.code === 'E_NO_SPACE' || ENDING_ERRNOS.has(String(error.details?.errno))) throw error;
    const shown = path.length === 0 ? '.' : path.toString('utf8');
    const failure = { path: shown, code: error.code, message: error.message };
    this.count++;
    if (this.list.length < MOST_KEPT) this.list.push(failure);
    this.#onFailure?.(failure);
  }

  /** The rest of the job is to be left. */
  addJob(job: { readonly path: Buffer }, error: DisktroError): void {
    this.#jobs.add(job);
    this.add(job.path, error);
  }

  has(job: object): boolean {
    return this.#jobs.has(job);
  }

  /** An entry whose folder has been told. */
  addSilently(): void {
    this.count++;
  }
}

/** A failure to write one entry. */
export function outputProblem(error: unknown): DisktroError {
  if (isDisktroError(error)) return error;
  const { code: errno, message } = error as NodeJS.ErrnoException;
  if (errno === undefined) throw error;
  if (errno === 'ENOSPC' || errno === 'EDQUOT') {
    return new DisktroError('E_NO_SPACE', 'no space left there', {
      hint: 'free some space and run the same command again: it goes on where it stopped',
      cause: error,
    });
  }
  const reason = REASONS[errno] ?? `${errno}${message.startsWith(errno) ? '' : `: ${message}`}`;
  return new DisktroError('E_OUTPUT', `cannot write it: ${reason}`, { details: { errno }, cause: error });
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ENOTEMPTY: 'a folder that is not empty is in its place',
  EEXIST: 'something else is in its place',
  ENAMETOOLONG: 'the name is too long for this file system',
  EROFS: 'the file system is read-only',
  ENOENT: 'its folder or the file that it links to is not there',
  EINVAL: 'the name or the file that it links to cannot be used here',
  ESTALE: 'another folder has taken the place of its folder',
  ENOTDIR: 'something that is no folder is in the place of its folder',
  ELOOP: 'a link is in the place of its folder',
  ENOTSUP: 'this system has no such thing',
};

/** A failure that ended the whole restore. */
export function fatalOutput(error: unknown, path: string): unknown {
  if (isDisktroError(error)) return error;
  const { code: errno } = error as NodeJS.ErrnoException;
  if (errno === undefined) return error;
  const problem = outputProblem(error);
  const { hint, details } = problem;
  return new DisktroError(problem.code, `restoring to ${path}: ${problem.message}`, {
    ...(hint === undefined ? {} : { hint }),
    ...(details === undefined ? {} : { details }),
    cause: error,
  });
}

/** The worst that happened says how all of it ended: damage before loss before what could not be written. */
export function restoreFailure({
  failed,
  failures,
  lostAttributes,
  path,
}: RestoreOutcome): DisktroError | undefined {
  if (failed === 0 && lostAttributes === 0) return undefined;
  const codes = new Set(failures.map(({ code }) => code));
  const isHarmless = (code: string): boolean => code === 'E_OUTPUT' || code === 'E_OBJECT_MISSING';
  const damage = [...codes].find((code) => !isHarmless(code));
  const code = damage ?? (codes.has('E_OBJECT_MISSING') ? 'E_OBJECT_MISSING' : 'E_INPUTS_FAILED');
  const what = [
    ...(failed > 0 ? [`${failed} ${failed === 1 ? 'entry' : 'entries'} could not be restored`] : []),
    ...(lostAttributes > 0
      ? [`${lostAttributes} ${lostAttributes === 1 ? 'attribute' : 'attributes'} could not be set`]
      : []),
  ];
  return new DisktroError(code, what.join(' and '), {
    hint: 'what else there was is restored; run the same command again to try the rest',
    details: { failed, lostAttributes, path, failures: failures.slice(0, 100) },
  });
}
