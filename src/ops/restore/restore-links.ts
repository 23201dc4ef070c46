/**
 * What is made after all files of a restored tree: symbolic and hard links, fifos and devices. None is ever followed, and
 * what is put in a place is what the entry says or nothing.
 */
import fs from 'node:fs';
import type { Entry } from '../../core/entry.js';
import { entryPathBytes } from '../../core/tree-order.js';
import type { PathLike } from '../../store/path-bytes.js';
import { pathText } from '../../store/path-bytes.js';
import type { SafeFolder } from '../../store/safe-folder.js';
import { makeDevice, makeFifo } from '../../store/special-files.js';
import type { Attributes } from './restore-attributes.js';
import { holdByName, removeQuietly, statOf } from './restore-file.js';
import type { RestoreFolders } from './restore-folders.js';
import { nameOf } from './restore-folders.js';
import type { Overwrite } from './restore-mark.js';

export interface LinkMaker {
  readonly folders: RestoreFolders;
  readonly attributes: Attributes;
  readonly overwrite: Overwrite;
  /** Devices too. */
  readonly makesDevices: boolean;
  temporaryName(): string;
}

export type LinkOutcome = 'made' | 'kept' | 'left out';

/** What is neither file nor folder. @throws the system's error */
export async function makeLink(
  maker: LinkMaker,
  entry: Entry,
  path: Buffer,
  folder: SafeFolder,
): Promise<LinkOutcome> {
  const name = nameOf(path);
  const isDevice = entry.type === 'block' || entry.type === 'character';
  if (isDevice && !maker.makesDevices) return 'left out';
  const stat = statOf(folder, name);
  if (stat !== undefined && maker.overwrite === 'never') return 'kept';
  const linked = entry.type === 'hardlink' ? fileBehind(maker, entry, path) : undefined;
  if (stat !== undefined && isSame(entry, stat, folder, name, linked?.stat)) {
    setAttributes(maker, entry, folder, name);
    return 'kept';
  }
  if (stat?.isDirectory() === true) fs.rmdirSync(folder.at(name));
  const temporary = maker.temporaryName();
  try {
    if (linked === undefined) await make(entry, folder, temporary);
    else {
      // Reaching one folder can close another that has been open for long: both are reached before both are named.
      linked.folder.path();
      folder.path();
      const from = linked.folder.at(linked.name);
      fs.linkSync(from, folder.at(temporary));
    }
    setAttributes(maker, entry, folder, temporary);
    fs.renameSync(folder.at(temporary), folder.at(name));
    // Renaming one of two names of a file over the other does nothing, and leaves both.
    if (linked !== undefined) removeQuietly(folder, temporary);
  } catch (error) {
    removeQuietly(folder, temporary);
    throw error;
  }
  return 'made';
}

interface Linked {
  readonly folder: SafeFolder;
  readonly name: PathLike;
  readonly stat: fs.BigIntStats;
}

/** The restored file that a hard link shall share. @throws ENOENT when it is not there, EINVAL when it is no plain file */
function fileBehind({ folders }: LinkMaker, { target }: Entry, path: Buffer): Linked {
  const bytes = entryPathBytes(target ?? '');
  const folder = folders.find(bytes, path);
  const name = nameOf(bytes);
  const stat = fs.lstatSync(folder.at(name), { bigint: true });
  if (!stat.isFile()) throw Object.assign(new Error('its file is none'), { code: 'EINVAL' });
  return { folder, name, stat };
}

async function make(entry: Entry, folder: SafeFolder, name: string): Promise<void> {
  const { type, target, device } = entry;
  if (type === 'symlink') {
    fs.symlinkSync(pathText(entryPathBytes(target ?? '')), folder.at(name));
    return;
  }
  const descriptor = folder.descriptor();
  if (descriptor === undefined) throw Object.assign(new Error('not on this system'), { code: 'ENOTSUP' });
  if (type === 'fifo') await makeFifo(descriptor, name);
  else if (type === 'block' || type === 'character')
    await makeDevice(descriptor, name, type, device ?? [0, 0]);
}

const TYPE_OF: Readonly<Record<Exclude<Entry['type'], 'hardlink'>, (stat: fs.BigIntStats) => boolean>> = {
  file: (stat) => stat.isFile(),
  directory: (stat) => stat.isDirectory(),
  symlink: (stat) => stat.isSymbolicLink(),
  fifo: (stat) => stat.isFIFO(),
  block: (stat) => stat.isBlockDevice(),
  character: (stat) => stat.isCharacterDevice(),
};

/** Whether what is there is what the entry says, attributes aside. @param linked of a hard link what it shall share */
export function isSame(
  entry: Entry,
  stat: fs.BigIntStats,
  folder: SafeFolder,
  name: PathLike,
  linked: fs.BigIntStats | undefined,
): boolean {
  if (entry.type === 'hardlink') return linked?.ino === stat.ino && linked.dev === stat.dev;
  if (!TYPE_OF[entry.type](stat)) return false;
  if (entry.type === 'symlink') {
    const target = fs.readlinkSync(folder.at(name), { encoding: 'buffer' });
    return target.equals(entryPathBytes(entry.target ?? ''));
  }
  const [major, minor] = entry.device ?? [0, 0];
  return entry.device === undefined || stat.rdev === deviceNumber(BigInt(major), BigInt(minor));
}

/** As Linux packs the two numbers for its programs. */
function deviceNumber(major: bigint, minor: bigint): bigint {
  return (
    ((major & 0xfffff000n) << 32n) |
    ((major & 0xfffn) << 8n) |
    ((minor & 0xffffff00n) << 12n) |
    (minor & 0xffn)
  );
}

/** A hard link has those of its file. Something with further names may be somebody else's: it stays as it is. */
function setAttributes({ attributes }: LinkMaker, entry: Entry, folder: SafeFolder, name: PathLike): void {
  if (entry.type === 'hardlink') return;
  const isDone = holdByName(folder, name, (path, stat) => {
    const { type } = entry;
    if (type !== 'hardlink' && TYPE_OF[type](stat) && stat.nlink === 1n) attributes.set({ path }, entry);
    return true;
  });
  if (isDone !== true) attributes.setOfLink(folder.at(name), entry);
}
