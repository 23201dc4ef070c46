/** The text of a progress bar: what was done, how fast, how long it takes yet. Pure. */
import { formatBytes, formatClock, formatRate } from './units.js';

export interface ProgressState {
  readonly done: number;
  /** Undefined when nobody knows, as for stdin: then there is no percentage, bar or ETA. */
  readonly total: number | undefined;
  /** What else there is to say, such as `12 chunks (3 new, 9 dup)`. */
  readonly detail?: string;
}

export interface ProgressUnits {
  readonly label: string;
  /** `bytes` shows sizes and a rate; `count` shows `12/400`. */
  readonly unit: 'bytes' | 'count';
}

const MAX_BAR_CELLS = 24;
const MIN_BAR_CELLS = 8;
const GAP = '  ';
const MAX_LABEL = 28;

/** One line of at most `columns` characters. `perSecond` is the smoothed rate, or undefined when too early to tell. */
export function progressLine(
  { label, unit }: ProgressUnits,
  { done, total, detail = '' }: ProgressState,
  perSecond: number | undefined,
  columns: number,
): string {
  const isBytes = unit === 'bytes';
  const amount = (value: number): string => (isBytes ? formatBytes(value) : String(value));
  const facts: string[] = [];
  const share = total !== undefined && total > 0 ? Math.min(1, done / total) : undefined;
  if (total === undefined || share === undefined) facts.push(amount(done));
  else facts.push(`${Math.floor(share * 100)}%`.padStart(4), `${amount(done)}/${amount(total)}`);
  if (isBytes && perSecond !== undefined) facts.push(formatRate(perSecond));
  if (total !== undefined && perSecond !== undefined && perSecond > 0 && done < total) {
    facts.push(`ETA ${formatClock((total - done) / perSecond)}`);
  }
  if (detail !== '') facts.push(detail);
  const text = facts.join(GAP);
  const name = shortLabel(label);
  const cells = Math.min(MAX_BAR_CELLS, columns - name.length - text.length - 2 * GAP.length);
  const hasBar = share !== undefined && cells >= MIN_BAR_CELLS;
  const line = [name, ...(hasBar ? [bar(share, cells)] : []), text].join(GAP);
  return line.length <= columns ? line : line.slice(0, Math.max(0, columns));
}

/** `cells` characters, as many of them full as `share` says. */
function bar(share: number, cells: number): string {
  const full = Math.round(share * cells);
  return `${'█'.repeat(full)}${'░'.repeat(cells - full)}`;
}

function shortLabel(label: string): string {
  const characters = [...label];
  return characters.length <= MAX_LABEL ? label : `${characters.slice(0, MAX_LABEL - 1).join('')}…`;
}

/** A rate that follows changes within a few seconds and does not jump: an exponential moving average. */
export interface RateMeter {
  /** Returns units per second, or undefined until there is enough to tell. */
  measure(done: number, nowMs: number): number | undefined;
}

const SMOOTHING_MS = 3000;
const MIN_INTERVAL_MS = 90;

export function createRateMeter(startMs: number): RateMeter {
  let lastMs = startMs;
  let lastDone = 0;
  let rate: number | undefined;
  return {
    measure(done, nowMs) {
      const elapsedMs = nowMs - lastMs;
      if (elapsedMs < MIN_INTERVAL_MS) return rate;
      const present = ((done - lastDone) * 1000) / elapsedMs;
      const weight = rate === undefined ? 1 : 1 - Math.exp(-elapsedMs / SMOOTHING_MS);
      rate = (rate ?? 0) * (1 - weight) + present * weight;
      [lastMs, lastDone] = [nowMs, done];
      return rate;
    },
  };
}
