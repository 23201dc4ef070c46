/** The subcommands that thin out what is stored and try whether it comes back. Data only. */
import type { CommandSpec, OptionSpec } from '../command-spec.js';
import {
  parseGroupBy,
  parseKeepCount,
  parseKeepSpan,
  parseSample,
  parseSeconds,
  parseTagList,
  wholeNumber,
} from '../option-values.js';
import { FILTERS } from './filters.js';
import { LIMIT_DOWNLOAD } from './limits.js';

const PERIODS = ['hour', 'day', 'week', 'month', 'year'] as const;
const ADJECTIVES = {
  hour: 'hourly',
  day: 'daily',
  week: 'weekly',
  month: 'monthly',
  year: 'yearly',
} as const;

const KEEP: readonly OptionSpec[] = [
  { flags: '--keep-last <n>', help: 'the newest n, or `unlimited`', parse: parseKeepCount },
  ...PERIODS.map(
    (period): OptionSpec => ({
      flags: `--keep-${ADJECTIVES[period]} <n>`,
      help: `the newest of each of the last n ${period}s that have one`,
      parse: parseKeepCount,
    }),
  ),
  {
    flags: '--keep-tag <tags>',
    help: 'what has this tag, or all of several parted by commas; may be repeated',
    parse: parseTagList,
    isRepeatable: true,
  },
  {
    flags: '--keep-within <span>',
    help: 'everything newer than this before the newest, such as 2y5m7d3h',
    parse: parseKeepSpan,
  },
  ...PERIODS.map(
    (period): OptionSpec => ({
      flags: `--keep-within-${ADJECTIVES[period]} <span>`,
      help: `of that span the newest of each ${period}`,
      parse: parseKeepSpan,
    }),
  ),
];

export const FORGET: CommandSpec = {
  name: 'forget',
  operands: '[id...]',
  summary: 'thin out what is stored, by rules',
  details:
    'Each group (default: what has one host and path) is thinned out by itself, newest first; what one rule keeps, stays. ' +
    'The rules mean what they mean to restic: hours, days, ISO weeks, months and years of the local calendar count where ' +
    'something was stored in them, and the oldest stays while a count is not used up. Rules that would keep nothing of a ' +
    'group are refused. All goes in one step or nothing does; the space is freed by `disktro gc` or --gc, after its ' +
    'grace. With ids just these are removed, as with `disktro rm`.',
  options: [
    ...KEEP,
    {
      flags: '--group-by <parts>',
      help: 'what a group has in common: host, path, tags, parted by commas; empty for one group (default: host,path)',
      parse: parseGroupBy,
    },
    ...FILTERS,
    { flags: '--dry-run', help: 'only show what would be kept and removed' },
    { flags: '--gc', help: 'run gc afterwards' },
    {
      flags: '--grace <seconds>',
      help: 'how long gc leaves what is without use; 0 frees at once (default: delete_grace)',
      parse: parseSeconds,
    },
    {
      flags: '--unsafe-allow-remove-all',
      help: 'let the rules remove all of a group, and with a filter and no rules all that fits',
    },
  ],
  examples: [
    'disktro forget --keep-daily 7 --keep-weekly 5 --keep-monthly 12 --keep-yearly 75 --gc',
    'disktro forget --keep-within-daily 7d --keep-within-weekly 1m --dry-run',
    'disktro forget --path ~/documents --keep-last 10 --keep-tag keep',
  ],
  exits: ['usage', 'notFound', 'noVault', 'locked', 'wrongPassword', 'corrupt'],
  load: () => import('../commands/forget.js'),
};

export const DRILL: CommandSpec = {
  name: 'drill',
  summary: 'restore a random sample and see whether it is right',
  details:
    'Files are chosen at random over everything that is stored, the more bytes the more likely, written into the tmp ' +
    'folder of the home, read back, held against what was stored, and removed. What this home lacks comes from peers. ' +
    'When it was last right is shown by `disktro ls --json` and `disktro info` as `proven`.',
  options: [
    {
      flags: '--sample <amount>',
      help: 'how much: a share of all that is stored, such as 5%, or a number of bytes (default: 1GiB)',
      parse: parseSample,
    },
    {
      flags: '--seed <n>',
      help: 'choose as the run did that told this number',
      parse: wholeNumber(0, 2 ** 32 - 1),
    },
    LIMIT_DOWNLOAD,
  ],
  examples: ['disktro drill', 'disktro drill --sample 10GiB', 'disktro drill --sample 0.5% --json'],
  exits: ['usage', 'noVault', 'locked', 'wrongPassword', 'corrupt', 'missing', 'noSpace'],
  load: () => import('../commands/drill.js'),
};
