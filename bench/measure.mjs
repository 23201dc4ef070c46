// @ts-check
/**
 * Runs one command to its end and says what it cost: wall time, CPU time of all its processes, and the
 * largest resident set (VmHWM) of any one of them, both from GNU time. Knows nothing of the tools it runs.
 * A command runs in a process group of its own, so that an abort ends a whole pipeline and nothing else.
 */
import { spawn } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { hrtime } from 'node:process';
import { programPath } from './programs.mjs';

/**
 * @typedef {object} Command
 * @property {readonly string[]} argv
 * @property {Readonly<Record<string, string>>} env the whole environment: nothing is inherited
 * @property {string} cwd
 *
 * @typedef {object} Outcome
 * @property {number} wallMs from spawn to exit
 * @property {string} stdout
 *
 * @typedef {object} Sample
 * @property {number} wallMs
 * @property {number} cpuMs user + system, of the command and all it waited for
 * @property {number} peakBytes largest resident set of one process
 * @property {string} stdout
 */

const timeoutMs = 30 * 60_000;
const killGraceMs = 3_000;
const keptOutputChars = 4_000;

/**
 * Measures one run.
 *
 * @param {Command} command
 * @param {{signal: AbortSignal, statsFile: string}} options `statsFile`: where GNU time may write, outside of
 *   what the command works on; removed again
 * @returns {Promise<Sample>}
 */
export async function measure(command, { signal, statsFile }) {
  const gnuTime = programPath('time') ?? 'time';
  const argv = [gnuTime, '--quiet', '--format=%U %S %M', `--output=${statsFile}`, '--', ...command.argv];
  const { wallMs, stdout } = await run({ ...command, argv }, { signal });
  const [user = 0, system = 0, peakKib = 0] = (await readFile(statsFile, 'utf8'))
    .trim()
    .split(' ')
    .map(Number);
  await rm(statsFile);
  return { wallMs, cpuMs: (user + system) * 1000, peakBytes: peakKib * 1024, stdout };
}

/**
 * Runs a command without GNU time in front; throws unless it exits with 0.
 *
 * @param {Command} command
 * @param {{signal: AbortSignal}} options
 * @returns {Promise<Outcome>}
 */
export function run(command, { signal }) {
  signal.throwIfAborted();
  const [file = '', ...args] = command.argv;
  return new Promise((resolve, reject) => {
    const begin = hrtime.bigint();
    let end = begin;
    const child = spawn(file, args, {
      cwd: command.cwd,
      env: command.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const stdout = keepTail(child.stdout);
    const stderr = keepTail(child.stderr);
    const stopGuarding = guard(child, signal);
    child.on('error', (error) => {
      stopGuarding();
      reject(error);
    });
    child.on('exit', () => {
      end = hrtime.bigint();
    });
    child.on('close', (code, killedBy) => {
      stopGuarding();
      if (signal.aborted) reject(signal.reason);
      else if (code !== 0) reject(failure(command, killedBy ?? `status ${code}`, stderr()));
      else resolve({ wallMs: Number(end - begin) / 1e6, stdout: stdout() });
    });
  });
}

/**
 * Ends the child's whole process group on abort or after the time limit: politely, then for good.
 *
 * @param {import('node:child_process').ChildProcess} child
 * @param {AbortSignal} signal
 * @returns {() => void} takes the guard away
 */
function guard(child, signal) {
  /** @type {NodeJS.Timeout | undefined} */
  let killTimer;
  const stop = () => {
    killGroup(child.pid, 'SIGTERM');
    killTimer ??= setTimeout(() => killGroup(child.pid, 'SIGKILL'), killGraceMs);
  };
  const limit = setTimeout(stop, timeoutMs);
  signal.addEventListener('abort', stop, { once: true });
  return () => {
    clearTimeout(limit);
    clearTimeout(killTimer);
    signal.removeEventListener('abort', stop);
  };
}

/**
 * @param {number | undefined} pid leader of the group
 * @param {NodeJS.Signals} name
 */
function killGroup(pid, name) {
  if (pid === undefined) return;
  try {
    process.kill(-pid, name);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ESRCH') throw error;
  }
}

/**
 * @param {import('node:stream').Readable} stream
 * @returns {() => string}
 */
function keepTail(stream) {
  let text = '';
  stream.setEncoding('utf8');
  stream.on('data', (piece) => {
    text = (text + piece).slice(-keptOutputChars);
  });
  return () => text;
}

/**
 * @param {Command} command
 * @param {string} how
 * @param {string} stderr
 */
function failure(command, how, stderr) {
  return new Error(`${command.argv.join(' ')}: ${how}\n${stderr.trim()}`);
}
