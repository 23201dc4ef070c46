/** What a restore would write, entry by entry. Writes nothing. */
import type fs from 'node:fs';
import type { EntryType } from '../../core/entry.js';
import type { FileId } from '../../core/ids.js';
import { SafeFolder } from '../../store/safe-folder.js';
import type { Vault } from '../home/vault.js';
import { opened } from '../home/vault.js';
import type { SelectedEntry } from '../read/tree-selection.js';
import { openTree } from '../read/tree-source.js';
import { verdictOn } from './restore-file.js';
import { nameOf, RestoreFolders } from './restore-folders.js';
import { isSame } from './restore-links.js';
import { linkedStat, lookAt, selectedFrom, shown, targetPath, targetRoot } from './restore-look.js';
import type { Overwrite } from './restore-mark.js';
import { readMark } from './restore-mark.js';
import { targetExists } from './restore-target.js';
import type { RestoreOptions } from './restore-tree.js';

export interface PlannedEntry {
  readonly path: string;
  readonly type: EntryType;
  readonly size: number;
  readonly action: 'write' | 'skip';
}

/** What restoring would do, entry by entry, folders that are there left out. @throws as {@link restoreTree} */
export async function* planRestore(
  vault: Vault,
  id: FileId,
  options: RestoreOptions = {},
): AsyncGenerator<PlannedEntry> {
  const source = await openTree(opened(vault), id, options);
  try {
    const root = targetRoot(source, options);
    const mark = root === 'absent' ? undefined : readMark(root, id);
    const overwrite = options.overwrite ?? mark?.overwrite ?? 'if-changed';
    if (
      root !== 'absent' &&
      options.overwrite === undefined &&
      mark === undefined &&
      root.names().length > 0
    ) {
      throw targetExists(targetPath(source, options));
    }
    const folders = new RestoreFolders(root, { overwrite, isDry: true, onFailed: () => {} });
    for await (const selected of selectedFrom(source, options)) {
      const { entry, path: at } = selected;
      const facts = { path: shown(at), type: entry.type, size: entry.sizeBytes };
      if (entry.type === 'directory') {
        const isMade = selected.isWanted && !(folders.enter(selected).folder instanceof SafeFolder);
        if (isMade) yield { ...facts, action: 'write' };
        else if (!selected.isWanted) folders.enter(selected);
        continue;
      }
      const folder = folders.folderOf(at);
      const stat = folder instanceof SafeFolder ? lookAt(folder, at) : undefined;
      const isKept =
        folder === 'skipped' || (stat !== undefined && isLeft(selected, stat, overwrite, folders));
      const isLeftOut = (entry.type === 'block' || entry.type === 'character') && options.devices !== true;
      yield { ...facts, action: isKept || isLeftOut ? 'skip' : 'write' };
    }
    if (root !== 'absent') root.close();
  } finally {
    source.close();
  }
}

/** Whether a restore would leave what is there. */
function isLeft(
  { entry, path: at }: SelectedEntry,
  stat: fs.BigIntStats,
  overwrite: Overwrite,
  folders: RestoreFolders,
): boolean {
  if (entry.type === 'file' || overwrite === 'never')
    return verdictOn(entry, stat, overwrite, false) !== 'write';
  const folder = folders.folderOf(at);
  const linked = entry.type === 'hardlink' ? linkedStat(folders, entry, at) : undefined;
  return folder instanceof SafeFolder && isSame(entry, stat, folder, nameOf(at), linked);
}
