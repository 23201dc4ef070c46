/**
 * The options that every command takes, before or after its name: their declaration and their merged values.
 */
import type { OptionSpec } from './command-spec.js';
import { nonEmpty, parseSeconds } from './option-values.js';
import type { ColorMode } from './style.js';

export interface GlobalOptions {
  readonly home: string | undefined;
  readonly config: string | undefined;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: number;
  readonly progress: boolean;
  readonly color: ColorMode;
  /** Seconds. */
  readonly lockWait: number | undefined;
  readonly passwordFile: string | undefined;
  readonly passwordCommand: string | undefined;
}

export const GLOBAL_OPTIONS: readonly OptionSpec[] = [
  {
    flags: '--home <dir>',
    help: 'where the vault lives (default: ~/.disktro)',
    parse: nonEmpty,
    isPath: true,
  },
  {
    flags: '--config <file>',
    help: 'read this configuration file and no other',
    parse: nonEmpty,
    isPath: true,
  },
  { flags: '--json', help: 'results and errors as JSON, one object per line' },
  { flags: '-q, --quiet', help: 'no notes and no progress; results and errors only' },
  { flags: '-v, --verbose', help: 'say more; twice also shows stacks and causes of errors', isCounted: true },
  { flags: '--no-progress', help: 'no progress bar' },
  { flags: '--color <when>', help: 'colours on the terminal', choices: ['auto', 'always', 'never'] },
  {
    flags: '--lock-wait <seconds>',
    help: 'how long to wait while another process holds the home, such as 10m (default: lock_wait)',
    parse: parseSeconds,
  },
  {
    flags: '--password-file <file>',
    help: 'read the password from this file',
    parse: nonEmpty,
    isPath: true,
  },
  {
    flags: '--password-command <cmd>',
    help: 'run this command and take what it prints as the password',
    parse: nonEmpty,
  },
];

/**
 * Options given before the command and after it count alike; the one nearer to the command wins, `-v` adds up.
 * `given` holds what was given at each level of the command line, outermost first, without defaults.
 */
export function mergeGlobalOptions(given: readonly Readonly<Record<string, unknown>>[]): GlobalOptions {
  const merged = Object.assign({}, ...given) as Partial<GlobalOptions>;
  const verbose = given.reduce((sum, { verbose: times }) => sum + (typeof times === 'number' ? times : 0), 0);
  return {
    home: merged.home,
    config: merged.config,
    json: merged.json ?? false,
    quiet: merged.quiet ?? false,
    verbose,
    progress: merged.progress ?? true,
    color: merged.color ?? 'auto',
    lockWait: merged.lockWait,
    passwordFile: merged.passwordFile,
    passwordCommand: merged.passwordCommand,
  };
}

/** Whether `--json` is asked for, told from argv alone: errors in argv are printed by it too. */
export function wantsJson(words: readonly string[]): boolean {
  const end = words.indexOf('--');
  return words.slice(0, end === -1 ? undefined : end).includes('--json');
}
