/**
 * One file of a restored tree after another: written under a temporary name in its folder, given its attributes, then its
 * name. Also says whether what is there under that name already may stay. Synchronous, which for small files is the
 * larger part of the speed.
 */
import fs from 'node:fs';
import type { Entry } from '../../core/entry.js';
import type { PathLike } from '../../store/path-bytes.js';
import type { SafeFolder } from '../../store/safe-folder.js';
import { canSyncFileSystem } from '../../store/special-files.js';
import { dataRuns } from '../read/output-file.js';
import type { Attributes } from './restore-attributes.js';
import { microseconds } from './restore-attributes.js';
import type { Overwrite } from './restore-mark.js';

export interface FileJob {
  readonly entry: Entry;
  readonly path: Buffer;
  readonly folder: SafeFolder;
  readonly name: PathLike;
}

/** `write` with what to do first; `keep` as it is; `same` content, attributes may differ. */
export type Verdict = 'write' | 'keep' | 'same';

const { O_PATH, O_NOFOLLOW = 0, O_RDONLY } = { O_PATH: 0o10000000, ...fs.constants };

/** What is under a name, without following it; undefined when nothing is. */
export function statOf(folder: SafeFolder, name: PathLike): fs.BigIntStats | undefined {
  if (folder.isFresh) return undefined;
  return fs.lstatSync(folder.at(name), { bigint: true, throwIfNoEntry: false });
}

/** Whether a file has the size and time of its entry, and so, as backup goes, its content. */
function looksSame(entry: Entry, stat: fs.BigIntStats): boolean {
  if (!stat.isFile() || Number(stat.size) !== entry.sizeBytes) return false;
  return microseconds(stat.mtimeNs) === microseconds(entry.mtimeNs);
}

/** @param isDoubtful what looks the same may have been cut short by a crash of the machine: it is written again */
export function verdictOn(
  entry: Entry,
  stat: fs.BigIntStats | undefined,
  overwrite: Overwrite,
  isDoubtful: boolean,
): Verdict {
  if (stat === undefined || overwrite === 'always') return 'write';
  if (looksSame(entry, stat)) return isDoubtful ? 'write' : overwrite === 'never' ? 'keep' : 'same';
  return overwrite === 'never' ? 'keep' : 'write';
}

/**
 * Something that is there, opened by name without following a link and without reading it: what is then done to it is
 * done to nothing else. @returns undefined where the system cannot do that
 */
export function holdByName<T>(
  folder: SafeFolder,
  name: PathLike,
  use: (path: string, stat: fs.BigIntStats) => T,
): T | undefined {
  if (folder.descriptor() === undefined) return undefined;
  const descriptor = fs.openSync(folder.at(name), O_PATH | O_NOFOLLOW | O_RDONLY);
  try {
    return use(`/proc/self/fd/${descriptor}`, fs.fstatSync(descriptor, { bigint: true }));
  } finally {
    fs.closeSync(descriptor);
  }
}

interface OpenFile {
  readonly job: FileJob;
  readonly descriptor: number;
  /** Its own name at once, or a temporary one. */
  readonly name: PathLike;
}

export class FileWriter {
  readonly #attributes: Attributes;
  readonly #prefix: string;
  readonly #givesNamesAtOnce: boolean;
  #count = 0;
  #open: OpenFile | undefined;
  /** Where what was written so far ends in the file. */
  #end = 0;

  /**
   * @param prefix of temporary names
   * @param givesNamesAtOnce in folders of this run's own making files get their names before their bytes, which spares a
   *   rename: their time comes last, so one that was cut short does not look the same to the next run
   */
  constructor(attributes: Attributes, prefix: string, givesNamesAtOnce: boolean) {
    this.#attributes = attributes;
    this.#prefix = prefix;
    this.#givesNamesAtOnce = givesNamesAtOnce;
  }

  /** A name that nothing has. */
  temporaryName(): string {
    return `${this.#prefix}${(this.#count++).toString(36)}`;
  }

  /** @throws the system's error; the file is then to be discarded */
  write(job: FileJob, bytes: Uint8Array, position: number): void {
    const { descriptor } = this.#begin(job);
    for (const [from, to] of dataRuns(bytes)) {
      for (let at = from; at < to; ) at += fs.writeSync(descriptor, bytes, at, to - at, position + at);
      this.#end = position + to;
    }
  }

  /** Gives the file its attributes and its name. @throws the system's error; the file is then to be discarded */
  finish(job: FileJob): void {
    const { descriptor, name } = this.#begin(job);
    const { entry, folder } = job;
    // A hole at the end is length that nothing has written.
    if (this.#end < entry.sizeBytes) fs.ftruncateSync(descriptor, entry.sizeBytes);
    const path = folder.descriptor() === undefined ? folder.at(name) : `/proc/self/fd/${descriptor}`;
    this.#attributes.set({ descriptor, path }, entry, fs.fstatSync(descriptor));
    if (!canSyncFileSystem) fs.fsyncSync(descriptor);
    this.#open = undefined;
    try {
      fs.closeSync(descriptor);
      if (name !== job.name) fs.renameSync(folder.at(name), folder.at(job.name));
    } catch (error) {
      removeQuietly(folder, name);
      throw error;
    }
  }

  /** Leaves nothing of the file that is being written. Never throws. */
  discard(): void {
    if (this.#open === undefined) return;
    const { descriptor, name, job } = this.#open;
    this.#open = undefined;
    fs.closeSync(descriptor);
    removeQuietly(job.folder, name);
  }

  #begin(job: FileJob): OpenFile {
    if (this.#open !== undefined) return this.#open;
    const { folder, entry } = job;
    const isNamed = this.#givesNamesAtOnce && folder.isFresh;
    const name = isNamed ? job.name : this.temporaryName();
    // Nobody else can enter a folder that is being filled: there a file may be readable before it has its owner.
    const mode = isNamed ? this.#attributes.modeOf(entry) & 0o777 : 0o600;
    this.#open = { job, descriptor: fs.openSync(folder.at(name), 'wx', mode), name };
    this.#end = 0;
    return this.#open;
  }
}

export function removeQuietly(folder: SafeFolder, name: PathLike): void {
  try {
    fs.unlinkSync(folder.at(name));
  } catch {
    // Then a later run removes it.
  }
}
