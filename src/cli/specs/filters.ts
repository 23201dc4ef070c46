/** The options that choose among stored files. Data only. */
import type { OptionSpec } from '../command-spec.js';
import { nonEmpty, parseTagList } from '../option-values.js';

export const FILTERS: readonly OptionSpec[] = [
  {
    flags: '--tag <tags>',
    help: 'only what has this tag, or all of several parted by commas; repeated: one of them has to fit',
    parse: parseTagList,
    isRepeatable: true,
  },
  {
    flags: '--host <host>',
    help: 'only what was stored on this machine; may be repeated',
    parse: nonEmpty,
    isRepeatable: true,
  },
  {
    flags: '--path <path>',
    help: 'only what lay at this path; may be repeated',
    parse: nonEmpty,
    isRepeatable: true,
    isPath: true,
  },
];
