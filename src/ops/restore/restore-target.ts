/**
 * The folder that a tree is restored to: made, or taken as it is where that is allowed, and marked as unfinished until all
 * of the tree is durable in it.
 */
import fs from 'node:fs';
import path from 'node:path';
import type { FileId } from '../../core/ids.js';
import { DisktroError } from '../../errors.js';
import { SafeFolder } from '../../store/safe-folder.js';
import { canSyncFileSystem, syncFileSystem } from '../../store/special-files.js';
import { outputProblem } from './restore-failures.js';
import type { Overwrite, RestoreMark } from './restore-mark.js';
import { isStrayMark, newMark, readMark, writeMark } from './restore-mark.js';

export interface RestoreTarget {
  readonly path: string;
  readonly root: SafeFolder;
  readonly mark: RestoreMark;
  /** An earlier run did not come to its end. */
  readonly isResumed: boolean;
}

export interface TargetRules {
  readonly overwrite?: Overwrite | undefined;
  readonly inner?: string | undefined;
}

/**
 * Opens the target and marks it. The caller closes `root`.
 * @param target absolute
 * @throws E_OUTPUT_EXISTS, E_OUTPUT, E_NO_SPACE
 */
export function openTarget(target: string, id: FileId, rules: TargetRules): RestoreTarget {
  let root: SafeFolder | undefined;
  try {
    const isFresh = makeFolder(target);
    root = SafeFolder.open(target, isFresh);
    const inner = rules.inner ?? '';
    const earlier = isFresh ? undefined : readMark(root, id);
    if (earlier !== undefined && earlier.inner === inner) {
      if (rules.overwrite === 'never' && earlier.overwrite !== 'never')
        throw unfinishedOtherwise(target, earlier.overwrite);
      const mark = { ...earlier, overwrite: rules.overwrite ?? earlier.overwrite };
      return { path: target, root, mark, isResumed: true };
    }
    const others = isFresh ? [] : namesBesideStrayMarks(root);
    if (rules.overwrite === undefined && others.length > 0) throw targetExists(target);
    const mark = newMark(id, inner, rules.overwrite ?? 'if-changed');
    writeMark(root, id, mark);
    return { path: target, root, mark, isResumed: false };
  } catch (error) {
    root?.close();
    throw outputFailure(error, target);
  }
}

/** Removes marks that had no name yet when a run was killed: nothing else had been written then. */
function namesBesideStrayMarks(root: SafeFolder): readonly string[] {
  const names = root.names().map((name) => name.toString('latin1'));
  const strays = names.filter((name) => isStrayMark(name));
  for (const name of strays) fs.unlinkSync(root.at(name));
  return names.filter((name) => !strays.includes(name));
}

/** @returns whether there was none */
function makeFolder(target: string): boolean {
  const stat = fs.statSync(target, { throwIfNoEntry: false });
  if (stat === undefined) {
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.mkdirSync(target, { mode: 0o700 });
    return true;
  }
  if (!stat.isDirectory()) throw targetExists(target, 'and is no folder');
  return false;
}

export function targetExists(target: string, what = 'and is not empty'): DisktroError {
  return new DisktroError('E_OUTPUT_EXISTS', `${target} is there already ${what}`, {
    hint:
      what === 'and is not empty'
        ? 'name another folder with -o, or say with --overwrite what becomes of files that are there'
        : 'name another folder with -o',
    details: { path: target },
  });
}

/** A file of it may be cut short under its own name, and would be taken for one that is to stay. */
function unfinishedOtherwise(target: string, rule: Overwrite): DisktroError {
  return new DisktroError(
    'E_OUTPUT_EXISTS',
    `${target} holds a restore that was begun with --overwrite ${rule}`,
    {
      hint: `finish it in the same way first: --overwrite ${rule}`,
      details: { path: target },
    },
  );
}

function outputFailure(error: unknown, target: string): DisktroError {
  if (error instanceof DisktroError) return error;
  const { code, message, hint, details } = outputProblem(error);
  return new DisktroError(code, `${target}: ${message}`, {
    ...(hint === undefined ? {} : { hint }),
    ...(details === undefined ? {} : { details }),
    cause: error,
  });
}

/**
 * Makes all that was written durable. Where a whole file system cannot be synced, each file was when it was written.
 * @param others folders on other file systems
 * @throws E_OUTPUT
 */
export async function makeDurable(root: SafeFolder, others: readonly SafeFolder[]): Promise<void> {
  if (!canSyncFileSystem) return;
  for (const folder of [root, ...others]) {
    const descriptor = folder.descriptor();
    if (descriptor === undefined) continue;
    await syncFileSystem(descriptor).catch((error: unknown) => {
      throw new DisktroError('E_OUTPUT', `cannot make what was written durable: ${String(error)}`, {
        hint: 'the program `sync` of coreutils is needed for that',
        cause: error,
      });
    });
  }
}
