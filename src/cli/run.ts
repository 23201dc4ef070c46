/**
 * One run of the command: words of argv in, exit status out. Here errors become lines on stderr and numbers.
 */
import { isatty } from 'node:tty';
import { abortedError, DisktroError } from '../errors.js';
import type { CommandSpec } from './command-spec.js';
import { COMMANDS } from './commands.js';
import { createContext } from './context.js';
import { EXITS, exitStatusOf } from './exit.js';
import { mergeGlobalOptions, wantsJson } from './global-options.js';
import { createOutput, type Output } from './output.js';
import { createProgram, HelpShown, type Request } from './program.js';
import { leaveSoon, type SignalWatch, watchSignals } from './signals.js';
import { type ColorMode, loadStyle, wantsColor } from './style.js';

/** Commands that will need a password: where it takes a worker thread, that loads while the rest of the command does. */
const OPENS_VAULT: ReadonlySet<string> = new Set([
  'cat',
  'chunk',
  'copy',
  'diff',
  'drill',
  'find',
  'forget',
  'info',
  'init',
  'key',
  'ls',
  'reassemble',
  'rebuild',
  'recover',
  'upload',
]);

/** What is known of a run so far: enough to end it properly at any moment. */
interface RunState {
  readonly signals: SignalWatch;
  output: Output;
  color: ColorMode;
  /** Whoever closes stdout early has read enough: true for help and listings. */
  isListing: boolean;
}

/** Runs what `words` (argv without node and script) ask for, and says on stderr what went wrong. Never throws. */
export async function run(words: readonly string[], version: string): Promise<number> {
  const output = createOutput({ isJson: wantsJson(words), isQuiet: false, verbosity: 0 });
  const state: RunState = { signals: watchSignals(), output, color: 'auto', isListing: true };
  const crash = (error: unknown): void => {
    state.output.error(error);
    process.exit(EXITS.unexpected.status); // a bug left the program in an unknown state
  };
  const dryUp = (): void => crash(new Error('the program came to rest before its work was done'));
  process.on('uncaughtException', crash).on('unhandledRejection', crash).on('beforeExit', dryUp);
  let isDone = false;
  try {
    if (opensVault(words)) await prepareForVault();
    const program = createProgram(COMMANDS, version, (spec, request) => runCommand(spec, request, state));
    await program.parseAsync([...words], { from: 'user' });
    isDone = true;
    return EXITS.done.status;
  } catch (error) {
    return await conclude(error, state);
  } finally {
    state.signals.close();
    process.off('beforeExit', dryUp);
    const signal = state.signals.received();
    // What came to its end all the same, as `serve` does on SIGTERM, ends with status 0, however busy the machine is.
    if (signal !== undefined && !isDone) leaveSoon(signal);
  }
}

const opensVault = (words: readonly string[]): boolean =>
  words.some((word) => OPENS_VAULT.has(word)) && !words.some((word) => word === '--help' || word === '-h');

async function prepareForVault(): Promise<void> {
  const { preparePasswordWork } = await import('../core/password-work.js');
  preparePasswordWork();
}

async function runCommand(spec: CommandSpec, request: Request, state: RunState): Promise<void> {
  const globals = mergeGlobalOptions(request.given);
  const { json: isJson, quiet: isQuiet, verbose: verbosity } = globals;
  state.output = createOutput({ isJson, isQuiet, verbosity });
  state.color = globals.color;
  state.isListing = spec.isListing ?? false;
  if (state.isListing) await paint(state);
  const context = await createContext(globals, state.output, state.signals.signal, COMMANDS);
  const loaded = await spec.load?.();
  await loaded?.run(context, request.operands, request.options as never);
}

async function conclude(error: unknown, state: RunState): Promise<number> {
  if (error instanceof HelpShown) return error.isAskedFor ? EXITS.done.status : EXITS.usage.status;
  if (state.isListing && isClosedPipe(error)) return EXITS.done.status;
  await paint(state);
  const told = state.signals.signal.aborted && isAbort(error) ? abortedError(error) : error;
  state.output.error(told);
  return exitStatusOf(told, state.signals.received());
}

/** `disktro ls | head`: the reader has what it wanted. */
function isClosedPipe(error: unknown): boolean {
  if (!(error instanceof DisktroError) || error.code !== 'E_OUTPUT') return false;
  return (error.cause as NodeJS.ErrnoException | undefined)?.code === 'EPIPE';
}

/** Node's own way to say that a signal fired. */
const isAbort = (error: unknown): boolean => error instanceof Error && error.name === 'AbortError';

/**
 * Not before work on data: chalk touches process.stdin and stdout, and Node then makes their pipes non-blocking.
 */
async function paint({ output, color }: RunState): Promise<void> {
  const styleOf = (descriptor: number) => loadStyle(wantsColor(color, isatty(descriptor), process.env));
  output.styles = { stdout: await styleOf(1), stderr: await styleOf(2) };
}
