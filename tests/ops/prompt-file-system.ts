// The real file system through its synchronous calls: every operation is over before it returns. That makes the order
// of operations the same in every run, and thousands of tiny homes quick to check.
import fs from 'node:fs';
import type { FileStat, FileSystem, OpenFile } from '../../src/store/file-system.js';
import { ignore } from '../../src/store/file-system.js';

export const promptFileSystem: FileSystem = {
  open: async (file, flags, mode) => promptFile(fs.openSync(file, flags, mode)),
  rename: async (from, to) => fs.renameSync(from, to),
  link: async (from, to) => fs.linkSync(from, to),
  unlink: async (file) => fs.unlinkSync(file),
  async makeFolder(folder, mode = 0o700) {
    try {
      fs.mkdirSync(folder, { mode });
    } catch (error) {
      ignore('EEXIST')(error);
    }
  },
  readFolder: async (folder) => fs.readdirSync(folder),
  async stat(file) {
    try {
      return fromStats(fs.statSync(file, { bigint: true }));
    } catch (error) {
      return ignore('ENOENT', 'ENOTDIR')(error);
    }
  },
  async syncFolder(folder) {
    const descriptor = fs.openSync(folder, 'r');
    fs.fsyncSync(descriptor);
    fs.closeSync(descriptor);
  },
  async space(folder) {
    const { bavail, bsize, blocks } = fs.statfsSync(folder);
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  },
};

function promptFile(descriptor: number): OpenFile {
  return {
    read: async (target, position) => fs.readSync(descriptor, target, 0, target.byteLength, position),
    async write(bytes, position) {
      for (let at = 0; at < bytes.byteLength; ) {
        at += fs.writeSync(
          descriptor,
          bytes,
          at,
          bytes.byteLength - at,
          position === null ? null : position + at,
        );
      }
    },
    truncate: async (length) => fs.ftruncateSync(descriptor, length),
    sync: async () => fs.fsyncSync(descriptor),
    stat: async () => fromStats(fs.fstatSync(descriptor, { bigint: true })),
    close: async () => fs.closeSync(descriptor),
  };
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
