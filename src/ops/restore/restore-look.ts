/** How a target folder is looked at without changing it and without following a link. */
import fs from 'node:fs';
import path from 'node:path';
import type { Entry } from '../../core/entry.js';
import { entryPathBytes } from '../../core/tree-order.js';
import { throwIfAborted } from '../../errors.js';
import { SafeFolder } from '../../store/safe-folder.js';
import { innerBytes } from '../read/inner-path.js';
import type { SelectedEntry } from '../read/tree-selection.js';
import { selectEntries } from '../read/tree-selection.js';
import type { TreeSource } from '../read/tree-source.js';
import type { RestoreFolders } from './restore-folders.js';
import { nameOf } from './restore-folders.js';
import { targetExists } from './restore-target.js';
import type { RestoreOptions } from './restore-tree.js';

/** A path as it is shown. */
export const shown = (at: Buffer): string => (at.length === 0 ? '.' : at.toString('utf8'));

export function targetPath(
  { manifest }: TreeSource,
  { folder = process.cwd(), path: asked }: RestoreOptions,
): string {
  return path.resolve(asked ?? path.join(folder, manifest.name));
}

export function targetRoot(source: TreeSource, options: RestoreOptions): SafeFolder | 'absent' {
  const target = targetPath(source, options);
  const stat = fs.statSync(target, { throwIfNoEntry: false });
  if (stat === undefined) return 'absent';
  if (!stat.isDirectory()) throw targetExists(target, 'and is no folder');
  return SafeFolder.open(target);
}

export async function* selectedFrom(
  source: TreeSource,
  { inner, include, signal }: RestoreOptions,
): AsyncGenerator<SelectedEntry> {
  for await (const selected of selectEntries(source, { inner: innerBytes(inner), include })) {
    throwIfAborted(signal);
    yield selected;
  }
}

export function lookAt(folder: SafeFolder, at: Buffer): fs.BigIntStats | undefined {
  return fs.lstatSync(folder.at(nameOf(at)), { bigint: true, throwIfNoEntry: false });
}

/** Of the file that a hard link shares, if it is there. */
export function linkedStat(
  folders: RestoreFolders,
  { target }: Entry,
  at: Buffer,
): fs.BigIntStats | undefined {
  const bytes = entryPathBytes(target ?? '');
  try {
    return lookAt(folders.find(bytes, at), bytes);
  } catch {
    return undefined;
  }
}
