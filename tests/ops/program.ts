// Real processes beside the test: the compiled programs of tests/ops/programs/, started, listened to and killed.
import type { ChildProcessByStdio } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { BOUND } from '../cli/command.js';

const PROGRAMS = fileURLToPath(new URL('./programs/', import.meta.url));

export interface Ending {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Program {
  readonly child: ChildProcessByStdio<Writable, Readable, null>;
  /** Lines of stdout so far. */
  readonly lines: readonly string[];
  /** Resolves to the next line that begins so, or undefined when the program ends without one. */
  line(beginning: string): Promise<string | undefined>;
  readonly ended: Promise<Ending>;
}

/**
 * Starts a program; it is killed when the test ends, if it is still there. Its stderr goes to ours.
 * @param through what it is started by
 */
export function startProgram(
  test: Test,
  name: string,
  args: readonly string[],
  through: readonly string[] = BOUND,
): Program {
  const [command = '', ...words] = [...through, process.execPath, path.join(PROGRAMS, `${name}.js`), ...args];
  const child = spawn(command, words, {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  let isOver = false;
  const wake = (): void => {
    for (const look of [...waiting]) look();
  };
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    wake();
  });
  const ended = once(child, 'close').then(([status, signal]): Ending => {
    isOver = true;
    wake();
    return { status, signal };
  });
  child.stdin.on('error', () => {});
  test.teardown(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return {
    child,
    lines,
    ended,
    line: (beginning) =>
      new Promise((resolve) => {
        const look = (): void => {
          const line = lines.find((candidate) => candidate.startsWith(beginning));
          if (line === undefined && !isOver) return;
          waiting.delete(look);
          resolve(line);
        };
        waiting.add(look);
        look();
      }),
  };
}

/** Runs a program to its end. */
export async function runProgram(
  test: Test,
  name: string,
  args: readonly string[],
): Promise<Ending & { readonly lines: readonly string[] }> {
  const program = startProgram(test, name, args);
  program.child.stdin.end();
  return { ...(await program.ended), lines: program.lines };
}
