// What each keep rule keeps, case by case, and restic's own answers. Source: src/ops/upkeep/retention.ts,
// calendar-span.ts.
import { readFileSync } from 'node:fs';
import t from 'tap';
import { parseCalendarSpan } from '../../../src/ops/upkeep/calendar-span.js';
import type { KeepRules, Verdict } from '../../../src/ops/upkeep/retention.js';
import { areRulesEmpty, bucketOf, decideRetention } from '../../../src/ops/upkeep/retention.js';
import type { RuleTexts } from '../retention-cases.js';
import { CASES, FOREVER } from '../retention-cases.js';

interface Backup {
  readonly createdMs: number;
  readonly tags: readonly string[];
  readonly name: string;
}

const LATER = Date.parse('2030-01-01T00:00:00Z');
const span = (text: string) => parseCalendarSpan(text, '--keep-within');

/** `03-01 02:30 [tag]`: month and day of 2024, or a whole date, in local time. */
function backup(text: string): Backup {
  const [, date = '', clock = '12:00', tags = ''] =
    /^(\S+?)(?:T| |$)([\d:]+)?(?: ?\[(.*)\])?$/.exec(text) ?? [];
  const full = date.length === 5 ? `2024-${date}` : date;
  return {
    createdMs: new Date(`${full}T${clock}`).getTime(),
    tags: tags === '' ? [] : tags.split(','),
    name: text,
  };
}

function rules(texts: RuleTexts): KeepRules {
  const counts: Record<string, number> = {};
  const within: Record<string, ReturnType<typeof span>> = {};
  const tags: (readonly string[])[] = [];
  for (const [name, value] of Object.entries(texts)) {
    if (Array.isArray(value)) tags.push(value);
    else if (typeof value === 'number') counts[name] = value;
    else within[name] = span(value as string);
  }
  return { counts, within, tags };
}

const kept = (verdicts: readonly Verdict<Backup>[]): string[] =>
  verdicts.filter(({ reasons }) => reasons.length > 0).map(({ item }) => item.name);

t.test('keeps', async (t) => {
  for (const { claim, backups, rules: texts, kept: expected, zone = 'UTC', now } of CASES) {
    process.env.TZ = zone;
    const nowMs = now === undefined ? LATER : Date.parse(now);
    const verdicts = decideRetention(backups.map(backup), rules(texts), nowMs);
    t.same(kept(verdicts), expected, claim);
    t.equal(verdicts.length, backups.length, `${claim}: one verdict each`);
  }
});

t.test('days and hours are those of the local clock', async (t) => {
  const utc = (text: string): Backup => ({ createdMs: Date.parse(`${text}:00Z`), tags: [], name: text });
  const times = (zone: string, period: 'daily' | 'hourly' | 'weekly', texts: readonly string[]): string[] => {
    process.env.TZ = zone;
    return kept(decideRetention(texts.map(utc), rules({ [period]: texts.length - 1 }), LATER));
  };
  const midnight = ['2024-03-01T22:30', '2024-03-01T23:30', '2024-03-02T00:30'];
  t.same(times('UTC', 'daily', midnight), ['2024-03-02T00:30', '2024-03-01T23:30'], 'a day ends at midnight');
  t.same(
    times('Europe/Berlin', 'daily', midnight),
    ['2024-03-02T00:30', '2024-03-01T22:30'],
    'an hour earlier there',
  );
  const fall = ['2024-10-27T00:10', '2024-10-27T00:30', '2024-10-27T01:30'];
  t.same(times('UTC', 'hourly', fall), ['2024-10-27T01:30', '2024-10-27T00:30'], 'two hours');
  t.same(
    times('Europe/Berlin', 'hourly', fall),
    ['2024-10-27T01:30', '2024-10-27T00:10'],
    'the hour that the clock goes through twice is one; the oldest stays',
  );
  const spring = ['2024-03-31T00:30', '2024-03-31T00:59', '2024-03-31T01:00'];
  t.same(
    times('Europe/Berlin', 'hourly', spring),
    ['2024-03-31T01:00', '2024-03-31T00:59'],
    'the skipped hour',
  );
  const sunday = ['2024-03-03T09:00', '2024-03-03T10:00', '2024-03-03T11:00'];
  t.same(
    times('Pacific/Auckland', 'weekly', sunday),
    ['2024-03-03T11:00', '2024-03-03T10:00'],
    'Monday there',
  );
  process.env.TZ = 'Europe/Berlin';
  const autumn = ['2024-10-26T10:00', '2024-10-27T10:59', '2024-10-27T11:00', '2024-10-28T11:00'].map(utc);
  t.same(
    kept(decideRetention(autumn, rules({ all: '1d' }), LATER)),
    ['2024-10-28T11:00', '2024-10-27T11:00'].slice(0, 1),
    'a day is a day of the calendar: noon to noon is 24 hours after the change',
  );
  t.same(
    kept(decideRetention(autumn.slice(0, 3), rules({ all: '1d' }), LATER)),
    ['2024-10-27T11:00', '2024-10-27T10:59'],
    'and 25 hours over it: 12:00 summer time is 10:00 UTC',
  );
});

t.test('every reason is told', async (t) => {
  process.env.TZ = 'UTC';
  const verdicts = decideRetention(
    ['03-01 01:00', '03-01 02:00', '03-02 [keep]'].map(backup),
    rules({ last: 1, daily: 3, tag: ['keep'], all: '1h', weekly: '1m' }),
    LATER,
  );
  t.same(
    verdicts.map(({ reasons }) => reasons),
    [
      ['tag keep', 'within 1h', 'last', 'daily', 'weekly within 1m'],
      ['daily'],
      ['oldest daily', 'oldest weekly within 1m'],
    ],
  );
});

t.test('rules that keep nothing are empty', async (t) => {
  t.ok(areRulesEmpty(rules({})));
  t.ok(areRulesEmpty(rules({ last: 0, daily: 0, all: '0h' })));
  t.notOk(areRulesEmpty(rules({ daily: 1 })));
  t.notOk(areRulesEmpty(rules({ daily: FOREVER })));
  t.notOk(areRulesEmpty(rules({ yearly: '1d' })));
  t.notOk(areRulesEmpty(rules({ tag: [''] })));
});

t.test('the ISO week of each day of forty years is that of its Thursday', async (t) => {
  process.env.TZ = 'America/St_Johns';
  for (let day = 0; day < 40 * 365; day += 1) {
    const noon = new Date(1999, 0, 1 + day, 12);
    const thursday = new Date(1999, 0, 1 + day - ((noon.getDay() + 6) % 7) + 3, 12);
    const first = new Date(thursday.getFullYear(), 0, 1, 12);
    const week = Math.floor(Math.round((thursday.getTime() - first.getTime()) / 86_400_000) / 7) + 1;
    const bucket = bucketOf('weekly', noon.getTime());
    if (bucket !== thursday.getFullYear() * 100 + week) t.equal(bucket, week, noon.toDateString());
  }
});

t.test('refuses what is no span of the calendar', async (t) => {
  for (const text of ['', 'd', '7', '7w', '1d1d', '-1d', '1.5d', '1d 2h', '1y2m3d4h5', 'P1D', '9999999d']) {
    t.throws(
      () => span(text),
      { code: 'E_USAGE', message: /^--keep-within: expected years/ },
      JSON.stringify(text),
    );
  }
  t.same(span('4h3d2m1y'), { years: 1, months: 2, days: 3, hours: 4 }, 'in any order');
});

interface OracleVectors {
  readonly zone: string;
  readonly backups: readonly {
    readonly time: string;
    readonly host: string;
    readonly tags: readonly string[];
  }[];
  readonly cases: readonly { readonly rules: readonly string[]; readonly kept: readonly number[] }[];
}

/** The flags of restic as rules. */
function rulesOfFlags(flags: readonly string[]): KeepRules {
  const counts: Record<string, number> = {};
  const within: Record<string, ReturnType<typeof span>> = {};
  const tags: (readonly string[])[] = [];
  for (let at = 0; at < flags.length; at += 2) {
    const [flag = '', value = ''] = flags.slice(at, at + 2);
    const [, spanOf] = /^--keep-within-?(.*)$/.exec(flag) ?? [];
    if (spanOf !== undefined) within[spanOf || 'all'] = span(value);
    else if (flag === '--keep-tag') tags.push(value.split(','));
    else counts[flag.replace('--keep-', '')] = value === '-1' ? FOREVER : Number(value);
  }
  return { counts, within, tags };
}

t.test('keeps what restic keeps of 200 backups under 110 sets of rules', async (t) => {
  const file = new URL('../../../../fixtures/vectors/retention.json', import.meta.url);
  const { zone, backups, cases } = JSON.parse(readFileSync(file, 'utf8')) as OracleVectors;
  process.env.TZ = zone;
  t.ok(backups.length >= 200 && cases.length >= 100, 'there is enough to compare');
  const indexed = backups.map(({ time, host, tags }, index) => ({
    createdMs: Date.parse(time),
    tags,
    host,
    index,
  }));
  for (const { rules: flags, kept: expected } of cases) {
    const groups = [...new Set(indexed.map(({ host }) => host))].map((host) =>
      indexed.filter((each) => each.host === host),
    );
    const own = groups
      .flatMap((group) => decideRetention(group, rulesOfFlags(flags), LATER))
      // The restic that was asked does not know the rule about the oldest yet.
      .filter(({ reasons }) => reasons.some((reason) => !reason.startsWith('oldest')))
      .map(({ item }) => item.index);
    t.same(
      own.sort((a, b) => a - b),
      expected,
      flags.join(' '),
    );
  }
});
