/**
 * Where a password comes from: a file, a command, the environment, or a hidden prompt; never argv.
 * Decides the order; what the password opens is not known here.
 */
import { DisktroError } from '../errors.js';
import { readPasswordCommand } from './password-command.js';
import { readPasswordFile } from './password-file.js';
import { unusable, usablePassword } from './password-text.js';
import { openTerminal, type Terminal } from './terminal.js';

const PROMPT_ATTEMPTS = 3;
const PROMPT = 'the prompt';

export interface PasswordRequest {
  /** `--password-file`, or `--new-password-file` for a new password. */
  readonly file?: string | undefined;
  /** `--password-command`; a new password has no such source. */
  readonly command?: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  /** Stdin carries data (`chunk -`): it is not read for a password. */
  readonly isStdinTaken: boolean;
  readonly signal: AbortSignal;
  readonly onWarning: (message: string) => void;
  /** Asks at the terminal; undefined when there is none. Given by tests. */
  readonly openTerminal?: typeof openTerminal;
}

/**
 * The password of the vault. `isNew` is for a vault about to be made: at a prompt it is typed twice.
 * Throws `E_PASSWORD_NEEDED` when there is no source, `E_PASSWORD_UNUSABLE` when the source gives none,
 * `E_ABORTED` on Ctrl-C at the prompt.
 */
export async function readPassword(request: PasswordRequest, isNew = false): Promise<string> {
  const { file, command, env, onWarning } = request;
  if (file !== undefined && command !== undefined) {
    throw new DisktroError('E_USAGE', 'expected one of --password-file and --password-command, got both');
  }
  if (file !== undefined) return readPasswordFile(file, '--password-file', onWarning);
  if (command !== undefined) return readPasswordCommand(command, '--password-command', request);
  if (env.DISKTRO_PASSWORD !== undefined) return usablePassword(env.DISKTRO_PASSWORD, '$DISKTRO_PASSWORD');
  if (env.DISKTRO_PASSWORD_FILE) {
    return readPasswordFile(env.DISKTRO_PASSWORD_FILE, '$DISKTRO_PASSWORD_FILE', onWarning);
  }
  if (env.DISKTRO_PASSWORD_COMMAND) {
    return readPasswordCommand(env.DISKTRO_PASSWORD_COMMAND, '$DISKTRO_PASSWORD_COMMAND', request);
  }
  return askAtTerminal(request, {
    label: isNew ? 'new password for this vault' : 'password',
    isTwice: isNew,
    hint:
      'give --password-file FILE or --password-command CMD, set DISKTRO_PASSWORD, DISKTRO_PASSWORD_FILE or ' +
      'DISKTRO_PASSWORD_COMMAND, or run it in a terminal',
  });
}

/** A password to join or replace the present one: `--new-password-file`, `$DISKTRO_NEW_PASSWORD`, or a prompt. */
export async function readNewPassword(request: PasswordRequest): Promise<string> {
  const { file, env, onWarning } = request;
  if (file !== undefined) return readPasswordFile(file, '--new-password-file', onWarning);
  if (env.DISKTRO_NEW_PASSWORD !== undefined) {
    return usablePassword(env.DISKTRO_NEW_PASSWORD, '$DISKTRO_NEW_PASSWORD');
  }
  return askAtTerminal(request, {
    label: 'new password',
    isTwice: true,
    hint: 'give --new-password-file FILE, set DISKTRO_NEW_PASSWORD, or run it in a terminal',
  });
}

interface Question {
  readonly label: string;
  readonly isTwice: boolean;
  /** What to do when there is nobody to ask. */
  readonly hint: string;
}

async function askAtTerminal(request: PasswordRequest, { label, isTwice, hint }: Question): Promise<string> {
  const terminal = (request.openTerminal ?? openTerminal)(request.isStdinTaken, request.signal);
  if (terminal === undefined) {
    throw new DisktroError('E_PASSWORD_NEEDED', `a ${label} is needed, and there is no terminal to ask at`, {
      hint,
    });
  }
  try {
    if (isTwice) return await askTwice(terminal, label);
    return usablePassword(await terminal.askHidden(`${label}: `), PROMPT);
  } finally {
    terminal.close();
  }
}

async function askTwice(terminal: Terminal, label: string): Promise<string> {
  for (let attempt = 0; attempt < PROMPT_ATTEMPTS; attempt += 1) {
    const first = usablePassword(await terminal.askHidden(`${label}: `), PROMPT);
    if (first === (await terminal.askHidden(`${label}, again: `))) return first;
    terminal.say('the two do not match');
  }
  throw unusable(PROMPT, `expected the same password twice, got ${PROMPT_ATTEMPTS} pairs that differ`);
}
