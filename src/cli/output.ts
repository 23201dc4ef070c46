/**
 * Everything the command says: results on stdout, all else on stderr. The only file that writes to either.
 * Writes are complete when a call returns, so nothing is lost when the process ends.
 */
import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { DisktroError } from '../errors.js';
import { escapeControls } from './escape.js';
import { PLAIN_STYLE, type Style } from './style.js';

const STDOUT = 1;
const STDERR = 2;

export interface OutputOptions {
  readonly isJson: boolean;
  /** Silences notes and progress; never results, warnings or errors. */
  readonly isQuiet: boolean;
  /** How many `-v` were given: 2 shows stacks and causes. */
  readonly verbosity: number;
}

export interface Output extends OutputOptions {
  /** How stdout and stderr are painted; plain until set. */
  paint(styles: { stdout: Style; stderr: Style }): void;
  readonly styles: { readonly stdout: Style; readonly stderr: Style };
  /** One line of result for people and scripts. Throws `E_OUTPUT` when stdout fails. */
  result(line: string): void;
  /** One result as a line of JSON. */
  record(value: object): void;
  /** A remark: left out with -q, and with --json unless -v. */
  note(message: string): void;
  warning(message: string): void;
  /** A line that must reach the person whatever the options, such as a recovery code; `facts` are its JSON. */
  notice(line: string, facts: object): void;
  error(error: unknown): void;
  /** A line of JSON on stderr, for programs that follow progress. */
  event(value: object): void;
  /** Something drawn on the terminal that has to be wiped before a line is written. */
  live: { wipe(): void } | undefined;
}

export function createOutput(options: OutputOptions): Output {
  let styles = { stdout: PLAIN_STYLE, stderr: PLAIN_STYLE };
  const say = (line: string): void => {
    output.live?.wipe();
    writeErrorText(`${line}\n`);
  };
  const sayJson = (value: object): void => say(JSON.stringify(value));
  const print = (line: string): void => {
    output.live?.wipe();
    writeResultText(`${line}\n`);
  };
  const output: Output = {
    ...options,
    live: undefined,
    get styles() {
      return styles;
    },
    paint: (chosen) => {
      styles = chosen;
    },
    result: print,
    record: (value) => print(JSON.stringify(value)),
    event: sayJson,
    note: (message) => {
      if (options.isQuiet) return;
      if (!options.isJson) say(escapeControls(message));
      else if (options.verbosity > 0) sayJson({ note: message });
    },
    warning: (message) => {
      if (options.isJson) sayJson({ warning: message });
      else say(`disktro: ${styles.stderr.warning('warning:')} ${escapeControls(message)}`);
    },
    notice: (line, facts) => (options.isJson ? sayJson({ notice: line, ...facts }) : say(line)),
    error: (error) => {
      const lines = options.isJson ? [JSON.stringify(errorRecord(error))] : errorLines(error, styles.stderr);
      if (options.verbosity >= 2 && !options.isJson) lines.push(stackOf(error));
      say(lines.join('\n'));
    },
  };
  return output;
}
