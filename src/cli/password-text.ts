/** What bytes from a file or a command make a usable password. Pure. */
import { DisktroError } from '../errors.js';

export const MAX_PASSWORD_BYTES = 4096;

export const unusable = (source: string, problem: string, cause?: unknown): DisktroError =>
  new DisktroError('E_PASSWORD_UNUSABLE', `${source}: ${problem}`, { cause });

/** Strips one line end, as `echo` and editors leave it, and refuses an empty rest. `source` is for the message. */
export function usablePassword(text: string, source: string): string {
  const password = text.replace(/\r?\n$/, '');
  if (password === '') throw unusable(source, 'expected a password, got an empty one');
  return password;
}

/** Refuses more than 4 KiB and what is not UTF-8: two different files must not give one password. */
export function passwordFromBytes(bytes: Uint8Array, source: string): string {
  if (bytes.length > MAX_PASSWORD_BYTES) {
    throw unusable(source, `expected at most ${MAX_PASSWORD_BYTES} bytes, got more`);
  }
  try {
    return usablePassword(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes), source);
  } catch (error) {
    throw error instanceof DisktroError ? error : unusable(source, 'expected UTF-8 text', error);
  }
}
