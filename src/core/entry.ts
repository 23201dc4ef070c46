/** One entry of a manifest: a file, folder, link or device with its metadata (docs/FORMAT.md, "Manifest"). */
import { integrityError } from '../errors.js';
import type { CborValue } from './cbor.js';
import { CborFields } from './cbor-fields.js';
import { checkEntryPath } from './entry-path.js';

export type EntryType = 'file' | 'directory' | 'symlink' | 'hardlink' | 'fifo' | 'block' | 'character';

/**
 * A run of bytes of the chunk list's concatenated plaintexts: from `offset` inside chunk `chunk`, `length` bytes on,
 * over as many of the following chunks as that takes.
 */
export interface Extent {
  readonly chunk: number;
  readonly offset: number;
  readonly length: number;
}

export interface Entry {
  /** Relative, `/`-separated; bytes when it is not UTF-8; `.` for the root of a tree. */
  readonly path: string | Uint8Array;
  readonly type: EntryType;
  /** Permission bits and setuid, setgid, sticky: 0 to 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeNs: bigint;
  /** Names of uid and gid where it was stored; a reader prefers them when it has them. */
  readonly user?: string;
  readonly group?: string;
  /** When it was made, where the system tells. */
  readonly btimeNs?: bigint;
  /** With size and mtime they tell whether a file is still the one that was read. */
  readonly ctimeNs?: bigint;
  readonly inode?: bigint;
  /** Major and minor number of a block or character device. */
  readonly device?: readonly [number, number];
  readonly sizeBytes: number;
  readonly extents: readonly Extent[];
  /** Of a symlink what it says, of a hardlink the path of an earlier entry. */
  readonly target?: string | Uint8Array;
  readonly xattrs?: ReadonlyMap<string, Uint8Array>;
}

/** The path of the entry that a tree begins with: the folder itself. */
export const TREE_ROOT = '.';

export const ENTRY_TYPES: readonly EntryType[] = [
  'file',
  'directory',
  'symlink',
  'hardlink',
  'fifo',
  'block',
  'character',
];

export function encodeEntry(entry: Entry): CborValue {
  checkPath(entry);
  return {
    path: entry.path,
    type: entry.type,
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    mtimeNs: entry.mtimeNs,
    size: entry.sizeBytes,
    extents: entry.extents.map(({ chunk, offset, length }) => [chunk, offset, length]),
    ...optional('user', entry.user),
    ...optional('group', entry.group),
    ...optional('btimeNs', entry.btimeNs),
    ...optional('ctimeNs', entry.ctimeNs),
    ...optional('inode', entry.inode),
    ...optional('device', entry.device),
    ...optional('target', entry.target),
    ...optional('xattrs', entry.xattrs),
  };
}

/** @throws E_MANIFEST_INVALID, E_MANIFEST_PATH */
export function decodeEntry(value: CborValue): Entry {
  const fields = new CborFields('entry', value, 'E_MANIFEST_INVALID');
  const entry: Entry = {
    path: fields.textOrBytes('path'),
    type: fields.oneOf('type', ENTRY_TYPES),
    mode: fields.integer('mode', 0o7777),
    uid: fields.integer('uid', 0xffff_ffff),
    gid: fields.integer('gid', 0xffff_ffff),
    mtimeNs: fields.bigint('mtimeNs'),
    sizeBytes: fields.integer('size'),
    extents: fields.list('extents').map(decodeExtent),
    ...(fields.has('user') ? { user: fields.text('user') } : {}),
    ...(fields.has('group') ? { group: fields.text('group') } : {}),
    ...(fields.has('btimeNs') ? { btimeNs: fields.bigint('btimeNs') } : {}),
    ...(fields.has('ctimeNs') ? { ctimeNs: fields.bigint('ctimeNs') } : {}),
    ...(fields.has('inode') ? { inode: fields.bigint('inode') } : {}),
    ...(fields.has('device') ? { device: decodeDevice(fields) } : {}),
    ...(fields.has('target') ? { target: fields.textOrBytes('target') } : {}),
    ...(fields.has('xattrs') ? { xattrs: fields.byteMap('xattrs') } : {}),
  };
  fields.expectNoOthers();
  checkPath(entry);
  const extentBytes = entry.extents.reduce((sum, extent) => sum + extent.length, 0);
  if (entry.type === 'file' && extentBytes !== entry.sizeBytes) {
    fields.fail(`extents: expected ${entry.sizeBytes} bytes, got ${extentBytes}`);
  }
  return entry;
}

function checkPath({ path, type }: Entry): void {
  if (path !== TREE_ROOT || type !== 'directory') checkEntryPath(path);
}

function optional(key: string, value: CborValue | undefined): Readonly<Record<string, CborValue>> {
  return value === undefined ? {} : { [key]: value };
}

function decodeDevice(fields: CborFields): readonly [number, number] {
  const numbers = fields.list('device');
  const isNumber = (value: CborValue | undefined): value is number =>
    typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff;
  const [major, minor] = numbers;
  if (numbers.length === 2 && isNumber(major) && isNumber(minor)) return [major, minor];
  return fields.fail('device: expected [major, minor]');
}

function decodeExtent(value: CborValue): Extent {
  if (
    Array.isArray(value) &&
    value.length === 3 &&
    value.every((part) => Number.isSafeInteger(part) && part >= 0)
  ) {
    const [chunk, offset, length] = value as [number, number, number];
    return { chunk, offset, length };
  }
  throw integrityError('E_MANIFEST_INVALID', 'extent: expected [chunk index, offset, length]');
}
