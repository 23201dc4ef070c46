/**
 * The only place with exit numbers: their names, meanings, and which error ends in which.
 * Knows error codes and nothing of how an error is printed.
 */
import { DisktroError, type ErrorCode } from '../errors.js';

/** Every way a run can end. `--help` prints the meanings. */
export const EXITS = {
  done: { status: 0, meaning: 'done' },
  unexpected: { status: 1, meaning: 'unexpected: a bug' },
  usage: { status: 2, meaning: 'usage or configuration' },
  inputs: { status: 3, meaning: 'some (or all) inputs or outputs failed, or too few copies were confirmed' },
  notFound: { status: 4, meaning: 'no such id, name or node, or a prefix that fits several' },
  noVault: { status: 10, meaning: 'no vault or store here, not readable or writable, or a format too new' },
  locked: { status: 11, meaning: 'locked by another process' },
  wrongPassword: { status: 12, meaning: 'wrong password' },
  corrupt: { status: 13, meaning: 'integrity failure' },
  missing: { status: 14, meaning: 'objects missing' },
  outputExists: { status: 17, meaning: 'the output exists and --force was not given' },
  unreachable: { status: 20, meaning: 'peer unreachable' },
  refused: { status: 21, meaning: 'peer refused or broke protocol' },
  noSpace: { status: 28, meaning: 'out of space' },
  interrupted: { status: 130, meaning: 'interrupted' },
  terminated: { status: 143, meaning: 'terminated' },
} as const;

export type ExitName = keyof typeof EXITS;

/** The exit of each code. A code added to errors.ts does not compile until it is listed here. */
const EXIT_OF_CODE: Readonly<Record<ErrorCode, ExitName>> = {
  E_OBJECT_LENGTH: 'corrupt',
  E_OBJECT_MAGIC: 'corrupt',
  E_OBJECT_VAULT: 'corrupt',
  E_OBJECT_ID: 'corrupt',
  E_OBJECT_TAG: 'corrupt',
  E_OBJECT_TYPE: 'corrupt',
  E_OBJECT_CODEC: 'corrupt',
  E_OBJECT_SIZES: 'corrupt',
  E_OBJECT_PADDING: 'corrupt',
  E_OBJECT_BODY: 'corrupt',
  E_CBOR_INVALID: 'corrupt',
  E_MANIFEST_INVALID: 'corrupt',
  E_MANIFEST_PATH: 'corrupt',
  E_LIST_INVALID: 'corrupt',
  E_SLOT_INVALID: 'corrupt',
  E_SLOT_PARAMETERS: 'corrupt',
  E_SLOT_DAMAGED: 'corrupt',
  E_VAULT_FILE: 'corrupt',
  E_CATALOG_CORRUPT: 'corrupt',
  E_CORRUPT: 'corrupt',
  E_OBJECT_MISSING: 'missing',
  E_USAGE: 'usage',
  E_CONFIG: 'usage',
  E_PASSWORD_NEEDED: 'usage',
  E_PASSWORD_UNUSABLE: 'usage',
  E_VAULT_EXISTS: 'usage',
  E_SLOT_LIMIT: 'usage',
  E_INPUTS_FAILED: 'inputs',
  E_INPUT: 'inputs',
  E_TOO_FEW_COPIES: 'inputs',
  E_OUTPUT: 'inputs',
  E_NOT_FOUND: 'notFound',
  E_AMBIGUOUS: 'notFound',
  E_NO_VAULT: 'noVault',
  E_FORMAT_TOO_NEW: 'noVault',
  E_READ_ONLY: 'noVault',
  E_IO: 'noVault',
  E_LOCKED: 'locked',
  E_WRONG_PASSWORD: 'wrongPassword',
  E_OUTPUT_EXISTS: 'outputExists',
  E_PEER_UNREACHABLE: 'unreachable',
  E_PEER_REFUSED: 'refused',
  E_NO_SPACE: 'noSpace',
  E_ABORTED: 'interrupted',
  E_WORKER: 'unexpected',
};

/**
 * The exit status of an error. `signal` is the signal that asked the run to stop, if one did:
 * a stop by SIGTERM or SIGHUP is 143, by SIGINT 130.
 */
export function exitStatusOf(error: unknown, signal?: NodeJS.Signals): number {
  if (!(error instanceof DisktroError)) return EXITS.unexpected.status;
  const isTerminated = error.code === 'E_ABORTED' && (signal === 'SIGTERM' || signal === 'SIGHUP');
  return EXITS[isTerminated ? 'terminated' : EXIT_OF_CODE[error.code]].status;
}
