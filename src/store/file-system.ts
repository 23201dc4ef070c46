/**
 * The few calls that the store makes of the operating system, behind an interface that tests can make fail.
 * The one place that knows how platforms differ in folder fsync and modes. Callbacks, because fs.promises costs
 * three times as much per call.
 */
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

export interface OpenFile {
  /** @returns bytes read, 0 at the end; `position` null = where the last read ended */
  read(target: Uint8Array, position: number | null): Promise<number>;
  /** Writes all of `bytes`. */
  write(bytes: Uint8Array, position: number | null): Promise<void>;
  truncate(length: number): Promise<void>;
  sync(): Promise<void>;
  stat(): Promise<FileStat>;
  close(): Promise<void>;
}

export interface FileStat {
  readonly bytes: number;
  readonly isFile: boolean;
  readonly isDirectory: boolean;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

export interface DiskSpace {
  readonly freeBytes: number;
  readonly totalBytes: number;
}

export interface FileSystem {
  /** `r` reads, `wx` makes a new file and fails with EEXIST when there is one. */
  open(file: string, flags: 'r' | 'wx', mode?: number): Promise<OpenFile>;
  rename(from: string, to: string): Promise<void>;
  /** A second name for a file; fails with EEXIST when `to` is there. */
  link(from: string, to: string): Promise<void>;
  unlink(file: string): Promise<void>;
  /** Makes one folder; fine when it is there already. */
  makeFolder(folder: string, mode?: number): Promise<void>;
  /** Names in a folder, unsorted. */
  readFolder(folder: string): Promise<string[]>;
  /** undefined when there is none. */
  stat(file: string): Promise<FileStat | undefined>;
  /** Makes names in a folder durable. */
  syncFolder(folder: string): Promise<void>;
  space(folder: string): Promise<DiskSpace>;
}

const open = promisify(fs.open);
const close = promisify(fs.close);
const fsync = promisify(fs.fsync);
const ftruncate = promisify(fs.ftruncate);
const rename = promisify(fs.rename);
const link = promisify(fs.link);
const unlink = promisify(fs.unlink);
const mkdir = promisify(fs.mkdir);
const readdir = promisify(fs.readdir);
const statfs = promisify(fs.statfs);

/** Wraps an open descriptor; `close` closes it. */
export function openFile(descriptor: number): OpenFile {
  return {
    read: (target, position) => readInto(descriptor, target, position),
    write: (bytes, position) => writeAll(descriptor, bytes, position),
    truncate: (length) => ftruncate(descriptor, length),
    sync: () => fsync(descriptor),
    stat: () => statDescriptor(descriptor),
    close: () => close(descriptor),
  };
}

export const nodeFileSystem: FileSystem = {
  open: async (file, flags, mode) => openFile(await open(file, flags, mode)),
  rename,
  link,
  unlink,
  async makeFolder(folder, mode = 0o700) {
    await mkdir(folder, { mode }).catch(ignore('EEXIST'));
  },
  readFolder: (folder) => readdir(folder),
  async stat(file) {
    try {
      return fromStats(await promisify(fs.stat)(file, { bigint: true }));
    } catch (error) {
      return ignore('ENOENT', 'ENOTDIR')(error);
    }
  },
  async syncFolder(folder) {
    // Windows cannot open a folder for fsync, and makes names durable by itself.
    if (process.platform === 'win32') return;
    const descriptor = await open(folder, 'r');
    try {
      await fsync(descriptor);
    } finally {
      await close(descriptor);
    }
  },
  async space(folder) {
    const { bavail, bsize, blocks } = await statfs(folder);
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  },
};

/** A handler that lets the named errors pass as undefined and throws all others. */
export function ignore(...codes: readonly string[]): (error: unknown) => undefined {
  return (error) => {
    if (codes.includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  };
}

/**
 * Writes a small file so that after a power loss there is the old one or the new one, whole.
 * @param temporary a name on the same file system that nobody else uses
 */
export async function writeFileDurably(
  fileSystem: FileSystem,
  temporary: string,
  file: string,
  bytes: Uint8Array,
): Promise<void> {
  const handle = await fileSystem.open(temporary, 'wx', 0o600);
  try {
    try {
      await handle.write(bytes, null);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await fileSystem.rename(temporary, file);
  } catch (error) {
    await fileSystem.unlink(temporary).catch(() => {});
    throw error;
  }
  await fileSystem.syncFolder(path.dirname(file));
}

/** All of a file, or undefined when there is none; a file longer than `maxBytes` is cut there + 1 byte. */
export async function readSmallFile(
  fileSystem: FileSystem,
  file: string,
  maxBytes: number,
): Promise<Buffer | undefined> {
  let handle: OpenFile;
  try {
    handle = await fileSystem.open(file, 'r');
  } catch (error) {
    return ignore('ENOENT', 'ENOTDIR')(error);
  }
  try {
    const bytes = Buffer.alloc(maxBytes + 1);
    return bytes.subarray(0, await fillFrom(handle, bytes));
  } finally {
    await handle.close();
  }
}

/** Reads until `target` is full or the file ends. @returns bytes read */
export async function fillFrom(file: OpenFile, target: Uint8Array): Promise<number> {
  let filled = 0;
  while (filled < target.byteLength) {
    const count = await file.read(target.subarray(filled), null);
    if (count === 0) break;
    filled += count;
  }
  return filled;
}

function readInto(descriptor: number, target: Uint8Array, position: number | null): Promise<number> {
  return patiently(
    () =>
      new Promise((resolve, reject) => {
        fs.read(descriptor, target, 0, target.byteLength, position, (error, count) =>
          error ? reject(error) : resolve(count),
        );
      }),
  );
}

async function writeAll(descriptor: number, bytes: Uint8Array, position: number | null): Promise<void> {
  for (let written = 0; written < bytes.byteLength; ) {
    const offset = written;
    const at = position === null ? null : position + offset;
    written += await patiently(() => writeSome(descriptor, bytes, offset, at));
  }
}

function writeSome(
  descriptor: number,
  bytes: Uint8Array,
  offset: number,
  position: number | null,
): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.write(descriptor, bytes, offset, bytes.byteLength - offset, position, (error, count) =>
      error ? reject(error) : resolve(count),
    );
  });
}

/** A pipe that somebody made non-blocking answers EAGAIN where it should wait: it is asked again every 2 ms. */
async function patiently(call: () => Promise<number>): Promise<number> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      ignore('EAGAIN')(error);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
}

function statDescriptor(descriptor: number): Promise<FileStat> {
  return new Promise((resolve, reject) => {
    fs.fstat(descriptor, { bigint: true }, (error, stats) =>
      error ? reject(error) : resolve(fromStats(stats)),
    );
  });
}

function fromStats(stats: fs.BigIntStats): FileStat {
  return {
    bytes: Number(stats.size),
    isFile: stats.isFile(),
    isDirectory: stats.isDirectory(),
    mode: Number(stats.mode),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    mtimeNs: stats.mtimeNs,
    ctimeNs: stats.ctimeNs,
  };
}
