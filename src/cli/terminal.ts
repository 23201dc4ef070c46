/**
 * Asks the person at the terminal for a hidden line. The prompt goes to stderr, or to the terminal itself
 * when stderr is redirected, so that stdout stays clean. Knows nothing of passwords.
 */
import { openSync, writeSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { isatty, ReadStream } from 'node:tty';
import { abortedError, throwIfAborted } from '../errors.js';
import { createLineEditor, type LineEvent } from './line-editor.js';

export interface Terminal {
  /** One line, not shown while it is typed. Throws `E_ABORTED` on Ctrl-C, Ctrl-D on an empty line, or abort. */
  askHidden(prompt: string): Promise<string>;
  /** Shows a line of text. */
  say(text: string): void;
  close(): void;
}

/**
 * Opens the terminal to ask something, or returns undefined when there is none.
 * Nobody is asked when neither stdin nor stderr is a terminal: the question would hang unseen.
 * `isStdinTaken` says that stdin carries data, so that only the controlling terminal will do.
 */
export function openTerminal(isStdinTaken: boolean, signal: AbortSignal): Terminal | undefined {
  if (!isatty(0) && !isatty(2)) return undefined;
  const controlling = openControllingTerminal();
  if (controlling !== undefined) {
    const { stream, descriptor } = controlling;
    return createTerminal(stream, isatty(2) ? 2 : descriptor, signal, () => stream.destroy());
  }
  if (isStdinTaken || !isatty(0) || !isatty(2)) return undefined;
  const stdin = process.stdin as ReadStream;
  return createTerminal(stdin, 2, signal, () => stdin.pause());
}

function openControllingTerminal(): { stream: ReadStream; descriptor: number } | undefined {
  if (process.platform === 'win32') return undefined;
  try {
    const descriptor = openSync('/dev/tty', 'r+');
    return { stream: new ReadStream(descriptor), descriptor };
  } catch {
    return undefined; // no controlling terminal, as under cron
  }
}

function createTerminal(
  keyboard: ReadStream,
  screen: number,
  signal: AbortSignal,
  release: () => void,
): Terminal {
  const editor = createLineEditor();
  const say = (text: string): void => {
    writeSync(screen, `${text}\n`);
  };
  return {
    say,
    close: release,
    async askHidden(prompt) {
      throwIfAborted(signal);
      keyboard.setRawMode(true);
      writeSync(screen, prompt);
      try {
        const event = await nextEvent(keyboard, editor.feed, signal);
        if (event.kind === 'abort') throw abortedError();
        return event.text;
      } finally {
        keyboard.setRawMode(false);
        say('');
      }
    },
  };
}

function nextEvent(
  keyboard: ReadStream,
  feed: (typed: string) => LineEvent | undefined,
  signal: AbortSignal,
): Promise<LineEvent> {
  const { promise, resolve } = withResolver<LineEvent>();
  const decoder = new StringDecoder('utf8');
  const onData = (bytes: Buffer): void => settle(feed(decoder.write(bytes)));
  const onEnd = (): void => settle({ kind: 'abort' });
  const settle = (event: LineEvent | undefined): void => {
    if (event === undefined) return;
    keyboard.off('data', onData).off('end', onEnd).off('error', onEnd).pause();
    signal.removeEventListener('abort', onEnd);
    resolve(event);
  };
  const typedAhead = feed('');
  keyboard.on('data', onData).on('end', onEnd).on('error', onEnd).resume();
  signal.addEventListener('abort', onEnd);
  settle(typedAhead);
  return promise;
}

function withResolver<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
