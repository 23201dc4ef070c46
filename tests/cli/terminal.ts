// A person at a terminal: runs the command on a pseudo-terminal, which Node cannot make and Python can.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { environment, LAUNCHER, ROOT, type Surroundings } from './command.js';

/** When `expect` has appeared, `keys` are typed; or the command gets a signal. */
export type Step = readonly [
  expect: string,
  keys: string | { readonly signal: string; readonly after?: number },
];

type Stream = 'stdin' | 'stdout' | 'stderr';

export interface TerminalOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Default: all three. */
  readonly onTerminal?: readonly Stream[];
  /** Where the other streams come from or go. */
  readonly files?: Readonly<Partial<Record<Stream, string>>>;
  readonly script?: readonly Step[];
  /** Default: 100. */
  readonly columns?: number;
}

export interface Seen {
  readonly status: number;
  /** All that came to the terminal, with `\r\n` as line ends. */
  readonly screen: string;
  /** Whether the terminal showed what was typed, for each time that something was. */
  readonly echoes: readonly boolean[];
  readonly seconds: number;
  /** What of the script was never reached. */
  readonly unplayed: readonly Step[];
}

const PROGRAM = join(ROOT, 'tests/cli/programs/terminal.py');

/** Needs python3; without it the test fails and says so. */
export async function runOnTerminal(
  place: Surroundings,
  words: readonly string[],
  options: TerminalOptions = {},
): Promise<Seen> {
  const { onTerminal = ['stdin', 'stdout', 'stderr'], files = {}, script = [], columns = 100 } = options;
  const argv = [process.execPath, LAUNCHER, ...words];
  const env = environment({ TERM: 'xterm' }, place.env, options.env);
  const spec = { argv, env, cwd: place.cwd, onTerminal, files, script, columns };
  const child = spawn('python3', [PROGRAM], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(JSON.stringify(spec));
  const parts: Buffer[] = [];
  child.stdout.on('data', (part: Buffer) => parts.push(part));
  await new Promise<void>((resolve, reject) => {
    child.on('error', (cause) => reject(new Error('python3 is needed for tests at a terminal', { cause })));
    child.on('close', () => resolve());
  });
  return JSON.parse(Buffer.concat(parts).toString('utf8')) as Seen;
}
