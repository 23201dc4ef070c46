/**
 * What a command works with: configuration, output, the stop signal, and the doors to home and vault.
 * Commands open the vault here, so that passwords, notices and first use are treated alike everywhere.
 */
import { homedir } from 'node:os';
import { isatty } from 'node:tty';
import { fileSystemError, isDisktroError } from '../errors.js';
import type { Home } from '../ops/home/home.js';
import type { Vault } from '../ops/home/vault.js';
import type { CommandSpec } from './command-spec.js';
import { type ResolvedConfig, resolveConfig } from './config.js';
import type { Config } from './config-keys.js';
import type { GlobalOptions } from './global-options.js';
import type { Output } from './output.js';
import type { PasswordRequest } from './password.js';
import { type Progress, startProgress } from './progress.js';
import type { ProgressUnits } from './progress-line.js';

export interface Context {
  readonly output: Output;
  readonly signal: AbortSignal;
  readonly config: Config;
  readonly resolved: ResolvedConfig;
  readonly globals: GlobalOptions;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Every command there is. */
  readonly specs: readonly CommandSpec[];
}

export async function createContext(
  globals: GlobalOptions,
  output: Output,
  signal: AbortSignal,
  specs: readonly CommandSpec[],
): Promise<Context> {
  const { env } = process;
  const cwd = workingFolder();
  const flags = {
    ...(globals.home === undefined ? {} : { home: globals.home }),
    ...(globals.lockWait === undefined ? {} : { lock_wait: globals.lockWait }),
  };
  const resolved = await resolveConfig({ flags, configFile: globals.config, env, cwd, userHome: homedir() });
  return { output, signal, config: resolved.values, resolved, globals, cwd, env, specs };
}

function workingFolder(): string {
  try {
    return process.cwd();
  } catch (error) {
    throw fileSystemError(error, 'finding the working folder'); // somebody removed it
  }
}

export interface OpenOptions {
  readonly isReadOnly?: boolean;
  /** Stdin carries data: no password is read from it. */
  readonly isStdinTaken?: boolean;
}

export interface PasswordOptions {
  readonly isStdinTaken?: boolean;
  /** For a vault that is about to be made: a prompt asks twice. */
  readonly isNew?: boolean;
}

/** The store and catalog, no password. The caller closes it. */
export async function openHome(context: Context, { isReadOnly = false }: OpenOptions = {}): Promise<Home> {
  const home = await import('../ops/home/home.js');
  return home.openHome({ ...homeOptions(context), readOnly: isReadOnly });
}

/** The vault, with the password from wherever it comes. The caller closes it. */
export async function openVault(context: Context, options: OpenOptions = {}): Promise<Vault> {
  const [{ hasVault, noVault }, vault] = await Promise.all([
    import('../ops/home/home.js'),
    import('../ops/home/vault.js'),
  ]);
  const { home } = context.config;
  if (!(await hasVault(home))) throw noVault(home); // before a password is asked for in vain
  const password = await passwordOf(context, options);
  return vault.openVault({ ...homeOptions(context), password, readOnly: options.isReadOnly ?? false });
}

/** Like {@link openVault}; makes the vault first when there is none, and shows its recovery code once. */
export async function openOrCreateVault(context: Context, options: OpenOptions = {}): Promise<Vault> {
  const [{ hasVault }, vault] = await Promise.all([
    import('../ops/home/home.js'),
    import('../ops/home/vault.js'),
  ]);
  const isNew = !(await hasVault(context.config.home));
  const password = await passwordOf(context, { ...options, isNew });
  if (isNew) await createFirstVault(context, password);
  return vault.openVault({ ...homeOptions(context), password });
}

async function createFirstVault(context: Context, password: string): Promise<void> {
  const { createVault } = await import('../ops/home/vault.js');
  const { showRecoveryCode } = await import('./recovery-code.js');
  const averageChunkBytes = context.config.chunk_size;
  try {
    const made = await createVault({
      ...homeOptions(context),
      password,
      averageChunkBytes,
      ...storeOption(context),
    });
    context.output.note(`made a new vault in ${made.home}`);
    showRecoveryCode(context.output, made.recoveryCode);
  } catch (error) {
    if (!isDisktroError(error, 'E_VAULT_EXISTS')) throw error; // another first run made it: theirs is ours
  }
}

/** Where the objects of a vault that is being made are to be. */
export function storeOption({ config }: Context, flag = config.store): { store?: string } {
  return flag === '' ? {} : { store: flag };
}

/** What every opening of a home is given. */
export function homeOptions(context: Context): {
  home: string;
  signal: AbortSignal;
  lockWaitSeconds: number;
  uploadLimit: number;
  downloadLimit: number;
  onNotice: (message: string) => void;
  onWait: (message: string) => void;
} {
  const { config, output, signal, globals } = context;
  return {
    home: config.home,
    signal,
    lockWaitSeconds: config.lock_wait,
    uploadLimit: config.limit_upload,
    downloadLimit: config.limit_download,
    onNotice: (message) => output.warning(message),
    onWait: (message) => {
      if (globals.verbose > 0 || isatty(STDERR)) output.note(message);
    },
  };
}

const STDERR = 2;

/** The vault's password, from wherever it comes. */
export async function passwordOf(context: Context, options: PasswordOptions = {}): Promise<string> {
  const { readPassword } = await import('./password.js');
  const { isStdinTaken = false, isNew = false } = options;
  const { passwordFile: file, passwordCommand: command } = context.globals;
  return readPassword({ ...passwordRequest(context, isStdinTaken), file, command }, isNew);
}

/** A password to join or replace the present one. */
export async function newPasswordOf(context: Context, file: string | undefined): Promise<string> {
  const { readNewPassword } = await import('./password.js');
  return readNewPassword({ ...passwordRequest(context, false), file });
}

function passwordRequest({ env, signal, output }: Context, isStdinTaken: boolean): PasswordRequest {
  return { env, isStdinTaken, signal, onWarning: (message) => output.warning(message) };
}

/** Progress of one piece of work; stop it with `using`, so that an error finds a clean line. */
export function progressOf(
  { output, globals }: Context,
  units: ProgressUnits,
  hasBar = true,
): Promise<Progress> {
  return startProgress(output, units, hasBar && globals.progress);
}
