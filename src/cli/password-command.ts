/**
 * A password from a command, run by the shell: `pass show backup`, `secret-tool lookup …`.
 * Its stderr passes through; its stdout is the password.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { abortedError } from '../errors.js';
import { MAX_PASSWORD_BYTES, passwordFromBytes, unusable } from './password-text.js';

const COMMAND_TIMEOUT_MS = 60_000;

export interface PasswordCommandOptions {
  /** Stdin carries data: the command gets none of it. */
  readonly isStdinTaken: boolean;
  readonly signal: AbortSignal;
  /** Default 60 s. */
  readonly timeoutMs?: number;
}

/**
 * Throws `E_PASSWORD_UNUSABLE` when the command fails, takes more than a minute, or prints no usable
 * password; `E_ABORTED` when the signal fires. Either way the command is ended.
 */
export async function readPasswordCommand(
  command: string,
  source: string,
  options: PasswordCommandOptions,
): Promise<string> {
  const child = spawn(command, {
    shell: true,
    stdio: [options.isStdinTaken ? 'ignore' : 'inherit', 'pipe', 'inherit'],
  });
  const bytes: Buffer[] = [];
  let length = 0;
  child.stdout?.on('data', (part: Buffer) => {
    length += part.length;
    if (length - part.length <= MAX_PASSWORD_BYTES) bytes.push(part);
  });
  const ending = await ended(child, options);
  if (ending === 'aborted') throw abortedError();
  if (ending !== 'status 0') throw unusable(source, `expected the command to succeed, got ${ending}`);
  return passwordFromBytes(Buffer.concat(bytes), source);
}

/** How the command ended, in words. A grandchild that keeps the pipe open is not waited for after a timeout. */
function ended(child: ChildProcess, options: PasswordCommandOptions): Promise<string> {
  const { signal, timeoutMs = COMMAND_TIMEOUT_MS } = options;
  return new Promise((resolve) => {
    const settle = (ending: string): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      resolve(ending);
    };
    const stop = (ending: string): void => {
      child.kill();
      child.stdout?.destroy();
      child.unref();
      settle(ending);
    };
    const onAbort = (): void => stop('aborted');
    const timer = setTimeout(() => stop(`no answer in ${timeoutMs / 1000} s`), timeoutMs);
    signal.addEventListener('abort', onAbort);
    child.on('error', (error) => settle(error.message));
    child.on('close', (status, name) => {
      const isInterrupted = signal.aborted || name === 'SIGINT'; // Ctrl-C may reach the command before us
      settle(isInterrupted ? 'aborted' : name === null ? `status ${status}` : `a stop by ${name}`);
    });
    if (signal.aborted) onAbort();
  });
}
