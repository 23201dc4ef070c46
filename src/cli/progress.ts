/**
 * Progress of one piece of work: a bar on a terminal, JSON lines with `--json -v`, else nothing.
 * The one importer of cli-progress, loaded only for a bar.
 */
import { isatty } from 'node:tty';
import type { SingleBar } from 'cli-progress';
import { escapeControls } from './escape.js';
import type { Output } from './output.js';
import { createRateMeter, type ProgressState, type ProgressUnits, progressLine } from './progress-line.js';

const REDRAWS_PER_SECOND = 10;
const EVENT_INTERVAL_MS = 250;
/** Work that is done sooner shows no bar: a flicker tells nobody anything. */
const BAR_DELAY_MS = 250;

export interface Progress {
  /** `facts` are what `--json -v` prints; `state` is what the bar shows. */
  update(state: ProgressState, facts: object): void;
  /** Wipes the bar, or prints the last event. Safe to call twice; call it whether the work failed or not. */
  stop(): void;
  [Symbol.dispose](): void;
}

/** `isWanted` is false with `--no-progress`. */
export async function startProgress(
  output: Output,
  units: ProgressUnits,
  isWanted: boolean,
): Promise<Progress> {
  if (output.isJson) return output.verbosity > 0 ? eventProgress(output, units) : NO_PROGRESS;
  const hasBar = isWanted && !output.isQuiet && isatty(2);
  return hasBar ? barProgress(output, units) : NO_PROGRESS;
}

const NO_PROGRESS: Progress = { update: () => {}, stop: () => {}, [Symbol.dispose]: () => {} };

function eventProgress(output: Output, { label }: ProgressUnits): Progress {
  let lastMs = Number.NEGATIVE_INFINITY;
  let unprinted: object | undefined;
  const stop = (): void => {
    if (unprinted !== undefined) output.event({ progress: { label, ...unprinted } });
    unprinted = undefined;
  };
  return {
    update(_state, facts) {
      unprinted = facts;
      const nowMs = performance.now();
      if (nowMs - lastMs < EVENT_INTERVAL_MS) return;
      lastMs = nowMs;
      stop();
    },
    stop,
    [Symbol.dispose]: stop,
  };
}

async function barProgress(output: Output, { label, unit }: ProgressUnits): Promise<Progress> {
  const startMs = performance.now();
  const meter = createRateMeter(startMs);
  const safeUnits = { label: escapeControls(label), unit };
  let state: ProgressState = { done: 0, total: undefined };
  const bar = await createBar((columns) =>
    progressLine(safeUnits, state, meter.measure(state.done, performance.now()), columns),
  );
  let isDrawn = false;
  const wipe = (): void => {
    if (isDrawn) bar.stop();
    isDrawn = false;
  };
  const stop = (): void => {
    wipe();
    if (output.live === live) output.live = undefined;
  };
  const live = { wipe };
  output.live = live;
  return {
    update(next) {
      state = next;
      if (!isDrawn && performance.now() - startMs > BAR_DELAY_MS) {
        bar.start(1, 0);
        isDrawn = true;
      }
    },
    stop,
    [Symbol.dispose]: stop,
  };
}

/** The bar redraws by itself; `line` is asked for its text each time. */
async function createBar(line: (columns: number) => string): Promise<SingleBar> {
  const { SingleBar: Bar } = await import('cli-progress');
  return new Bar({
    format: () => line((process.stderr.columns ?? 80) - 1),
    fps: REDRAWS_PER_SECOND,
    stream: process.stderr,
    clearOnComplete: true,
    hideCursor: false,
    gracefulExit: false,
  });
}
