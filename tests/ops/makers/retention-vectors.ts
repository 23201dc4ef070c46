// Makes fixtures/vectors/retention.json: what restic itself keeps of a few hundred backups under many rules. Run it with
// `node dist/tests/ops/makers/retention-vectors.js > fixtures/vectors/retention.json`; it needs restic and takes minutes.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ZONE = 'Europe/Berlin';
const HOSTS = ['steady', 'bursts', 'sparse', 'edges'] as const;
const TAGS = [[], [], [], ['keep'], ['keep', 'monthly'], ['monthly'], ['a']];

/** The same numbers at every run: a linear congruential generator. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * below);
  };
}

const random = randomNumbers(20_260_301);

/** Local times, as `--time` takes them. */
function localTimes(host: (typeof HOSTS)[number]): string[] {
  const at = (day: number, hour: number, minute: number): string =>
    new Date(Date.UTC(2023, 0, day, hour, minute, random(60))).toISOString().slice(0, 19).replace('T', ' ');
  if (host === 'steady') return Array.from({ length: 90 }, (_, day) => at(day * 9, 2, 30));
  if (host === 'bursts') {
    return Array.from({ length: 60 }, (_, n) => at(700 + Math.floor(n / 12) * 3, n % 12, random(60)));
  }
  if (host === 'sparse') return Array.from({ length: 30 }, () => at(random(1000), random(24), random(60)));
  return [
    '2023-01-01 00:00:00',
    '2023-01-01 23:59:59',
    '2023-01-02 00:00:00',
    '2023-03-26 01:59:59',
    '2023-03-26 03:00:00',
    '2023-03-31 12:00:00',
    '2023-10-29 01:30:00',
    '2023-10-29 03:00:00',
    '2023-12-31 23:59:59',
    '2024-01-01 00:00:00',
    '2024-02-28 10:00:00',
    '2024-02-29 10:00:00',
    '2024-03-01 10:00:00',
    '2024-12-29 10:00:00',
    '2024-12-30 00:00:00',
    '2024-12-31 10:00:00',
    '2025-01-05 23:00:00',
    '2025-01-06 00:00:00',
    '2025-03-31 10:00:00',
    '2025-05-31 10:00:00',
  ];
}

const RULES: readonly (readonly string[])[] = [
  ...['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'].flatMap((kind) =>
    [1, 2, 3, 5, 7, 12, 36, 200].map((n) => [`--keep-${kind}`, String(n)]),
  ),
  ...['', '-hourly', '-daily', '-weekly', '-monthly', '-yearly'].flatMap((kind) =>
    ['1h', '13h', '1d', '7d', '1m', '3m', '1y', '1y2m3d4h', '10y'].map((span) => [
      `--keep-within${kind}`,
      span,
    ]),
  ),
  ['--keep-tag', 'keep', '--keep-last', '1'],
  ['--keep-tag', 'keep,monthly', '--keep-last', '1'],
  ['--keep-tag', 'monthly', '--keep-tag', 'a', '--keep-last', '1'],
  ['--keep-tag', '', '--keep-last', '1'],
  ['--keep-daily', '7', '--keep-weekly', '5', '--keep-monthly', '12', '--keep-yearly', '75'],
  ['--keep-last', '3', '--keep-hourly', '24', '--keep-daily', '30', '--keep-within', '14d'],
  [
    '--keep-within-daily',
    '7d',
    '--keep-within-weekly',
    '1m',
    '--keep-within-monthly',
    '1y',
    '--keep-within-yearly',
    '75y',
  ],
  ['--keep-hourly', '5', '--keep-within-hourly', '2d', '--keep-yearly', '10', '--keep-tag', 'a'],
];

const folder = mkdtempSync(join(tmpdir(), 'disktro-restic-'));
const env = {
  PATH: process.env.PATH,
  TZ: ZONE,
  HOME: folder,
  RESTIC_REPOSITORY: join(folder, 'repo'),
  RESTIC_PASSWORD: 'x',
};
const restic = (...words: string[]): string =>
  execFileSync('restic', ['--no-cache', ...words], {
    env,
    cwd: folder,
    maxBuffer: 2 ** 28,
    stdio: ['ignore', 'pipe', 'inherit'],
  }).toString();

interface Snapshot {
  readonly id: string;
  readonly time: string;
  readonly hostname: string;
  readonly tags?: readonly string[];
}

try {
  restic('init');
  writeFileSync(join(folder, 'file'), 'x');
  for (const host of HOSTS) {
    for (const time of localTimes(host)) {
      const tags = (TAGS[random(TAGS.length)] ?? []).flatMap((tag) => ['--tag', tag]);
      restic('-q', 'backup', '--force', '--host', host, '--time', time, ...tags, 'file');
    }
  }
  const all = JSON.parse(restic('snapshots', '--json')) as Snapshot[];
  const index = new Map(all.map(({ id }, at) => [id, at]));
  const cases = RULES.map((rules) => {
    const groups = JSON.parse(restic('forget', '--dry-run', '--json', '--group-by', 'host', ...rules)) as {
      readonly keep: readonly Snapshot[] | null;
    }[];
    const kept = groups.flatMap(({ keep }) => (keep ?? []).map(({ id }) => index.get(id) ?? -1));
    return { rules, kept: kept.sort((a, b) => a - b) };
  });
  const backups = all.map(({ time, hostname, tags = [] }) => ({ time, host: hostname, tags }));
  const source = `${restic('version').trim()}, forget --dry-run --json --group-by host, TZ=${ZONE}; this restic does not keep the oldest while a count is not used up`;
  process.stdout.write(`${JSON.stringify({ source, zone: ZONE, backups, cases })}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
