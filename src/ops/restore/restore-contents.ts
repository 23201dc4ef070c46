/** The first pass of a restore: folders, and the files in them that are to be written. */
import fs from 'node:fs';
import type { DisktroError } from '../../errors.js';
import { integrityError, throwIfAborted } from '../../errors.js';
import { SafeFolder } from '../../store/safe-folder.js';
import type { ChunkWindow } from '../read/chunk-window.js';
import type { ContentJob, ContentSink } from '../read/content-steps.js';
import { readContents } from '../read/content-steps.js';
import { innerBytes } from '../read/inner-path.js';
import type { SelectedEntry } from '../read/tree-selection.js';
import { selectEntries } from '../read/tree-selection.js';
import type { Attributes } from './restore-attributes.js';
import { outputProblem } from './restore-failures.js';
import type { FileJob } from './restore-file.js';
import { holdByName, statOf, verdictOn } from './restore-file.js';
import { nameOf, RestoreFolders } from './restore-folders.js';
import { isOfThisBoot, markName, temporaryPrefix } from './restore-mark.js';
import type { RestoreRun } from './restore-run.js';

/** @param ahead chunks that are read ahead: less than the window has room for */
export async function writeContents(run: RestoreRun, window: ChunkWindow, ahead: number): Promise<void> {
  const { source, options, writer } = run;
  try {
    await readContents(
      jobsOf(run, foldersOf(run)),
      source.chunks,
      window,
      ahead,
      sinkOf(run, window),
      options.signal,
    );
  } finally {
    writer.discard();
  }
}

function foldersOf({ target, failures, otherSystems }: RestoreRun): RestoreFolders {
  const { root, mark, isResumed } = target;
  return new RestoreFolders(root, {
    overwrite: mark.overwrite,
    isDry: false,
    leftovers: isResumed ? temporaryPrefix(mark) : undefined,
    onFailed: (at, error) => failures.add(at, outputProblem(error)),
    onOtherSystem: (device, folder) => otherSystems.set(device, folder),
  });
}

/** All entries that are meant, in order; again each time it is called. */
export async function* selectedOf({ source, options, target }: RestoreRun): AsyncGenerator<SelectedEntry> {
  const { include, inner, signal } = options;
  const mark = Buffer.from(markName(source.id));
  for await (const selected of selectEntries(source, { inner: innerBytes(inner), include })) {
    throwIfAborted(signal);
    if (selected.path.equals(mark)) {
      throw integrityError('E_MANIFEST_PATH', `an entry has the name of the mark of ${target.path}`);
    }
    yield selected;
  }
}

async function* jobsOf(run: RestoreRun, folders: RestoreFolders): AsyncGenerator<ContentJob<FileJob>> {
  for await (const selected of selectedOf(run)) {
    if (selected.entry.type === 'directory') folders.enter(selected);
    if (selected.entry.type !== 'file') continue;
    const job = jobOf(run, folders, selected);
    if (job !== undefined) yield { job, entry: job.entry };
  }
}

/** undefined when there is nothing to write: it is there already, or its folder cannot be. */
function jobOf(run: RestoreRun, folders: RestoreFolders, selected: SelectedEntry): FileJob | undefined {
  const { entry, path } = selected;
  const { target, failures, total } = run;
  const folder = folders.folderOf(path);
  if (!(folder instanceof SafeFolder)) {
    if (folder === 'failed') failures.addSilently();
    else total.skipped++;
    return undefined;
  }
  const job = { entry, path, folder, name: nameOf(path) };
  try {
    const stat = statOf(folder, job.name);
    const isDoubtful = target.isResumed && !isOfThisBoot(target.mark);
    const verdict = verdictOn(entry, stat, target.mark.overwrite, isDoubtful);
    const isDone = verdict === 'same' && stat !== undefined && adjust(job, stat, run.attributes);
    if (verdict === 'keep' || isDone) {
      total.skipped++;
      return undefined;
    }
    if (stat?.isDirectory() === true) fs.rmdirSync(folder.at(job.name));
    return job;
  } catch (error) {
    failures.add(path, outputProblem(error));
    return undefined;
  }
}

/**
 * Gives a file that has the right content already its attributes.
 * @returns false when it has to be written anew: another name of it may be somebody else's file
 */
function adjust({ entry, folder, name }: FileJob, seen: fs.BigIntStats, attributes: Attributes): boolean {
  const isRight = attributes.areSet(entry, seen);
  if (isRight && entry.xattrs === undefined) return true;
  if (seen.nlink > 1n) return isRight;
  const isDone = holdByName(folder, name, (path, stat) => {
    if (stat.ino !== seen.ino || stat.dev !== seen.dev || stat.nlink !== 1n) return false;
    attributes.set({ path }, entry);
    return true;
  });
  return isDone ?? false;
}

function sinkOf(run: RestoreRun, window: ChunkWindow): ContentSink<FileJob> {
  const { failures, writer, total, options, source } = run;
  const progress = { bytes: 0, totalBytes: source.manifest.bytes };
  /** One file's failure is its own. */
  const attempt = (job: FileJob, work: () => void): void => {
    if (failures.has(job)) return;
    try {
      work();
    } catch (error) {
      writer.discard();
      const problem: DisktroError = outputProblem(error);
      failures.addJob(job, problem);
    }
  };
  return {
    data(job, bytes, position) {
      attempt(job, () => writer.write(job, bytes, position));
      progress.bytes += bytes.byteLength;
      options.onProgress?.({ ...progress, chunks: window.reads });
    },
    end(job) {
      attempt(job, () => {
        writer.finish(job);
        total.files++;
        total.bytes += job.entry.sizeBytes;
      });
    },
    failed(job, error) {
      writer.discard();
      failures.addJob(job, error);
    },
  };
}
