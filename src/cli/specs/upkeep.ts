/** The subcommands that keep a home in order. Data only. */
import type { CommandSpec } from '../command-spec.js';
import { nonEmpty, parseSeconds } from '../option-values.js';
import { READING } from './exits.js';

const GC: CommandSpec = {
  name: 'gc',
  summary: 'free the space of objects that no file needs any more',
  details:
    'Safe beside a running chunk: it never takes what that one needs. With peers and the password it first finds out ' +
    'what other machines of the vault have stored, and tells the peers what to delete; without the password it frees ' +
    'here only. A file that a killed process left in the store is entered in the catalog first, which takes the password.',
  options: [
    {
      flags: '--grace <seconds>',
      help: 'how long an object must have been without use; 0 frees at once (default: delete_grace)',
      parse: parseSeconds,
    },
    { flags: '--dry-run', help: 'only say what would be freed here' },
    { flags: '--force', help: 'tell peers although a node is out of reach that may know of other files' },
  ],
  examples: ['disktro gc', 'disktro gc --grace 0', 'disktro gc --dry-run --json'],
  exits: ['usage', 'noVault', 'locked', 'wrongPassword', 'corrupt', 'unreachable', 'refused'],
  load: () => import('../commands/gc.js'),
};

const VERIFY: CommandSpec = {
  name: 'verify',
  operands: '[id...]',
  summary: 'check that everything is here and undamaged',
  details:
    'Hashes every object again. Needs no password, unless files are named or --read-data is given. ' +
    'What is found is told on stderr as it is found.',
  options: [
    { flags: '--read-data', help: 'also decrypt and decompress every object' },
    { flags: '--repair', help: 'put damaged objects aside, so that the next chunk stores them again' },
  ],
  examples: ['disktro verify', 'disktro verify latest', 'disktro verify --read-data --json'],
  exits: READING,
  load: () => import('../commands/verify.js'),
};

const REPAIR: CommandSpec = {
  name: 'repair',
  summary: 'compare with every peer, and send and fetch what is lacking',
  details:
    'One round of what `serve` does by itself. Needs no password; with it, files that other machines of the vault have ' +
    'stored are found too.',
  examples: ['disktro repair', 'disktro repair --json'],
  exits: [
    'usage',
    'inputs',
    'notFound',
    'noVault',
    'locked',
    'wrongPassword',
    'corrupt',
    'unreachable',
    'refused',
    'noSpace',
  ],
  load: () => import('../commands/repair.js'),
};

const REBUILD: CommandSpec = {
  name: 'rebuild',
  summary: 'make the catalog again from the store',
  details: 'For a catalog that is lost or damaged. Reads the store only; no stored file is changed.',
  examples: ['disktro rebuild', 'rm ~/.disktro/catalog.db*; disktro rebuild; disktro ls'],
  exits: ['usage', 'noVault', 'locked', 'wrongPassword', 'corrupt', 'unreachable', 'refused', 'noSpace'],
  load: () => import('../commands/rebuild.js'),
};

const STATUS: CommandSpec = {
  name: 'status',
  summary: 'show home, vault, objects, copies and peers',
  details: 'Needs no password.',
  examples: ['disktro status', 'disktro status --json'],
  exits: ['usage', 'noVault', 'locked', 'corrupt'],
  isListing: true,
  load: () => import('../commands/status.js'),
};

const WHATIF: CommandSpec = {
  name: 'whatif',
  summary: 'show which files the loss of nodes would cost',
  details:
    'NODE is a node id, a unique prefix of 6 or more of its letters, a name, or `self` for this machine; several are ' +
    'parted by commas. Prints `lost` or `degraded` and the id of each file, and nothing of those that are safe. Asks the ' +
    'nodes that are left what they have; one that is out of reach counts as it was last known, and that is said. ' +
    'Needs no password.',
  options: [
    {
      flags: '--lose <nodes>',
      help: 'nodes that are taken for gone; may be repeated',
      parse: nonEmpty,
      isRepeatable: true,
    },
  ],
  examples: ['disktro whatif --lose nas', 'disktro whatif --lose self,nas --json'],
  exits: ['usage', 'notFound', 'noVault', 'locked', 'corrupt'],
  isListing: true,
  load: () => import('../commands/whatif.js'),
};

const AUDIT: CommandSpec = {
  name: 'audit',
  summary: 'let other nodes prove that they hold what they should',
  details:
    'Random ranges of random objects, each with a number that was never used before, so that no answer can be kept. ' +
    'Says how much was covered, and how sure it is that less than 1 % is lost: 459 proofs show that at 99 %. A node that ' +
    'is out of reach is told and is no failure. What fails is told to be repaired. Needs no password.',
  options: [
    {
      flags: '--budget <seconds>',
      help: 'how long it may take (default: 60s)',
      parse: parseSeconds,
    },
  ],
  examples: ['disktro audit', 'disktro audit --budget 10m --json'],
  exits: ['usage', 'notFound', 'noVault', 'locked', 'corrupt', 'missing'],
  load: () => import('../commands/audit.js'),
};

export const UPKEEP_COMMANDS: readonly CommandSpec[] = [GC, VERIFY, REPAIR, REBUILD, STATUS, WHATIF, AUDIT];
