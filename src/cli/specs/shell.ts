/** The subcommands about the command itself. Data only. */
import type { CommandSpec } from '../command-spec.js';

const CONFIG: CommandSpec = {
  name: 'config',
  summary: 'print each configuration value and where it came from',
  details: 'A flag wins over the environment, that over the file, that over the default.',
  examples: ['disktro config', 'disktro config --json', 'DISKTRO_REPLICA_COUNT=2 disktro config'],
  exits: ['usage'],
  isListing: true,
  load: () => import('../commands/config.js'),
};

const COMPLETION: CommandSpec = {
  name: 'completion',
  operands: '<shell>',
  operandChoices: ['bash', 'zsh', 'fish'],
  summary: 'print a completion script for bash, zsh or fish',
  examples: [
    'disktro completion bash > ~/.local/share/bash-completion/completions/disktro',
    'disktro completion zsh > ~/.zfunc/_disktro',
    'disktro completion fish > ~/.config/fish/completions/disktro.fish',
  ],
  exits: ['usage'],
  isListing: true,
  load: () => import('../commands/completion.js'),
};

export const SHELL_COMMANDS: readonly CommandSpec[] = [CONFIG, COMPLETION];
