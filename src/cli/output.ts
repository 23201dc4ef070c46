/**
 * Everything the command says: results on stdout, all else on stderr. The only file that writes to either.
 * Writes are complete when a call returns, so nothing is lost when the process ends.
 */
import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { DisktroError } from '../errors.js';
import { errorLines, errorRecord } from './error-text.js';
import { escapeControls } from './escape.js';
import { PLAIN_STYLE, type Style } from './style.js';

const STDOUT = 1;
const STDERR = 2;
const RETRY_MS = 2;

export interface OutputOptions {
  readonly isJson: boolean;
  /** Silences notes and progress; never results, warnings or errors. */
  readonly isQuiet: boolean;
  /** How many `-v` were given; from 2 on errors show stacks and causes. */
  readonly verbosity: number;
}

/** How each stream is painted. */
export interface StreamStyles {
  readonly stdout: Style;
  readonly stderr: Style;
}

export interface Output extends OutputOptions {
  /** Plain until set. */
  styles: StreamStyles;
  /** Something drawn on the terminal that has to be wiped before a line is written. */
  live: { wipe(): void } | undefined;
  /** One line of result for people and scripts. Throws `E_OUTPUT` when stdout fails. */
  result(line: string): void;
  /** One result as a line of JSON. Throws `E_OUTPUT` when stdout fails. */
  record(value: object): void;
  /** A remark: left out with -q, and with --json unless -v. */
  note(message: string): void;
  warning(message: string): void;
  /** A line that reaches the person whatever the options, such as a recovery code; `facts` are its JSON. */
  notice(line: string, facts: object): void;
  error(error: unknown): void;
  /** A line of JSON on stderr, for programs that follow progress. */
  event(value: object): void;
}

export function createOutput(options: OutputOptions): Output {
  const wiped = (write: (text: string) => void) => (line: string) => {
    output.live?.wipe();
    write(`${line}\n`);
  };
  const print = wiped(writeResult);
  const say = wiped(writeRemark);
  const sayJson = (value: object): void => say(JSON.stringify(value));
  const isVerbose = options.verbosity >= 2;
  const output: Output = {
    ...options,
    styles: { stdout: PLAIN_STYLE, stderr: PLAIN_STYLE },
    live: undefined,
    result: print,
    record: (value) => print(JSON.stringify(value)),
    event: sayJson,
    notice: (line, facts) => (options.isJson ? sayJson({ notice: line, ...facts }) : say(line)),
    note: (message) => {
      if (options.isQuiet) return;
      if (!options.isJson) say(escapeControls(message));
      else if (options.verbosity > 0) sayJson({ note: message });
    },
    warning: (message) => {
      if (options.isJson) return sayJson({ warning: message });
      say(`disktro: warning: ${escapeControls(message)}`);
    },
    error: (error) => {
      if (options.isJson) return sayJson(errorRecord(error, isVerbose));
      say(errorLines(error, output.styles.stderr, isVerbose).join('\n'));
    },
  };
  return output;
}

/** Text on stdout as it is. Throws `E_OUTPUT`, with the system's error as its cause. */
export function writeResult(text: string): void {
  try {
    writeFully(STDOUT, text);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new DisktroError('E_OUTPUT', `cannot write the result to stdout: ${code}`, { cause: error });
  }
}

/** Text on stderr as it is. When nobody can read it there is nobody to tell. */
export function writeRemark(text: string): void {
  try {
    writeFully(STDERR, text);
  } catch {
    // stderr is closed or full: the exit status still speaks
  }
}

/**
 * Descriptors, not process.stdout: that one makes pipes non-blocking and may hold back bytes at exit.
 * A pipe that someone else made non-blocking is waited for.
 */
function writeFully(descriptor: number, text: string): void {
  if (process.platform === 'win32' && isatty(descriptor)) {
    (descriptor === STDOUT ? process.stdout : process.stderr).write(text); // the console wants UTF-16
    return;
  }
  let rest: Uint8Array = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  }
}
