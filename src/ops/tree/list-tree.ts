/** What would be stored of a folder, without storing it or opening a vault. */

import fs from 'node:fs';
import { promisify } from 'node:util';
import type { EntryType } from '../../core/entry.js';
import { TREE_ROOT } from '../../core/entry.js';
import { reasonOf, throwIfAborted } from '../../errors.js';
import type { FailedPath } from '../chunk/chunk.js';
import { inputError } from '../chunk/file-source.js';
import { typeOf } from './tree-entries.js';
import type { FilterOptions } from './tree-filter.js';
import { treeFilter } from './tree-filter.js';
import { absoluteFolder, shownPath, walkTree } from './tree-walk.js';

export interface ListOptions extends FilterOptions {
  /** The home that would be stored into. */
  readonly home: string;
  readonly signal?: AbortSignal | undefined;
  readonly onNotice?: ((message: string) => void) | undefined;
  readonly onFailed?: ((failed: FailedPath) => void) | undefined;
}

export interface ListedPath {
  /** Inside the tree; `.` for its folder. */
  readonly path: string;
  readonly type: EntryType;
  readonly size: number;
}

const TURN = 1000;
const turn = promisify(setImmediate);

/** The entries that `chunkTree` would make, in their order. @throws E_INPUT, E_USAGE, E_ABORTED */
export async function* listTree(folder: string | Buffer, options: ListOptions): AsyncGenerator<ListedPath> {
  const root = absoluteFolder(folder);
  const walk = walkTree(root, {
    ...treeFilter(options, options.home, options.onNotice ?? (() => {})),
    onFailure(at, error) {
      if (at === TREE_ROOT) inputError(root.toString())(error);
      options.onFailed?.({ path: shownPath(at), reason: reasonOf(error) });
    },
  });
  let count = 0;
  for (const found of walk) {
    if (++count % TURN === 0) {
      await turn();
      throwIfAborted(options.signal);
    }
    const type = typeOf(found.seen);
    if (type === undefined) continue;
    yield { path: shownPath(found.path), type, size: type === 'file' ? found.seen.size : 0 };
  }
}

/** Of a single file. @throws E_INPUT */
export function listFile(file: string | Buffer): ListedPath {
  try {
    const { size } = fs.statSync(file);
    fs.accessSync(file, fs.constants.R_OK);
    return { path: file.toString(), type: 'file', size };
  } catch (error) {
    return inputError(file.toString())(error);
  }
}
