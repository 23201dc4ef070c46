/** What help says below the list of options: examples, global options, exit statuses. Pure. */
import type { CommandSpec } from './command-spec.js';
import { EXITS, type ExitName } from './exit.js';
import { GLOBAL_OPTIONS } from './global-options.js';

const COMMON_EXITS: readonly ExitName[] = ['done', 'unexpected', 'interrupted', 'terminated'];

export function programHelp(specs: readonly CommandSpec[]): string {
  return sections(
    [
      'Examples',
      ['id=$(disktro chunk file.bin)', 'disktro reassemble $id -o copy.bin', 'disktro help chunk'],
    ],
    [
      'Password',
      [
        'from --password-file, --password-command, $DISKTRO_PASSWORD, $DISKTRO_PASSWORD_FILE,',
        '$DISKTRO_PASSWORD_COMMAND, or a hidden prompt on a terminal, in this order',
      ],
    ],
    [
      'Configuration',
      ['the nearest .disktrorc upward from here, else ~/.disktrorc; `disktro config` shows what applies'],
    ],
    ['Exit status', exitLines(exitsOf(specs))],
  );
}

export function commandHelp(spec: CommandSpec): string {
  return sections(
    ['Examples', spec.examples],
    [
      'Global options, here or before the command',
      [
        GLOBAL_OPTIONS.map(({ flags }) => flags.split(/[ ,]/)[0]).join(' '),
        'as `disktro --help` explains them',
      ],
    ],
    ['Exit status', exitLines(exitsOf([spec]))],
  );
}

/** Those of the commands themselves, and those that every command has. */
function exitsOf(specs: readonly CommandSpec[]): ExitName[] {
  return [...new Set([...COMMON_EXITS, ...specs.flatMap(ownExits)])];
}

const ownExits = ({ exits, subcommands = [] }: CommandSpec): readonly ExitName[] => [
  ...exits,
  ...subcommands.flatMap(ownExits),
];

function exitLines(names: readonly ExitName[]): string[] {
  const exits = names.map((name) => EXITS[name]).sort((a, b) => a.status - b.status);
  return exits.map(({ status, meaning }) => `${String(status).padStart(3)}  ${meaning}`);
}

function sections(...parts: [title: string, lines: readonly string[]][]): string {
  return parts
    .map(([title, lines]) => `\n${title}:\n${lines.map((line) => `  ${line}`).join('\n')}`)
    .join('\n');
}
