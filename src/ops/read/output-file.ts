/**
 * Where restored bytes go. A file is written under a temporary name beside its target, made durable, and only then
 * given its name; zero runs stay holes.
 */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Entry } from '../../core/entry.js';
import { DisktroError, isDisktroError, reasonOf } from '../../errors.js';
import type { OpenFile } from '../../store/file-system.js';
import { ignore, nodeFileSystem, openFile } from '../../store/file-system.js';

export interface Output {
  /** null for a descriptor. */
  readonly path: string | null;
  /** Writes that may be under way at once. */
  readonly concurrency: number;
  /** Appends, in the order of the calls; when it resolves `bytes` may be reused. */
  write(bytes: Uint8Array): Promise<void>;
  /** Makes it durable and gives it its name. @throws E_OUTPUT_EXISTS, E_OUTPUT, E_NO_SPACE */
  finish(): Promise<void>;
  /** Leaves nothing behind. Never throws. */
  discard(): Promise<void>;
}

type PathLike = string | Buffer;

/** The path to write: the one asked for, or the entry's own name in `folder`. */
export function outputPath(
  asked: string | undefined,
  folder: string,
  entryPath: string | Uint8Array,
): PathLike {
  if (asked !== undefined) return path.resolve(asked);
  if (typeof entryPath === 'string') return path.join(folder, path.basename(entryPath));
  return Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(entryPath)]);
}

/** Opens a target. A device or pipe that is there is written to as it is; an existing file needs `force`. */
export async function fileOutput(target: PathLike, entry: Entry, force: boolean): Promise<Output> {
  const stat = await promisify(fs.stat)(target).catch(ignore('ENOENT')).catch(failing(target));
  if (stat?.isDirectory() === true) {
    throw outputError('E_OUTPUT', `${target.toString()} is a folder`, 'name the file to write with -o');
  }
  if (stat !== undefined && !stat.isFile()) {
    const device = openFile(await promisify(fs.open)(target, 'w').catch(failing(target)));
    const output = descriptorOutput(device, target);
    return {
      ...output,
      path: target.toString(),
      finish: () => device.close(),
      discard: () => device.close().catch(() => {}),
    };
  }
  if (stat === undefined) return new FileOutput(target, entry, force);
  if (!force) throw outputExists(target);
  return new FileOutput(await behindLinks(target), entry, force);
}

/** What is replaced is the file that a link leads to, not the link: /dev/stdout is one as well. */
function behindLinks(target: PathLike): Promise<PathLike> {
  return typeof target === 'string'
    ? promisify(fs.realpath)(target)
    : promisify(fs.realpath)(target, { encoding: 'buffer' });
}

/** Appends to an open descriptor, which stays open. @param name what errors call it */
export function descriptorOutput(file: OpenFile, name: PathLike): Output {
  return {
    path: null,
    concurrency: 1,
    async write(bytes) {
      await file.write(bytes, null).catch(failing(name));
    },
    async finish() {},
    async discard() {},
  };
}

/** Runs of zeros are looked for in steps of a file-system block. */
const BLOCK_BYTES = 4096;
const ZERO_BLOCK = Buffer.alloc(BLOCK_BYTES);
/** Data is pushed out while later chunks are still being opened: little is left to wait for at the end. */
const SYNC_EVERY_BYTES = 16 * 1024 * 1024;

class FileOutput implements Output {
  readonly path: string;
  /** The next one is on its way to the kernel while one is being copied there. */
  readonly concurrency = 3;
  readonly #target: PathLike;
  readonly #temporary: PathLike;
  readonly #entry: Entry;
  readonly #force: boolean;
  #opening: Promise<OpenFile> | undefined;
  #file: OpenFile | undefined;
  #position = 0;
  #unsynced = 0;
  #syncing: Promise<void> | undefined;

  constructor(target: PathLike, entry: Entry, force: boolean) {
    this.path = target.toString();
    this.#target = target;
    this.#temporary = temporaryBeside(target);
    this.#entry = entry;
    this.#force = force;
  }

  async write(bytes: Uint8Array): Promise<void> {
    const position = this.#position;
    this.#position += bytes.byteLength;
    try {
      const file = await this.#open();
      for (const [from, to] of dataRuns(bytes)) {
        await file.write(bytes.subarray(from, to), position + from);
        this.#unsynced += to - from;
      }
      this.#syncInBackground(file);
    } catch (error) {
      throw outputFailure(this.#target, error);
    }
  }

  async finish(): Promise<void> {
    try {
      const file = await this.#open();
      await this.#syncing;
      await file.sync();
      await file.close();
      this.#file = undefined;
      await this.#setAttributes();
      await this.#giveName();
      // The name is given: some network mounts cannot fsync a folder, and that must not make it a failure.
      await nodeFileSystem
        .syncFolder(folderOf(this.#target).toString())
        .catch(ignore('EINVAL', 'ENOTSUP', 'EACCES'));
    } catch (error) {
      throw outputFailure(this.#target, error);
    }
  }

  async discard(): Promise<void> {
    await this.#syncing?.catch(() => {});
    await this.#file?.close().catch(() => {});
    await promisify(fs.unlink)(this.#temporary).catch(() => {});
  }

  #open(): Promise<OpenFile> {
    this.#opening ??= this.#create();
    return this.#opening;
  }

  /** The file has its full length at once: what is not written stays a hole. */
  async #create(): Promise<OpenFile> {
    const file = openFile(await promisify(fs.open)(this.#temporary, 'wx', 0o600));
    this.#file = file;
    if (this.#entry.sizeBytes > 0) await file.truncate(this.#entry.sizeBytes);
    return file;
  }

  #syncInBackground(file: OpenFile): void {
    if (this.#unsynced < SYNC_EVERY_BYTES || this.#syncing !== undefined) return;
    this.#unsynced = 0;
    const syncing = file.sync();
    syncing.catch(() => {});
    this.#syncing = syncing;
    void syncing.then(
      () => {
        this.#syncing = undefined;
      },
      () => {},
    );
  }

  async #setAttributes(): Promise<void> {
    const seconds = Number(this.#entry.mtimeNs) / 1e9;
    await promisify(fs.chmod)(this.#temporary, this.#entry.mode & 0o777);
    await promisify(fs.utimes)(this.#temporary, seconds, seconds);
  }

  /** A link fails when the name is taken, even by a process that came between; a rename replaces. */
  async #giveName(): Promise<void> {
    if (!this.#force) {
      const linked = await promisify(fs.link)(this.#temporary, this.#target).then(() => true, noLinksHere);
      if (linked) {
        await promisify(fs.unlink)(this.#temporary);
        return;
      }
      if (fs.existsSync(this.#target)) throw outputExists(this.#target);
    }
    await promisify(fs.rename)(this.#temporary, this.#target);
  }
}

/** The stretches of a chunk that are not whole blocks of zeros, as [from, to). */
export function* dataRuns(bytes: Uint8Array): Generator<readonly [number, number]> {
  let start = -1;
  for (let at = 0; at < bytes.byteLength; at += BLOCK_BYTES) {
    const isHole = isZeroBlock(bytes, at);
    if (isHole && start >= 0) {
      yield [start, at];
      start = -1;
    } else if (!isHole && start < 0) start = at;
  }
  if (start >= 0) yield [start, bytes.byteLength];
}

function isZeroBlock(bytes: Uint8Array, at: number): boolean {
  if (bytes[at] !== 0) return false;
  const end = Math.min(at + BLOCK_BYTES, bytes.byteLength);
  return ZERO_BLOCK.compare(bytes, at, end, 0, end - at) === 0;
}

function noLinksHere(error: unknown): boolean {
  if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw error;
  return false;
}

function temporaryBeside(target: PathLike): PathLike {
  const name = `.disktro-${randomBytes(6).toString('hex')}.tmp`;
  const folder = folderOf(target);
  return typeof folder === 'string'
    ? path.join(folder, name)
    : Buffer.concat([folder, Buffer.from(`/${name}`)]);
}

function folderOf(target: PathLike): PathLike {
  if (typeof target === 'string') return path.dirname(target);
  const slash = target.lastIndexOf('/');
  return slash <= 0 ? Buffer.from('/') : target.subarray(0, slash);
}

function outputExists(target: PathLike): DisktroError {
  return outputError(
    'E_OUTPUT_EXISTS',
    `${target.toString()} is there already`,
    'give --force to replace it, or another -o',
  );
}

function failing(target: PathLike): (error: unknown) => never {
  return (error) => {
    throw outputFailure(target, error);
  };
}

function outputFailure(target: PathLike, error: unknown): DisktroError {
  if (isDisktroError(error)) return error;
  const { code: errno } = error as NodeJS.ErrnoException;
  if (errno === 'EEXIST') return outputExists(target);
  if (errno === 'ENOSPC' || errno === 'EDQUOT') {
    return new DisktroError('E_NO_SPACE', `writing ${target.toString()}: no space left there`, {
      hint: 'free some space, or name another place with -o',
      cause: error,
    });
  }
  return new DisktroError('E_OUTPUT', `cannot write ${target.toString()}: ${reasonOf(error)}`, {
    details: { errno },
    cause: error,
  });
}

function outputError(code: 'E_OUTPUT' | 'E_OUTPUT_EXISTS', message: string, hint: string): DisktroError {
  return new DisktroError(code, message, { hint });
}
