/** The subcommands that a person meets first: files in, what there is. Data only. */
import type { CommandSpec } from '../command-spec.js';
import { nonEmpty, parseCompression, parseTime, wholeNumber } from '../option-values.js';
import { LIMIT_DOWNLOAD, LIMIT_UPLOAD } from './limits.js';
import { CAT, DIFF, FIND, LS, REASSEMBLE } from './restore.js';

const ID_HELP =
  'ID is a file id, a unique prefix of 8 or more of its digits, an exact name (the newest of that name), ' +
  '`latest`, or `latest:PATH`: the newest that lay at that path of this machine.';

const CHUNK: CommandSpec = {
  name: 'chunk',
  operands: '<path...>',
  takesPaths: true,
  summary: 'cut, compress, encrypt and store files and folders',
  details:
    'Prints one id per input on stdout, a line each. `-` is stdin. The first run makes the vault and prints ' +
    'its recovery code once, on stderr. An input that cannot be read is told on stderr and the rest go on. ' +
    'A folder is stored with all that is in it, under one id. Files that have not changed since the last time are ' +
    'not read again. Patterns in a file .disktroignore hold for the folder it lies in.',
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
    {
      flags: '--compression <how>',
      help: 'auto, lz4, none, or zstd, at a level from 1 to 19 such as zstd:7 (default: compression)',
      parse: parseCompression,
    },
    { flags: '--no-compress', help: 'the same as --compression none' },
    {
      flags: '--chunker <kind>',
      help: 'cut by content, or at fixed sizes for disk images',
      choices: ['cdc', 'fixed'],
    },
    {
      flags: '--exclude <pattern>',
      help: 'leave out what matches, inside folders, by the rules of gitignore; may be repeated',
      parse: nonEmpty,
      isRepeatable: true,
    },
    {
      flags: '--exclude-file <file>',
      help: 'a file of such patterns, a line each; may be repeated',
      parse: nonEmpty,
      isRepeatable: true,
      isPath: true,
    },
    { flags: '--one-file-system', help: 'keep what is mounted inside a folder as an empty folder' },
    { flags: '--include-caches', help: 'keep also what lies in folders with a CACHEDIR.TAG' },
    {
      flags: '--dry-run',
      help: 'list what would be stored, a path and its size on each line; store nothing',
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
    'disktro chunk ~/documents --exclude "*.tmp"',
    'pg_dump shop | disktro chunk - --name shop.sql --compression zstd',
    'disktro chunk -- -odd-name',
  ],
  exits: [
    'usage',
    'inputs',
    'noVault',
    'locked',
    'wrongPassword',
    'corrupt',
    'unreachable',
    'refused',
    'noSpace',
  ],
  load: () => import('../commands/chunk.js'),
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
  exits: ['usage', 'notFound', 'noVault', 'locked', 'wrongPassword', 'corrupt'],
  load: () => import('../commands/rm.js'),
};

export const FILE_COMMANDS: readonly CommandSpec[] = [CHUNK, REASSEMBLE, LS, CAT, FIND, DIFF, INFO, RM];
