/** What a server tells: lines as `[HH:MM:SS] LEVEL message`, or JSON, and the last of them for whoever asks. */

import { isDisktroError } from '../errors.js';

export type LogLevel = 'ERROR' | 'WARNING' | 'INFO' | 'DEBUG';

export interface LogLine {
  readonly time: string;
  readonly level: LogLevel;
  readonly message: string;
}

export interface Log {
  error(message: string): void;
  warning(message: string): void;
  info(message: string): void;
  debug(message: string): void;
  /** The newest lines, oldest first. */
  tail(): readonly LogLine[];
  /** From now on told of each line. */
  onLine(listener: (line: LogLine) => void): void;
}

const RANKS: Readonly<Record<LogLevel, number>> = { ERROR: 0, WARNING: 1, INFO: 2, DEBUG: 3 };
const KEPT_LINES = 500;
const MAX_MESSAGE_LENGTH = 2_000;

/** @param write is given one whole line at a time, with its line feed */
export function createLog(level: LogLevel, isJson: boolean, write: (line: string) => void): Log {
  const kept: LogLine[] = [];
  const listeners: ((line: LogLine) => void)[] = [];
  const tell = (at: LogLevel, text: string): void => {
    if (RANKS[at] > RANKS[level]) return;
    // What peers send may end up in a message: no line feeds or escapes of theirs reach a terminal.
    const message = text.slice(0, MAX_MESSAGE_LENGTH).replace(/\p{Cc}/gu, '�');
    const now = new Date();
    const line = { time: now.toISOString(), level: at, message };
    kept.push(line);
    if (kept.length > KEPT_LINES) kept.shift();
    for (const listener of listeners) listener(line);
    write(isJson ? `${JSON.stringify(line)}\n` : `[${now.toTimeString().slice(0, 8)}] ${at} ${message}\n`);
  };
  return {
    error: (message) => tell('ERROR', message),
    warning: (message) => tell('WARNING', message),
    info: (message) => tell('INFO', message),
    debug: (message) => tell('DEBUG', message),
    tail: () => kept,
    onLine: (listener) => void listeners.push(listener),
  };
}

/** What went wrong, as a line of the log. */
export function messageOf(error: unknown): string {
  if (isDisktroError(error)) return error.message;
  return error instanceof Error ? error.message : String(error);
}
