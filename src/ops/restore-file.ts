/**
 * One file of a restored tree after another: written under a temporary name in its folder, given its attributes, then its
 * name. Also says whether what is there under that name already may stay. Synchronous, which for small files is the
 * larger part of the speed.
 */
import fs from 'node:fs';
import type { Entry } from '../core/entry.js';
import type { PathLike } from '../store/path-bytes.js';
import type { SafeFolder } from '../store/safe-folder.js';
import { canSyncFileSystem } from '../store/special-files.js';
import { dataRuns } from './output-file.js';
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
export function looksSame(entry: Entry, stat: fs.BigIntStats): boolean {
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

export class FileWriter {
  readonly #attributes: Attributes;
  readonly #prefix: string;
  #count = 0;
  #open: { readonly job: FileJob; readonly descriptor: number; readonly temporary: string } | undefined;
  #hasHole = false;

  /** @param prefix of temporary names */
  constructor(attributes: Attributes, prefix: string) {
    this.#attributes = attributes;
    this.#prefix = prefix;
  }

  /** A name that nothing has. */
  temporaryName(): string {
    return `${this.#prefix}${(this.#count++).toString(36)}`;
  }

  /** @throws the system's error; the file is then to be discarded */
  write(job: FileJob, bytes: Uint8Array, position: number): void {
    const descriptor = this.#begin(job);
    for (const [from, to] of dataRuns(bytes)) {
      for (let at = from; at < to; ) at += fs.writeSync(descriptor, bytes, at, to - at, position + at);
    }
    this.#hasHole ||= endsWithHole(bytes);
  }

  /** Gives the file its attributes and its name. @throws the system's error; the file is then to be discarded */
  finish(job: FileJob): void {
    const descriptor = this.#begin(job);
    const { entry, folder, name } = job;
    // A hole at the end is length that nothing has written.
    if (this.#hasHole) fs.ftruncateSync(descriptor, entry.sizeBytes);
    const temporary = this.#open?.temporary ?? '';
    const path = folder.descriptor() === undefined ? folder.at(temporary) : `/proc/self/fd/${descriptor}`;
    this.#attributes.set({ descriptor, path }, entry);
    if (!canSyncFileSystem) fs.fsyncSync(descriptor);
    this.#open = undefined;
    this.#hasHole = false;
    try {
      fs.closeSync(descriptor);
      fs.renameSync(folder.at(temporary), folder.at(name));
    } catch (error) {
      removeQuietly(folder, temporary);
      throw error;
    }
  }

  /** Leaves nothing of the file that is being written. Never throws. */
  discard(): void {
    if (this.#open === undefined) return;
    const { descriptor, temporary, job } = this.#open;
    this.#open = undefined;
    this.#hasHole = false;
    fs.closeSync(descriptor);
    removeQuietly(job.folder, temporary);
  }

  #begin(job: FileJob): number {
    if (this.#open !== undefined) return this.#open.descriptor;
    const temporary = this.temporaryName();
    const descriptor = fs.openSync(job.folder.at(temporary), 'wx', 0o600);
    this.#open = { job, descriptor, temporary };
    return descriptor;
  }
}

/** Only then can a file end in one: what lies before data is in its length anyway. */
function endsWithHole(bytes: Uint8Array): boolean {
  return bytes.byteLength > 0 && bytes[bytes.byteLength - 1] === 0;
}

export function removeQuietly(folder: SafeFolder, name: PathLike): void {
  try {
    fs.unlinkSync(folder.at(name));
  } catch {
    // Then a later run removes it.
  }
}
