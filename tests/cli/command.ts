// Runs the real command, as a person or a script would, and tells how it ended. Every run is also watched: one that
// hangs, shows a stack without -vv or lets a secret out fails, whatever the test asks of it.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
export const LAUNCHER = fileURLToPath(new URL('../../../bin/disktro.js', import.meta.url));

export const ID_LINE = /^[0-9a-f]{64}\n$/;
export const RECOVERY_CODE = /(?:[0-9A-HJKMNP-TV-Z]{4}-){6}[0-9A-HJKMNP-TV-Z]{4}/;

/**
 * In front of a command that is not to outlive this process, however that ends: util-linux can say so to the kernel.
 * Elsewhere nothing.
 */
export const BOUND: readonly string[] =
  spawnSync('setpriv', ['--pdeathsig', 'KILL', 'true']).status === 0
    ? ['setpriv', '--pdeathsig', 'KILL']
    : [];

/**
 * tap puts its own loader into every process that a test starts: signal handlers, a second thread, 50 MiB, half a
 * second. The command under test is to be the one that people run.
 */
export const PLAIN: readonly string[] = [...BOUND, 'env', '-u', 'NODE_OPTIONS'];

const HANG_MS = 60_000;
const STACK = /^ +at .+:\d+:\d+\)?$/m;

export type Environment = Readonly<Record<string, string | undefined>>;

export interface RunOptions {
  /** Added to the clean environment; undefined takes a variable out of it. */
  readonly env?: Environment;
  readonly cwd?: string;
  /** What stdin gives; default: nothing, at once. */
  readonly input?: string | Uint8Array;
  /** An open descriptor in place of the pipe that is read. */
  readonly stdout?: number;
  readonly stderr?: number;
  /** A command in front of ours, such as `['setpriv', …]`. */
  readonly through?: readonly string[];
  /** Words in front of the launcher, for Node. */
  readonly nodeOptions?: readonly string[];
  /** This run may show a recovery code. */
  readonly mayShowCode?: boolean;
  /** How long it may take; default: a minute. */
  readonly hangMs?: number;
}

export interface Outcome {
  /** As a shell sees it: 128 + n for a process that a signal has ended. */
  readonly status: number;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** stdout as it came. */
  readonly bytes: Buffer;
  readonly seconds: number;
}

export interface Running {
  readonly child: ChildProcess;
  readonly outcome: Promise<Outcome>;
  /** All that stderr and stdout have said so far. */
  said(): string;
}

/** What a run needs to know beyond its options. */
export interface Surroundings {
  readonly cwd: string;
  readonly env: Environment;
  /** Texts that no run may show. */
  readonly secrets: readonly string[];
}

/** Starts the command and leaves its stdin open, unless `options.input` says what it gives. */
export function start(place: Surroundings, words: readonly string[], options: RunOptions = {}): Running {
  const { through = [], nodeOptions = [], stdout = 'pipe', stderr = 'pipe', hangMs = HANG_MS } = options;
  const command = [...PLAIN, ...through, process.execPath, ...nodeOptions, LAUNCHER, ...words];
  const startedMs = performance.now();
  const child = spawn(command[0] ?? '', command.slice(1), {
    cwd: options.cwd ?? place.cwd,
    env: environment(place.env, options.env),
    stdio: ['pipe', stdout, stderr],
  });
  const seen = collected(child);
  child.stdin?.on('error', () => {});
  if (options.input !== undefined) child.stdin?.end(options.input);
  const outcome = new Promise<Outcome>((resolve, reject) => {
    const alarm = setTimeout(() => child.kill('SIGKILL'), hangMs);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(alarm);
      const told = { stdout: seen.out.toString(), stderr: seen.err.toString() };
      const seconds = (performance.now() - startedMs) / 1000;
      const shown = `disktro ${words.join(' ')}`;
      if (signal === 'SIGKILL' && seconds > hangMs / 1000)
        reject(new Error(`${shown}: hangs\n${told.stderr}`));
      const complaint = complaintOf(told, words, place.secrets, options);
      if (complaint !== undefined)
        reject(new Error(`${shown}: ${complaint}\n${told.stdout}\n${told.stderr}`));
      resolve({ status: code ?? 128 + numberOf(signal), signal, ...told, bytes: seen.out.all(), seconds });
    });
  });
  outcome.catch(() => {});
  return { child, outcome, said: () => `${seen.out}${seen.err}` };
}

/** Runs the command to its end. */
export function run(
  place: Surroundings,
  words: readonly string[],
  options: RunOptions = {},
): Promise<Outcome> {
  return start(place, words, { input: '', ...options }).outcome;
}

/** Runs a bash script in which `disktro` is the command; `arguments` are its `$1` and so on. */
export async function runShell(
  place: Surroundings,
  script: string,
  { arguments: words = [], env, through = [] }: RunOptions & { readonly arguments?: readonly string[] } = {},
): Promise<Outcome> {
  const preamble = `disktro() { '${process.execPath}' '${LAUNCHER}' "$@"; }; export -f disktro\n`;
  const command = [...PLAIN, ...through, 'bash', '-c', `${preamble}${script}`, 'bash', ...words];
  const startedMs = performance.now();
  const child = spawn(command[0] ?? '', command.slice(1), {
    cwd: place.cwd,
    env: environment(place.env, env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const seen = collected(child);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      const seconds = (performance.now() - startedMs) / 1000;
      const told = { stdout: seen.out.toString(), stderr: seen.err.toString(), bytes: seen.out.all() };
      resolve({ status: code ?? 128 + numberOf(signal), signal, ...told, seconds });
    });
  });
}

/** Nothing of the person who runs the tests, but where programs are. */
export function environment(...layers: readonly (Environment | undefined)[]): Record<string, string> {
  const { PATH } = process.env;
  const merged: Environment = Object.assign({ PATH, TZ: 'UTC', LC_ALL: 'C.UTF-8' }, ...layers);
  const set = Object.entries(merged).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return Object.fromEntries(set);
}

/** Each line of the text as the JSON object it holds. */
export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** The one object that the text holds, as a line. */
export function oneJson(text: string): Record<string, unknown> {
  const [first, ...others] = jsonLines(text);
  if (first === undefined || others.length > 0) throw new Error(`expected one line of JSON, got ${text}`);
  return first;
}

/** Waits until `look` finds something. */
export async function eventually<T>(what: string, look: () => T | undefined | false): Promise<T> {
  for (let waitedMs = 0; waitedMs < HANG_MS; waitedMs += 5) {
    const found = look();
    if (found !== undefined && found !== false) return found;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`waited in vain until ${what}`);
}

function complaintOf(
  { stdout, stderr }: { readonly stdout: string; readonly stderr: string },
  words: readonly string[],
  secrets: readonly string[],
  options: RunOptions,
): string | undefined {
  const everything = `${stdout}${stderr}`;
  if (secrets.some((secret) => everything.includes(secret))) return 'shows a secret';
  if (!options.mayShowCode && RECOVERY_CODE.test(stderr)) return 'shows a recovery code';
  if (!words.includes('-vv') && STACK.test(stderr)) return 'shows a stack';
  return undefined;
}

class Collected {
  readonly #parts: Buffer[] = [];

  add(part: Buffer): void {
    this.#parts.push(part);
  }

  all(): Buffer {
    return Buffer.concat(this.#parts);
  }

  toString(): string {
    return this.all().toString('utf8');
  }
}

function collected(child: ChildProcess): { readonly out: Collected; readonly err: Collected } {
  const seen = { out: new Collected(), err: new Collected() };
  child.stdout?.on('data', (part: Buffer) => seen.out.add(part));
  child.stderr?.on('data', (part: Buffer) => seen.err.add(part));
  return seen;
}

const SIGNAL_NUMBERS: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };

function numberOf(signal: NodeJS.Signals | null): number {
  return SIGNAL_NUMBERS[signal ?? ''] ?? 0;
}
