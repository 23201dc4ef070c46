/** Every subcommand, in the order help lists them. */
import type { CommandSpec } from './command-spec.js';
import { FILE_COMMANDS } from './specs/files.js';
import { PEER_COMMANDS } from './specs/peers.js';
import { DRILL, FORGET } from './specs/retention.js';
import { SHELL_COMMANDS } from './specs/shell.js';
import { UPKEEP_COMMANDS } from './specs/upkeep.js';
import { VAULT_COMMANDS } from './specs/vault.js';

export const COMMANDS: readonly CommandSpec[] = [
  ...FILE_COMMANDS,
  FORGET,
  ...UPKEEP_COMMANDS,
  DRILL,
  ...PEER_COMMANDS,
  ...VAULT_COMMANDS,
  ...SHELL_COMMANDS,
];
