/**
 * What a subcommand is made of. A spec is data: help and completion are printed from it, and the module that
 * does the work is loaded only when the command runs.
 */
import type { Context } from './context.js';
import type { ExitName } from './exit.js';

export interface OptionSpec {
  /** As commander reads them: `--tag <tag>`, `-o, --output <path>`, `--no-compress`. */
  readonly flags: string;
  readonly help: string;
  readonly choices?: readonly string[];
  /** Turns the text into a value or throws `E_USAGE`; `flag` is the long name, for the message. */
  readonly parse?: (text: string, flag: string) => unknown;
  /** Given several times, the values are a list. */
  readonly isRepeatable?: true;
  /** Takes no value; given several times, the value is how often. */
  readonly isCounted?: true;
  /** The value is a path, which a shell can complete. */
  readonly isPath?: true;
}

/** `options` is what the spec's options parse to; each command module states its own shape of it. */
export type Run = (context: Context, operands: readonly string[], options: never) => Promise<void>;

export interface CommandSpec {
  readonly name: string;
  /** Operands as commander reads them: `<path...>`, `[id...]`. */
  readonly operands?: string;
  /** Operands are paths, which a shell can complete. */
  readonly takesPaths?: true;
  /** The words an operand may be. */
  readonly operandChoices?: readonly string[];
  readonly summary: string;
  /** What else a person should know before using it. */
  readonly details?: string;
  readonly options?: readonly OptionSpec[];
  readonly examples: readonly string[];
  /** Besides `done` and `unexpected`, which every command has. */
  readonly exits: readonly ExitName[];
  /** The results are a listing: whoever closes stdout early has read enough. */
  readonly isListing?: true;
  readonly load?: () => Promise<{ readonly run: Run }>;
  readonly subcommands?: readonly CommandSpec[];
}
