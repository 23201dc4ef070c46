/**
 * Which of a group of backups stay, and why. The rules mean what restic's mean, to the letter: newest first, one per
 * hour, day, ISO week, month or year of the local calendar, and the oldest of all stays while a count is not used up.
 * Decides only; pure but for the time zone of this process.
 */
import type { CalendarSpan } from './calendar-span.js';
import { formatCalendarSpan, isZeroSpan, momentBefore } from './calendar-span.js';

export type Period = 'hourly' | 'daily' | 'weekly' | 'monthly' | 'yearly';

export interface KeepRules {
  /** How many of each; Infinity keeps one of every period there is, 0 is no rule. */
  readonly counts: Readonly<Partial<Record<'last' | Period, number>>>;
  /** Everything newer than this before the newest; of a period: one of each such period. */
  readonly within: Readonly<Partial<Record<'all' | Period, CalendarSpan>>>;
  /** What has all tags of one of these lists; a list of one empty tag is for what has none. */
  readonly tags: readonly (readonly string[])[];
}

export interface Dated {
  readonly createdMs: number;
  readonly tags: readonly string[];
}

export interface Verdict<T> {
  readonly item: T;
  /** Why it stays; none: it goes. */
  readonly reasons: readonly string[];
}

export const PERIODS: readonly Period[] = ['hourly', 'daily', 'weekly', 'monthly', 'yearly'];

/** Whether the rules keep nothing by themselves: no counts, no spans, no tags. */
export function areRulesEmpty({ counts, within, tags }: KeepRules): boolean {
  const hasCount = Object.values(counts).some((number) => number > 0);
  const hasSpan = Object.values(within).some((span) => !isZeroSpan(span));
  return !hasCount && !hasSpan && tags.length === 0;
}

/**
 * Decides on one group. What was made at the same moment is taken in the order in which it is given.
 * @param nowMs what is later than this comes from a clock that was wrong: spans are not measured from it
 * @returns one verdict for each item, newest first
 */
export function decideRetention<T extends Dated>(
  items: readonly T[],
  rules: KeepRules,
  nowMs: number,
): readonly Verdict<T>[] {
  const sorted = [...items].sort((a, b) => b.createdMs - a.createdMs);
  const newestMs = sorted.find(({ createdMs }) => createdMs < nowMs)?.createdMs ?? Number.NEGATIVE_INFINITY;
  const tests = [
    tagTest(rules),
    ...withinTest(rules, newestMs),
    ...countTests(rules),
    ...spanTests(rules, newestMs),
  ];
  return sorted.map((item, index) => {
    const place = { index, isOldest: index === sorted.length - 1 };
    return { item, reasons: tests.flatMap((test) => test(item, place)) };
  });
}

interface Place {
  readonly index: number;
  readonly isOldest: boolean;
}

/** Asked for one item after another, newest first. @returns reasons to keep it */
type KeepTest = (item: Dated, place: Place) => readonly string[];

function tagTest({ tags }: KeepRules): KeepTest {
  return (item) =>
    tags.filter((list) => hasTags(item.tags, list)).map((list) => `tag ${list.join(',') || 'none'}`);
}

/** Whether all tags of a list are there; the list of one empty tag fits what has none. */
export function hasTags(tags: readonly string[], list: readonly string[]): boolean {
  if (list.length === 1 && list[0] === '') return tags.length === 0;
  return list.every((tag) => tags.includes(tag)) || tags.includes(list.join(','));
}

function withinTest({ within }: KeepRules, newestMs: number): KeepTest[] {
  const span = within.all;
  if (span === undefined || isZeroSpan(span)) return [];
  const reason = [`within ${formatCalendarSpan(span)}`];
  const sinceMs = since(newestMs, span);
  return [({ createdMs }) => (createdMs > sinceMs ? reason : [])];
}

function countTests({ counts }: KeepRules): KeepTest[] {
  const kinds = ['last', ...PERIODS] as const;
  return kinds.flatMap((kind): KeepTest[] => {
    let left = counts[kind] ?? 0;
    let previous: number | undefined;
    return [
      ({ createdMs }, { index, isOldest }) => {
        if (left === 0) return [];
        const bucket = kind === 'last' ? index : bucketOf(kind, createdMs);
        const isNew = bucket !== previous;
        if (!isNew && !isOldest) return [];
        previous = bucket;
        left--;
        return [isNew ? kind : `oldest ${kind}`];
      },
    ];
  });
}

function spanTests({ within }: KeepRules, newestMs: number): KeepTest[] {
  return PERIODS.flatMap((period): KeepTest[] => {
    const span = within[period];
    if (span === undefined || isZeroSpan(span)) return [];
    const sinceMs = since(newestMs, span);
    const reason = `${period} within ${formatCalendarSpan(span)}`;
    let previous: number | undefined;
    return [
      ({ createdMs }, { isOldest }) => {
        if (createdMs <= sinceMs) return [];
        const bucket = bucketOf(period, createdMs);
        const isNew = bucket !== previous;
        if (!isNew && !isOldest) return [];
        previous = bucket;
        return [isNew ? reason : `oldest ${reason}`];
      },
    ];
  });
}

/** Where everything lies in the future there is nothing to measure from, and everything is kept. */
function since(newestMs: number, span: CalendarSpan): number {
  return Number.isFinite(newestMs) ? momentBefore(newestMs, span) : newestMs;
}

/** A number that two moments share exactly when they lie in the same hour, day, week, month or year. */
export function bucketOf(period: Period, timeMs: number): number {
  const date = new Date(timeMs);
  const month = date.getFullYear() * 100 + date.getMonth() + 1;
  switch (period) {
    case 'hourly':
      // The hour that the clock goes through twice in autumn is one hour.
      return (month * 100 + date.getDate()) * 100 + date.getHours();
    case 'daily':
      return month * 100 + date.getDate();
    case 'weekly':
      return isoWeek(date);
    case 'monthly':
      return month;
    case 'yearly':
      return date.getFullYear();
  }
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** ISO 8601: a week belongs to the year that its Thursday lies in. */
function isoWeek(date: Date): number {
  const daysSinceMonday = (date.getDay() + 6) % 7;
  const thursday = utcDay(date.getFullYear(), date.getMonth(), date.getDate() - daysSinceMonday + 3);
  const year = new Date(thursday).getUTCFullYear();
  const week = Math.floor((thursday - utcDay(year, 0, 1)) / DAY_MS / 7) + 1;
  return year * 100 + week;
}

/** Days are counted in UTC, where all of them are equally long; `Date.UTC` would take years below 100 for others. */
function utcDay(year: number, month: number, day: number): number {
  return new Date(0).setUTCFullYear(year, month, day);
}
