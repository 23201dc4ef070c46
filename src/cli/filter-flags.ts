/** The flags that choose among stored files, as a filter. */
import { resolve } from 'node:path';
import type { FileFilter } from '../ops/files/file-filter.js';
import type { Context } from './context.js';

export interface FilterFlags {
  readonly tag?: readonly (readonly string[])[];
  readonly host?: readonly string[];
  readonly path?: readonly string[];
}

/** Relative paths count from the working folder. */
export function filterOf({ cwd }: Context, { tag = [], host = [], path = [] }: FilterFlags): FileFilter {
  return { tags: tag, hosts: host, paths: path.map((each) => resolve(cwd, each)) };
}
