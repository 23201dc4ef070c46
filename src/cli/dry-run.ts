/** `disktro chunk --dry-run`: a line for each path that would be stored. Opens no vault and asks for no password. */
import type { FailedPath } from '../ops/chunk/chunk.js';
import { type ListedPath, listFile, listTree } from '../ops/tree/list-tree.js';
import type { FilterOptions } from '../ops/tree/tree-filter.js';
import type { Context } from './context.js';
import { escapeControls } from './escape.js';
import { isFolder } from './folder-input.js';
import { count, formatBytes } from './units.js';

/** @returns how many paths could not be read. @throws E_INPUT, E_USAGE, E_ABORTED, E_OUTPUT */
export async function dryRun(
  context: Context,
  path: string | Buffer,
  filter: FilterOptions,
): Promise<number> {
  const { output, config, signal } = context;
  const failed: FailedPath[] = [];
  const total = { paths: 0, bytes: 0 };
  const show = (listed: ListedPath): void => {
    total.paths++;
    total.bytes += listed.size;
    if (output.isJson) output.record(listed);
    else output.result(lineOf(listed));
  };
  if (isFolder(path)) {
    const listing = listTree(path, {
      ...filter,
      home: config.home,
      signal,
      onNotice: (message) => output.warning(message),
      onFailed: (failure) => failed.push(failure),
    });
    for await (const listed of listing) show(listed);
  } else show(listFile(path));
  for (const { path: at, reason } of failed) output.warning(`${at}: ${reason}; would not be stored`);
  output.note(`${count(total.paths, 'path')}, ${formatBytes(total.bytes)}; nothing was stored`);
  return failed.length;
}

/** `docs/a.txt<tab>1234`; a folder ends with `/`, and what is no file has no size. */
function lineOf({ path, type, size }: ListedPath): string {
  return `${escapeControls(path)}${type === 'directory' ? '/' : ''}\t${type === 'file' ? size : '-'}`;
}
