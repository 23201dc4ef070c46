// What each keep rule keeps: a table. Source: the documentation of restic's forget, and its source where that is silent.

/** A number is a count, a text a span, a list tags. */
export type RuleTexts = Readonly<Record<string, string | number | readonly string[]>>;

export interface Case {
  readonly claim: string;
  readonly backups: readonly string[];
  readonly rules: RuleTexts;
  /** Newest first. */
  readonly kept: readonly string[];
  readonly zone?: string;
  readonly now?: string;
}

const DAILY = ['03-01', '03-02', '03-03', '03-04', '03-05'];
export const FOREVER = Number.POSITIVE_INFINITY;

export const CASES: readonly Case[] = [
  { claim: 'nothing of nothing', backups: [], rules: { last: 1 }, kept: [] },
  { claim: 'the last one', backups: DAILY, rules: { last: 1 }, kept: ['03-05'] },
  { claim: 'the last two', backups: DAILY, rules: { last: 2 }, kept: ['03-05', '03-04'] },
  { claim: 'as many as there are', backups: DAILY, rules: { last: 5 }, kept: [...DAILY].reverse() },
  { claim: 'more than there are', backups: DAILY, rules: { last: 6 }, kept: [...DAILY].reverse() },
  { claim: 'no count at all keeps none', backups: DAILY, rules: { last: 0 }, kept: [] },
  { claim: 'unlimited last keeps all', backups: DAILY, rules: { last: FOREVER }, kept: [...DAILY].reverse() },
  {
    claim: 'unlimited daily keeps the last of each day and the oldest',
    backups: ['03-01 01:00', '03-01 02:00', '03-02 01:00', '03-02 02:00'],
    rules: { daily: FOREVER },
    kept: ['03-02 02:00', '03-01 02:00', '03-01 01:00'],
  },
  {
    claim: 'the order in which they are given means nothing',
    backups: ['03-03', '03-05', '03-01', '03-04', '03-02'],
    rules: { last: 2 },
    kept: ['03-05', '03-04'],
  },
  {
    claim: 'of equal times the first that is given',
    backups: ['03-01 [a]', '03-01 [b]', '03-01 [c]'],
    rules: { last: 1 },
    kept: ['03-01 [a]'],
  },
  {
    claim: 'of equal times one per hour, and the oldest while the count lasts',
    backups: ['03-01 [a]', '03-01 [b]', '03-01 [c]'],
    rules: { hourly: 2 },
    kept: ['03-01 [a]', '03-01 [c]'],
  },
  {
    claim: 'the newest of each hour',
    backups: ['03-01 01:00', '03-01 01:59:59', '03-01 02:00', '03-01 02:30'],
    rules: { hourly: 2 },
    kept: ['03-01 02:30', '03-01 01:59:59'],
  },
  {
    claim: 'the same hour of two days is two hours',
    backups: ['03-01 01:00', '03-02 01:00'],
    rules: { hourly: 2 },
    kept: ['03-02 01:00', '03-01 01:00'],
  },
  {
    claim: 'the newest of each day',
    backups: ['03-01 00:00', '03-01 23:59:59', '03-02 00:00', '03-02 00:01'],
    rules: { daily: 2 },
    kept: ['03-02 00:01', '03-01 23:59:59'],
  },
  {
    claim: 'days without a backup do not count',
    backups: ['01-01', '02-01', '03-01', '03-02'],
    rules: { daily: 3 },
    kept: ['03-02', '03-01', '02-01'],
  },
  {
    claim: 'the oldest stays while a count is not used up',
    backups: ['03-01 01:00', '03-01 02:00', '03-02'],
    rules: { daily: 3 },
    kept: ['03-02', '03-01 02:00', '03-01 01:00'],
  },
  {
    claim: 'the oldest goes when the count is used up',
    backups: ['03-01 01:00', '03-01 02:00', '03-02'],
    rules: { daily: 2 },
    kept: ['03-02', '03-01 02:00'],
  },
  {
    claim: 'weeks begin on Monday',
    backups: ['2024-03-03 23:59', '2024-03-04 00:00', '2024-03-10 23:59', '2024-03-11 00:00'],
    rules: { weekly: 3 },
    kept: ['2024-03-11 00:00', '2024-03-10 23:59', '2024-03-03 23:59'],
  },
  {
    claim: 'the last days of December may be of week 1 of the next year',
    backups: ['2024-12-29', '2024-12-30', '2024-12-31', '2025-01-05', '2025-01-06'],
    rules: { weekly: 3 },
    kept: ['2025-01-06', '2025-01-05', '2024-12-29'],
  },
  {
    claim: 'the first days of January may be of week 53 of the year before',
    backups: ['2020-12-27', '2020-12-28', '2021-01-01', '2021-01-03', '2021-01-04'],
    rules: { weekly: 2 },
    kept: ['2021-01-04', '2021-01-03'],
  },
  {
    claim: 'the same week of two years is two weeks',
    backups: ['2023-03-08', '2024-03-06'],
    rules: { weekly: 2 },
    kept: ['2024-03-06', '2023-03-08'],
  },
  {
    claim: 'the newest of each month',
    backups: ['01-31', '02-01', '02-29', '03-01'],
    rules: { monthly: 3 },
    kept: ['03-01', '02-29', '01-31'],
  },
  {
    claim: 'the same month of two years is two months',
    backups: ['2023-03-01', '2024-03-01'],
    rules: { monthly: 2 },
    kept: ['2024-03-01', '2023-03-01'],
  },
  {
    claim: 'the newest of each year',
    backups: ['2022-01-01', '2022-12-31', '2023-06-01', '2024-01-01'],
    rules: { yearly: 3 },
    kept: ['2024-01-01', '2023-06-01', '2022-12-31'],
  },
  {
    claim: 'one may be kept by several rules and is counted by each',
    backups: DAILY,
    rules: { last: 1, daily: 2, yearly: 1 },
    kept: ['03-05', '03-04'],
  },
  {
    claim: 'seven days, five weeks: the dailies hold one of the weeklies',
    backups: Array.from({ length: 28 }, (_, day) => `02-${String(day + 1).padStart(2, '0')}`),
    rules: { daily: 7, weekly: 3 },
    kept: ['02-28', '02-27', '02-26', '02-25', '02-24', '02-23', '02-22', '02-18'],
  },
  {
    claim: 'a tag',
    backups: ['03-01 [keep]', '03-02', '03-03 [other]'],
    rules: { tag: ['keep'] },
    kept: ['03-01 [keep]'],
  },
  {
    claim: 'all tags of a list',
    backups: ['03-01 [a]', '03-02 [a,b]', '03-03 [b]', '03-04 [a,b,c]'],
    rules: { tag: ['a', 'b'] },
    kept: ['03-04 [a,b,c]', '03-02 [a,b]'],
  },
  {
    claim: 'one of several tag lists',
    backups: ['03-01 [a]', '03-02 [b]', '03-03 [c]'],
    rules: { one: ['a'], other: ['b'] },
    kept: ['03-02 [b]', '03-01 [a]'],
  },
  {
    claim: 'the empty tag is for what has none',
    backups: ['03-01 [a]', '03-02', '03-03 [b]'],
    rules: { tag: [''] },
    kept: ['03-02'],
  },
  {
    claim: 'tags are not counted: a tagged one takes its day all the same',
    backups: ['03-01', '03-02 [keep]'],
    rules: { tag: ['keep'], daily: 1 },
    kept: ['03-02 [keep]'],
  },
  {
    claim: 'within counts from the newest, not from now',
    backups: DAILY,
    rules: { all: '2d' },
    kept: ['03-05', '03-04'],
    now: '2029-01-01',
  },
  {
    claim: 'what is exactly as old as the span goes',
    backups: ['03-01 12:00', '03-01 12:00:01', '03-02 12:00'],
    rules: { all: '24h' },
    kept: ['03-02 12:00', '03-01 12:00:01'],
  },
  {
    claim: 'a month before 31 March is 2 March, for there is no 31 February',
    backups: ['03-01', '03-02 12:00', '03-02 12:01', '03-31'],
    rules: { all: '1m' },
    kept: ['03-31', '03-02 12:01'],
  },
  {
    claim: 'a year before 29 February is 1 March',
    backups: ['2023-02-28', '2023-03-01 12:00', '2023-03-01 12:01', '2024-02-29'],
    rules: { all: '1y' },
    kept: ['2024-02-29', '2023-03-01 12:01'],
  },
  {
    claim: 'years, months, days and hours together',
    backups: ['2023-01-01 09:00', '2023-01-01 09:01', '2024-03-04 12:00'],
    rules: { all: '1y2m3d3h' },
    kept: ['2024-03-04 12:00', '2023-01-01 09:01'],
  },
  {
    claim: 'one per day of a span',
    backups: ['03-01', '03-03 01:00', '03-03 02:00', '03-04 01:00', '03-04 02:00'],
    rules: { daily: '2d' },
    kept: ['03-04 02:00', '03-03 02:00'],
  },
  {
    claim: 'the oldest of all stays if it lies in the span, though its day has one',
    backups: ['03-03 03:00', '03-03 04:00', '03-04 02:00'],
    rules: { daily: '2d' },
    kept: ['03-04 02:00', '03-03 04:00', '03-03 03:00'],
  },
  {
    claim: 'one per hour, week, month and year of spans',
    backups: ['2022-06-01', '2023-06-01', '2024-01-10', '2024-02-10', '03-01', '03-03 10:00', '03-03 10:30'],
    rules: { hourly: '1d', weekly: '7d', monthly: '2m', yearly: '1y' },
    kept: ['03-03 10:30', '2024-02-10', '2024-01-10', '2023-06-01'],
  },
  {
    claim: 'a span of nothing keeps nothing',
    backups: DAILY,
    rules: { all: '0d', last: 1 },
    kept: ['03-05'],
  },
  {
    claim: 'spans are not measured from what a wrong clock dated into the future, which stays',
    backups: ['03-01', '03-04', '03-05', '2031-01-01'],
    rules: { all: '2d' },
    kept: ['2031-01-01', '03-05', '03-04'],
    now: '2024-03-06',
  },
  {
    claim: 'where everything is in the future, spans keep everything',
    backups: DAILY,
    rules: { all: '1h' },
    kept: [...DAILY].reverse(),
    now: '2024-01-01',
  },
  {
    claim: 'counts take what lies in the future as the newest',
    backups: ['03-01', '2031-01-01'],
    rules: { last: 1 },
    kept: ['2031-01-01'],
    now: '2024-03-06',
  },
  {
    claim: 'a clock that went back: two of one hour are one, whichever came first',
    backups: ['03-01 10:50', '03-01 10:10', '03-01 11:00'],
    rules: { hourly: 2 },
    kept: ['03-01 11:00', '03-01 10:50'],
  },
  {
    claim: 'what lies before 1970 has its day too',
    backups: ['1969-12-31 23:59', '1970-01-01 00:00', '1970-01-01 00:01'],
    rules: { daily: 2 },
    kept: ['1970-01-01 00:01', '1969-12-31 23:59'],
  },
];
