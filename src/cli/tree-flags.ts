/** The options of `chunk` that are about folders: what is left out of them, from flags, files and the configuration. */
import { readFileSync } from 'node:fs';
import { reasonOf, usageError } from '../errors.js';
import type { FilterOptions } from '../ops/tree/tree-filter.js';
import type { Context } from './context.js';

export interface TreeFilterFlags {
  readonly exclude?: readonly string[];
  readonly excludeFile?: readonly string[];
  readonly oneFileSystem?: boolean;
  readonly includeCaches?: boolean;
}

/** The configuration's patterns first: what is said later decides. @throws E_USAGE for a file that cannot be read */
export function treeFilterOf({ config }: Context, flags: TreeFilterFlags): FilterOptions {
  return {
    exclude: [...config.exclude, ...(flags.excludeFile ?? []).flatMap(linesOf), ...(flags.exclude ?? [])],
    oneFileSystem: flags.oneFileSystem,
    includeCaches: flags.includeCaches,
  };
}

function linesOf(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8').split(/\r?\n/);
  } catch (error) {
    throw usageError(`--exclude-file: cannot read ${JSON.stringify(file)}: ${reasonOf(error)}`);
  }
}
