/**
 * Spans of the calendar, as keep rules measure them: years, months, days and hours back from a moment, in the time
 * zone of this process. Pure but for that zone; knows nothing of what is kept.
 */
import { usageError } from '../../errors.js';

export interface CalendarSpan {
  readonly years: number;
  readonly months: number;
  readonly days: number;
  readonly hours: number;
}

const HOUR_MS = 60 * 60 * 1000;
const UNITS = { y: 'years', m: 'months', d: 'days', h: 'hours' } as const;
type Unit = keyof typeof UNITS;

/**
 * `1y5m7d2h`: numbers of years, months, days and hours, each at most once, in any order.
 * @param what what it is the value of, for the message
 * @throws E_USAGE
 */
export function parseCalendarSpan(text: string, what: string): CalendarSpan {
  const span = { years: 0, months: 0, days: 0, hours: 0 };
  const seen = new Set<string>();
  for (const [, digits = '', unit = ''] of text.matchAll(/(\d{1,6})([ymdh])/g)) {
    if (seen.has(unit)) throw badSpan(text, what);
    seen.add(unit);
    span[UNITS[unit as Unit]] = Number(digits);
  }
  if (!/^(?:\d{1,6}[ymdh])+$/.test(text)) throw badSpan(text, what);
  return span;
}

export function isZeroSpan({ years, months, days, hours }: CalendarSpan): boolean {
  return years === 0 && months === 0 && days === 0 && hours === 0;
}

/** The span as it is written: `1y6m`. */
export function formatCalendarSpan(span: CalendarSpan): string {
  return (Object.keys(UNITS) as Unit[])
    .map((unit) => [span[UNITS[unit]], unit] as const)
    .filter(([number]) => number > 0)
    .map(([number, unit]) => `${number}${unit}`)
    .join('');
}

/**
 * The moment that lies this span before another one: first the calendar, where a day that a month does not have runs
 * on into the next month (31 March less a month is 3 March), then the hours, which are 60 minutes whatever the clock does.
 */
export function momentBefore(timeMs: number, { years, months, days, hours }: CalendarSpan): number {
  const date = new Date(timeMs);
  date.setFullYear(date.getFullYear() - years, date.getMonth() - months, date.getDate() - days);
  return date.getTime() - hours * HOUR_MS;
}

const badSpan = (text: string, what: string) =>
  usageError(
    `${what}: expected years, months, days and hours, such as 1y6m or 14d, got ${JSON.stringify(text)}`,
    /w/i.test(text) ? 'a week is 7d' : undefined,
  );
