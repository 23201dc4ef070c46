/**
 * The one error class of disktro and the closed list of its codes.
 * Imports nothing. Exit statuses live in `cli/exit.ts`, HTTP statuses in `server/`; this file knows neither.
 */

/** Codes that mean bytes on disk are not what they should be. */
export type IntegrityCode =
  | 'E_OBJECT_LENGTH'
  | 'E_OBJECT_MAGIC'
  | 'E_OBJECT_VAULT'
  | 'E_OBJECT_ID'
  | 'E_OBJECT_TAG'
  | 'E_OBJECT_TYPE'
  | 'E_OBJECT_CODEC'
  | 'E_OBJECT_SIZES'
  | 'E_OBJECT_PADDING'
  | 'E_OBJECT_BODY'
  | 'E_CBOR_INVALID'
  | 'E_MANIFEST_INVALID'
  | 'E_MANIFEST_PATH'
  | 'E_LIST_INVALID'
  | 'E_SLOT_INVALID'
  | 'E_SLOT_PARAMETERS'
  | 'E_SLOT_DAMAGED'
  | 'E_VAULT_FILE'
  | 'E_CATALOG_CORRUPT'
  | 'E_CORRUPT';

/** Every code a {@link DisktroError} can carry. Codes are stable: scripts match on them. */
export type ErrorCode =
  | IntegrityCode
  | 'E_USAGE'
  | 'E_CONFIG'
  | 'E_PASSWORD_NEEDED'
  | 'E_PASSWORD_UNUSABLE'
  | 'E_VAULT_EXISTS'
  | 'E_SLOT_LIMIT'
  | 'E_INPUTS_FAILED'
  | 'E_INPUT'
  | 'E_TOO_FEW_COPIES'
  | 'E_NOT_FOUND'
  | 'E_AMBIGUOUS'
  | 'E_NO_VAULT'
  | 'E_FORMAT_TOO_NEW'
  | 'E_READ_ONLY'
  | 'E_IO'
  | 'E_LOCKED'
  | 'E_WRONG_PASSWORD'
  | 'E_OBJECT_MISSING'
  | 'E_OUTPUT_EXISTS'
  | 'E_OUTPUT'
  | 'E_PEER_UNREACHABLE'
  | 'E_PEER_REFUSED'
  | 'E_NO_SPACE'
  | 'E_ABORTED'
  | 'E_WORKER';

export interface ErrorOptions {
  /** What the person can do about it, as one sentence in lower case without a full stop. */
  readonly hint?: string;
  /** Facts for programs: ids, sizes, paths. Never a secret. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** An error with a stable code. The message says what, what was expected and what was found; never a secret. */
export class DisktroError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'DisktroError';
    this.code = code;
    this.hint = options.hint;
    this.details = options.details;
  }
}

export function isDisktroError(error: unknown, ...codes: ErrorCode[]): error is DisktroError {
  return error instanceof DisktroError && (codes.length === 0 || codes.includes(error.code));
}

export const usageError = (message: string, hint?: string): DisktroError =>
  new DisktroError('E_USAGE', message, hint === undefined ? {} : { hint });

/** Bytes that are not what they should be; `code` names the check that failed. */
export const integrityError = (code: IntegrityCode, message: string, options?: ErrorOptions): DisktroError =>
  new DisktroError(code, message, options);

export const missingObject = (id: string): DisktroError =>
  new DisktroError('E_OBJECT_MISSING', `object ${id} is missing from this store`, {
    hint: 'run `disktro verify` to see everything that is missing',
    details: { id },
  });

export const notFound = (what: string, hint?: string): DisktroError =>
  new DisktroError('E_NOT_FOUND', what, hint === undefined ? {} : { hint });

export const lockedError = (what: string, cause?: unknown): DisktroError =>
  new DisktroError('E_LOCKED', `${what} is locked by another process`, {
    hint: 'wait for the other disktro to finish, then try again',
    cause,
  });

export const abortedError = (cause?: unknown): DisktroError =>
  new DisktroError('E_ABORTED', 'stopped before it was done', { cause });

/** Throws `E_ABORTED` when the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw isDisktroError(signal.reason) ? signal.reason : abortedError(signal.reason);
}

const ERRNO_WORDS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EBUSY: 'it is in use',
  EDQUOT: 'no space left there',
  EEXIST: 'something is there already',
  EFBIG: 'the file is too large for that file system',
  EIO: 'input/output error',
  EISDIR: 'it is a folder',
  ELOOP: 'too many symbolic links',
  EMFILE: 'too many open files',
  ENAMETOOLONG: 'the name is too long',
  ENOENT: 'no such file or folder',
  ENOSPC: 'no space left there',
  ENOTDIR: 'no such file or folder (a part of the path is no folder)',
  ENXIO: 'no such device',
  EPERM: 'permission denied',
  EPIPE: 'whoever read it is gone',
  EROFS: 'the file system is read-only',
};

/** Why the system refused, in words; the errno itself where there are none. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string };
  return ERRNO_WORDS[code ?? ''] ?? code ?? message ?? String(error);
}

/** A file-system failure of the store or catalog, told apart by its errno. */
export function fileSystemError(error: unknown, doing: string): DisktroError {
  if (error instanceof DisktroError) return error;
  const { code: errno } = error as { code?: string };
  if (errno === 'ENOSPC' || errno === 'EDQUOT' || errno === 'SQLITE_FULL') {
    return new DisktroError('E_NO_SPACE', `${doing}: no space left on the disk`, {
      hint: 'free some space (`disktro gc` may help) and run the command again; nothing acknowledged was lost',
      cause: error,
    });
  }
  if (errno === 'EROFS' || errno === 'EACCES' || errno === 'EPERM' || errno === 'SQLITE_READONLY') {
    return new DisktroError('E_READ_ONLY', `${doing}: not permitted (${errno})`, {
      hint: 'check the owner and mode of that folder, and that its disk is mounted read-write',
      cause: error,
    });
  }
  return new DisktroError('E_IO', `${doing}: ${reasonOf(error)}`, { cause: error });
}
