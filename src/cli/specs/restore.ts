/** The subcommands that give stored files and trees back, and look into them. Data only. */
import type { CommandSpec } from '../command-spec.js';
import { nonEmpty } from '../option-values.js';
import { READING } from './exits.js';
import { FILTERS } from './filters.js';
import { LIMIT_DOWNLOAD, LIMIT_UPLOAD } from './limits.js';

const PART_HELP =
  'ID is a file id, a unique prefix of 8 or more of its digits, an exact name (the newest of that name), ' +
  '`latest`, or `latest:PATH` (the newest that lay at that path of this machine); ID:path/inside names a part of a tree.';

export const REASSEMBLE: CommandSpec = {
  name: 'reassemble',
  operands: '<id>',
  summary: 'write a stored file or tree back',
  details:
    `${PART_HELP} A file: nothing is left at the output when it fails. A tree: the output becomes its folder; it must ` +
    'be empty, unless --overwrite says what becomes of files that are there. What cannot be restored is named and the ' +
    'rest comes back; run it again and it goes on where it stopped. Nothing is ever written outside the output, no ' +
    'link that is there is followed, and owners come back when you are root.',
  options: [
    {
      flags: '-o, --output <path>',
      help: 'where to write; - is stdout, for a file (default: the original name, in the working folder)',
      parse: nonEmpty,
      isPath: true,
    },
    { flags: '--force', help: 'overwrite the file that is there; with a tree: --overwrite if-changed' },
    {
      flags: '--overwrite <rule>',
      help: 'with a tree, files that are there are replaced',
      choices: ['never', 'if-changed', 'always'],
    },
    {
      flags: '--include <pattern>',
      help: 'of a tree only what matches, by the rules of .gitignore; may be repeated',
      parse: nonEmpty,
      isRepeatable: true,
    },
    { flags: '--dry-run', help: 'list what would be written, and write nothing' },
    { flags: '--verify', help: 'write nothing: compare the output with what is stored' },
    { flags: '--keep-setuid', help: 'keep setuid and setgid of files, and file capabilities' },
    { flags: '--devices', help: 'make device nodes too, as root' },
    { flags: '--numeric-ids', help: 'owners by number, not by name' },
    LIMIT_UPLOAD,
    LIMIT_DOWNLOAD,
  ],
  examples: [
    'disktro reassemble $id -o copy.bin',
    'disktro reassemble latest',
    'disktro reassemble shop.sql -o - | psql shop',
    'disktro reassemble documents -o /tmp/back --include "*.odt"',
    'disktro reassemble documents:letters/2024 -o letters',
    'disktro reassemble documents -o ~/documents --verify',
  ],
  exits: [...READING, 'inputs', 'outputExists', 'noSpace'],
  load: () => import('../commands/reassemble.js'),
};

export const LS: CommandSpec = {
  name: 'ls',
  operands: '[id] [path]',
  summary: 'list the stored files and trees, or what is in one',
  details:
    'Without an ID: one line per file or tree, oldest first: id, size, created, copies, name. On a terminal ids are ' +
    `cut to 12 digits; in a pipe they are whole and there is no heading. With one: mode, owner, size, time and path of ` +
    `everything in it, or below PATH; what is not here is asked of the peers. ${PART_HELP}`,
  options: FILTERS,
  examples: [
    'disktro ls',
    'disktro ls --path ~/documents',
    "disktro ls | grep '\\.tar$' | cut -c1-64",
    'disktro ls --json',
    'disktro ls latest letters/2024',
  ],
  exits: READING,
  isListing: true,
  load: () => import('../commands/ls.js'),
};

export const CAT: CommandSpec = {
  name: 'cat',
  operands: '<id>',
  summary: 'print a stored file',
  details: `${PART_HELP} The bytes go to stdout, nothing else does.`,
  examples: ['disktro cat notes.txt', 'disktro cat documents:letters/2024/may.txt'],
  exits: [...READING, 'inputs'],
  load: () => import('../commands/cat.js'),
};

export const DIFF: CommandSpec = {
  name: 'diff',
  operands: '<id> <id>',
  summary: 'compare two stored files or trees',
  details:
    'A line per difference: + added, - removed, M content changed, m only metadata changed, T another type; then sizes ' +
    `and path. Contents are compared by what they are made of, and read only where that was cut differently. Exit status 0 either way. ${PART_HELP}`,
  examples: ['disktro diff 3f9c01ab latest', 'disktro diff --json 3f9c01ab:letters latest:letters'],
  exits: READING,
  isListing: true,
  load: () => import('../commands/diff.js'),
};

export const FIND: CommandSpec = {
  name: 'find',
  operands: '<pattern...>',
  summary: 'find paths in all stored files and trees',
  details:
    'PATTERN is as in .gitignore: *.odt anywhere, letters/** below a folder, /letters at the top. Columns: id, size, ' +
    'time, name and path.',
  examples: ["disktro find '*.odt'", "disktro find --json 'invoice-2024*'"],
  exits: ['usage', 'noVault', 'locked', 'wrongPassword', 'corrupt', 'missing', 'unreachable', 'refused'],
  isListing: true,
  load: () => import('../commands/find.js'),
};
