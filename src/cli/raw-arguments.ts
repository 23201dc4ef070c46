/**
 * Arguments as the bytes they were given: Node decodes argv as UTF-8, and a file name need not be that.
 * Only Linux tells; elsewhere, and for proper UTF-8, there is nothing to find.
 */
import { readFileSync } from 'node:fs';

const REPLACEMENT = '\ufffd';

/** The bytes behind an argument that Node could not decode, or undefined. The second of two that look alike comes second. */
export type RawArguments = (text: string) => Buffer | undefined;

export function rawArguments(): RawArguments {
  let waiting: Buffer[] | undefined;
  return (text) => {
    if (!text.includes(REPLACEMENT)) return undefined;
    waiting ??= splitArguments(readCommandLine()).filter((bytes) => !isUtf8(bytes));
    const index = waiting.findIndex((bytes) => bytes.toString('utf8') === text);
    return index === -1 ? undefined : waiting.splice(index, 1)[0];
  };
}

function readCommandLine(): Buffer {
  try {
    return readFileSync('/proc/self/cmdline');
  } catch {
    return Buffer.alloc(0);
  }
}

/** Each argument ends with a zero byte. */
function splitArguments(commandLine: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let start = 0; start < commandLine.length; ) {
    const end = commandLine.indexOf(0, start);
    parts.push(commandLine.subarray(start, end === -1 ? undefined : end));
    start = end === -1 ? commandLine.length : end + 1;
  }
  return parts;
}

const isUtf8 = (bytes: Buffer): boolean => Buffer.from(bytes.toString('utf8')).equals(bytes);
