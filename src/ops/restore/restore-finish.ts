/** The second pass of a restore: links, fifos and devices, then each folder's own attributes, the deepest first. */
import { SafeFolder } from '../../store/safe-folder.js';
import type { SelectedEntry } from '../read/tree-selection.js';
import { selectedOf } from './restore-contents.js';
import { outputProblem } from './restore-failures.js';
import type { TargetFolder } from './restore-folders.js';
import { RestoreFolders } from './restore-folders.js';
import type { LinkMaker } from './restore-links.js';
import { makeLink } from './restore-links.js';
import type { RestoreRun } from './restore-run.js';

/** @returns what gives the root its attributes, to be called last */
export async function finishTree(run: RestoreRun): Promise<() => void> {
  const { target, attributes, options, writer } = run;
  const finish = ({ folder, entry }: TargetFolder): void => {
    if (!(folder instanceof SafeFolder)) return;
    attributes.set({ descriptor: folder.descriptor(), path: folder.path() }, entry);
  };
  let root: TargetFolder | undefined;
  const folders = new RestoreFolders(target.root, {
    overwrite: target.mark.overwrite,
    isDry: false,
    isAgain: true,
    // The pass before has told of those that cannot be had.
    onFailed: () => {},
    onLeave: (left) => {
      if (left.above === undefined) root = left;
      else finish(left);
    },
  });
  const maker: LinkMaker = {
    folders,
    attributes,
    overwrite: target.mark.overwrite,
    makesDevices: options.devices === true,
    temporaryName: () => writer.temporaryName(),
  };
  for await (const selected of selectedOf(run)) {
    const { entry, path } = selected;
    if (entry.type === 'directory') folders.enter(selected);
    else if (entry.type !== 'file') await makeOne(run, maker, selected);
    // Of a part, folders are opened for what is in them, so that those get their attributes too.
    else if (options.include !== undefined) folders.folderOf(path);
  }
  folders.leaveAll();
  // Who asks for a few files only does not mean the folder that they were put into.
  const isRootMeant = options.include === undefined || target.root.isFresh;
  return () => {
    if (root !== undefined && isRootMeant) finish(root);
  };
}

async function makeOne(run: RestoreRun, maker: LinkMaker, { entry, path }: SelectedEntry): Promise<void> {
  const { total, failures, options } = run;
  const folder = maker.folders.folderOf(path);
  if (!(folder instanceof SafeFolder)) {
    if (folder === 'failed') failures.addSilently();
    else total.skipped++;
    return;
  }
  try {
    const outcome = await makeLink(maker, entry, path, folder);
    if (outcome === 'made') total.files++;
    else total.skipped++;
    if (outcome === 'left out')
      options.onNotice?.(`left out the device ${path.toString('utf8')}: --devices makes it`);
  } catch (error) {
    failures.add(path, outputProblem(error));
  }
}
