/** The subcommands about the vault itself and what opens it. Data only. */
import type { CommandSpec, OptionSpec } from '../command-spec.js';
import { nonEmpty, parseChunkSize } from '../option-values.js';

const RECOVERY_FILE: OptionSpec = {
  flags: '--recovery-file <file>',
  help: 'write the recovery code to this new file (mode 0600) and do not show it',
  parse: nonEmpty,
  isPath: true,
};

const NEW_PASSWORD_FILE: OptionSpec = {
  flags: '--new-password-file <file>',
  help: 'read the new password from this file (else $DISKTRO_NEW_PASSWORD, else a prompt)',
  parse: nonEmpty,
  isPath: true,
};

const INIT: CommandSpec = {
  name: 'init',
  summary: 'make a home and a vault',
  details:
    'Prints the vault id on stdout and the recovery code once on stderr. `chunk` does the same by itself ' +
    'the first time. With --store the objects are in a bucket and the home holds catalog and slots only; its keys ' +
    'come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or ~/.aws/credentials.',
  options: [
    RECOVERY_FILE,
    {
      flags: '--store <url>',
      help: 'keep the objects in this bucket: s3://KEY@host/bucket/prefix; fixed for the life of the home',
      parse: nonEmpty,
    },
    {
      flags: '--chunk-size <bytes>',
      help: 'average chunk size, a power of two from 65536 to 16777216; fixed for the life of the vault',
      parse: parseChunkSize,
    },
  ],
  examples: [
    'disktro init',
    'disktro init --recovery-file /media/stick/recovery.txt',
    'disktro init --store s3://s3.eu-central-1.amazonaws.com/my-bucket/vault',
    'disktro --home /srv/backup --password-file /etc/backup.key init --json',
  ],
  exits: ['usage', 'inputs', 'noVault', 'locked', 'outputExists', 'unreachable', 'refused', 'noSpace'],
  load: () => import('../commands/init.js'),
};

const KEY_EXITS = [
  'usage',
  'noVault',
  'locked',
  'wrongPassword',
  'corrupt',
  'unreachable',
  'refused',
] as const;

const KEY: CommandSpec = {
  name: 'key',
  summary: 'passwords and recovery codes: what opens the vault',
  details:
    'A vault has up to 8 slots, each opened by a password or a recovery code. ' +
    'Either is accepted wherever a password is.',
  examples: ['disktro key list', 'disktro key passwd', 'disktro key add --label laptop'],
  exits: KEY_EXITS,
  subcommands: [
    {
      name: 'list',
      summary: 'list the slots',
      details: 'Needs no password.',
      examples: ['disktro key list', 'disktro key list --json'],
      exits: ['usage', 'noVault', 'locked', 'corrupt'],
      isListing: true,
      load: () => import('../commands/key-list.js'),
    },
    {
      name: 'add',
      summary: 'add a password beside the others',
      details: 'Prints the id of the new slot.',
      options: [
        { flags: '--label <text>', help: 'what to call the slot', parse: nonEmpty },
        NEW_PASSWORD_FILE,
      ],
      examples: ['disktro key add --label laptop', 'disktro key add --new-password-file new.txt'],
      exits: [...KEY_EXITS, 'noSpace'],
      load: () => import('../commands/key-add.js'),
    },
    {
      name: 'remove',
      operands: '<slot>',
      summary: 'remove a slot',
      details:
        'SLOT is a slot id of `disktro key list`, or a unique prefix of it. The last slot cannot be removed.',
      examples: ['disktro key remove 4be0'],
      exits: [...KEY_EXITS, 'notFound'],
      load: () => import('../commands/key-remove.js'),
    },
    {
      name: 'passwd',
      summary: 'change the password',
      details: 'Replaces the slot that the present password opens. The stored data stays as it is.',
      options: [NEW_PASSWORD_FILE],
      examples: ['disktro key passwd', 'disktro key passwd --new-password-file new.txt'],
      exits: [...KEY_EXITS, 'noSpace'],
      load: () => import('../commands/key-passwd.js'),
    },
    {
      name: 'recovery',
      summary: 'make a new recovery code in place of the old one',
      details: 'Prints the id of the new slot on stdout and the code once on stderr.',
      options: [RECOVERY_FILE],
      examples: ['disktro key recovery', 'disktro key recovery --recovery-file /media/stick/recovery.txt'],
      exits: [...KEY_EXITS, 'inputs', 'outputExists', 'noSpace'],
      load: () => import('../commands/key-recovery.js'),
    },
  ],
};

export const VAULT_COMMANDS: readonly CommandSpec[] = [INIT, KEY];
