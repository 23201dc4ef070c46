/** The subcommands that a person meets first: files in, files out, what there is. Data only. */
import type { CommandSpec } from '../command-spec.js';
import { nonEmpty, parseTime, wholeNumber } from '../option-values.js';
import { FILTERS } from './filters.js';
import { LIMIT_DOWNLOAD, LIMIT_UPLOAD } from './limits.js';

const ID_HELP =
  'ID is a file id, a unique prefix of 8 or more of its digits, an exact name (the newest of that name), ' +
  '`latest`, or `latest:PATH`: the newest that lay at that path of this machine.';

const CHUNK: CommandSpec = {
  name: 'chunk',
  operands: '<path...>',
  takesPaths: true,
  summary: 'cut, compress, encrypt and store files',
  details:
    'Prints one id per input on stdout, a line each. `-` is stdin. The first run makes the vault and prints ' +
    'its recovery code once, on stderr. An input that cannot be read is told on stderr and the rest go on.',
  options: [
    { flags: '--name <name>', help: 'the name to store it under (one input only)', parse: nonEmpty },
    {
      flags: '--tag <tag>',
      help: 'a tag to find it by; may be repeated',
      parse: nonEmpty,
      isRepeatable: true,
    },
    {
      flags: '--time <time>',
      help: 'when it is to have been stored, such as 2024-03-01T02:30:00Z; without a zone: local time (default: now)',
      parse: parseTime,
    },
    {
      flags: '--replicas <n>',
      help: 'nodes that shall hold each object, this one included (default: replica_count)',
      parse: wholeNumber(1, 100),
    },
    { flags: '--no-compress', help: 'store without compressing' },
    {
      flags: '--chunker <kind>',
      help: 'cut by content, or at fixed sizes for disk images',
      choices: ['cdc', 'fixed'],
    },
    {
      flags: '--exclude <pattern>',
      help: 'leave out what matches, inside folders; may be repeated; files named here are always read',
      parse: nonEmpty,
      isRepeatable: true,
    },
    { flags: '--no-replicate', help: 'store here only and do not check min_replicas; copies are made later' },
    {
      flags: '--force',
      help: 'read even what seems unchanged inside folders; files named here are always read',
    },
    {
      flags: '--stats',
      help: 'one line on stderr at the end, also with -q: files, bytes, new, stored, seconds',
    },
    LIMIT_UPLOAD,
    LIMIT_DOWNLOAD,
  ],
  examples: [
    'id=$(disktro chunk file.bin)',
    'disktro chunk --tag weekly *.tar',
    'pg_dump shop | disktro chunk - --name shop.sql',
    'disktro chunk -- -odd-name',
  ],
  exits: ['usage', 'inputs', 'noVault', 'locked', 'wrongPassword', 'corrupt', 'noSpace'],
  load: () => import('../commands/chunk.js'),
};

const REASSEMBLE: CommandSpec = {
  name: 'reassemble',
  operands: '<id>',
  summary: 'write a stored file back',
  details: `${ID_HELP} Nothing is left at the output when it fails.`,
  options: [
    {
      flags: '-o, --output <path>',
      help: 'where to write; - is stdout (default: the original name, in the working folder)',
      parse: nonEmpty,
      isPath: true,
    },
    { flags: '--force', help: 'overwrite what is there' },
    LIMIT_UPLOAD,
    LIMIT_DOWNLOAD,
  ],
  examples: [
    'disktro reassemble $id -o copy.bin',
    'disktro reassemble latest',
    'disktro reassemble shop.sql -o - | psql shop',
  ],
  exits: [
    'usage',
    'inputs',
    'notFound',
    'noVault',
    'locked',
    'wrongPassword',
    'corrupt',
    'missing',
    'outputExists',
    'noSpace',
  ],
  load: () => import('../commands/reassemble.js'),
};

const LS: CommandSpec = {
  name: 'ls',
  summary: 'list the stored files, oldest first',
  options: FILTERS,
  details:
    'Columns: id, size, created, copies, name. On a terminal ids are cut to 12 digits; ' +
    'in a pipe they are whole and there is no heading.',
  examples: [
    'disktro ls',
    "disktro ls | grep '\\.tar$' | cut -c1-64",
    'disktro ls --path ~/documents',
    'disktro ls --json',
  ],
  exits: ['usage', 'noVault', 'locked', 'wrongPassword'],
  isListing: true,
  load: () => import('../commands/ls.js'),
};

const INFO: CommandSpec = {
  name: 'info',
  operands: '<id>',
  summary: 'show what is known of a stored file',
  details: ID_HELP,
  examples: ['disktro info latest', 'disktro info 3f9c01ab --json'],
  exits: ['usage', 'notFound', 'noVault', 'locked', 'wrongPassword', 'corrupt', 'missing'],
  isListing: true,
  load: () => import('../commands/info.js'),
};

const RM: CommandSpec = {
  name: 'rm',
  operands: '<id...>',
  summary: 'remove stored files',
  details: `${ID_HELP} When one of the ids is not found, nothing is removed. The space is freed by \`disktro gc\`, after its grace. A name needs the password; an id does not.`,
  examples: ['disktro rm 3f9c01ab', 'disktro rm old.tar && disktro gc'],
  exits: ['usage', 'notFound', 'noVault', 'locked', 'wrongPassword'],
  load: () => import('../commands/rm.js'),
};

export const FILE_COMMANDS: readonly CommandSpec[] = [CHUNK, REASSEMBLE, LS, INFO, RM];
