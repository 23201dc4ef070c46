/**
 * Headers of a tar archive as POSIX.1-2017 has them (`pax`): names are the bytes that they are, and what does not fit the
 * old header of 512 bytes (long names, nanoseconds, large files) goes into a pax header before it. Only headers: the
 * bytes of files are the caller's.
 */
import { isUtf8 } from 'node:buffer';
import type { Entry, EntryType } from './entry.js';
import { entryPathBytes } from './tree-order.js';

const TAR_BLOCK_BYTES = 512;
/** Two empty blocks. */
export const TAR_END = Buffer.alloc(2 * TAR_BLOCK_BYTES);

const TYPE_FLAGS: Readonly<Record<EntryType, string>> = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  character: '3',
  block: '4',
  directory: '5',
  fifo: '6',
};
const PAX_FLAG = 'x';
const MOST_NAME_BYTES = 100;
const MOST_PREFIX_BYTES = 155;
const MOST_OWNER_BYTES = 31;
const SLASH = 0x2f;
const NS_PER_SECOND = 1_000_000_000n;

/** Bytes that follow the contents of a file, up to the next block. */
export function tarPadding(sizeBytes: number): Buffer {
  return TAR_END.subarray(0, (TAR_BLOCK_BYTES - (sizeBytes % TAR_BLOCK_BYTES)) % TAR_BLOCK_BYTES);
}

/**
 * What stands before an entry's contents: a multiple of 512 bytes.
 * @param path in the archive, without a slash at its end
 * @param target of a hard link: its path in the archive
 */
export function tarHeader(path: Buffer, entry: Entry, target = entryPathBytes(entry.target ?? '')): Buffer {
  const records = new PaxRecords();
  const name = entry.type === 'directory' ? Buffer.concat([path, Buffer.of(SLASH)]) : path;
  const block = new HeaderBlock(TYPE_FLAGS[entry.type]);
  const [prefix, last] = splitName(name);
  if (prefix.length > MOST_PREFIX_BYTES || last.length > MOST_NAME_BYTES || !isPortable(name))
    records.add('path', name);
  if (target.length > MOST_NAME_BYTES || (target.length > 0 && !isPortable(target)))
    records.add('linkpath', target);
  block.text(FIELDS.name, last);
  block.text(FIELDS.prefix, prefix.length > MOST_PREFIX_BYTES ? Buffer.alloc(0) : prefix);
  block.text(FIELDS.linkname, target);
  block.number(FIELDS.mode, entry.mode);
  addOwner(block, records, entry);
  addTime(block, records, entry.mtimeNs);
  const [major, minor] = entry.device ?? [0, 0];
  if (!block.number(FIELDS.devmajor, major)) records.add('SCHILY.devmajor', `${major}`);
  if (!block.number(FIELDS.devminor, minor)) records.add('SCHILY.devminor', `${minor}`);
  const size = entry.type === 'file' ? entry.sizeBytes : 0;
  if (!block.number(FIELDS.size, size)) records.add('size', `${size}`);
  for (const [key, value] of entry.xattrs ?? [])
    records.add(`SCHILY.xattr.${key.replaceAll('%', '%25').replaceAll('=', '%3D')}`, value);
  return Buffer.concat([...records.blocks(), block.finish()]);
}

function addOwner(block: HeaderBlock, records: PaxRecords, { uid, gid, user, group }: Entry): void {
  if (!block.number(FIELDS.uid, uid)) records.add('uid', `${uid}`);
  if (!block.number(FIELDS.gid, gid)) records.add('gid', `${gid}`);
  for (const [key, text] of [
    ['uname', user],
    ['gname', group],
  ] as const) {
    const bytes = Buffer.from(text ?? '');
    block.text(FIELDS[key], bytes);
    if (bytes.length > MOST_OWNER_BYTES || !isPortable(bytes)) records.add(key, bytes);
  }
}

function addTime(block: HeaderBlock, records: PaxRecords, ns: bigint): void {
  const fraction = ((ns % NS_PER_SECOND) + NS_PER_SECOND) % NS_PER_SECOND;
  const isWhole = fraction === 0n && block.number(FIELDS.mtime, Number(ns / NS_PER_SECOND));
  if (isWhole) return;
  if (ns >= 0n) block.number(FIELDS.mtime, Number((ns - fraction) / NS_PER_SECOND));
  const [sign, size] = ns < 0n ? ['-', -ns] : ['', ns];
  const digits = (size % NS_PER_SECOND).toString().padStart(9, '0').replace(/0+$/, '');
  records.add('mtime', `${sign}${size / NS_PER_SECOND}${digits === '' ? '' : `.${digits}`}`);
}

/** What every reader takes for the same characters: the others are told in UTF-8, or go as they are. */
function isPortable(bytes: Buffer): boolean {
  return bytes.every((byte) => byte < 0x80) || !isUtf8(bytes);
}

/** At the last slash that leaves a name short enough, if the path is too long for one field. */
function splitName(path: Buffer): readonly [Buffer, Buffer] {
  const none = Buffer.alloc(0);
  if (path.length <= MOST_NAME_BYTES) return [none, path];
  const at = path.indexOf(SLASH, path.length - MOST_NAME_BYTES - 1);
  if (at <= 0 || at === path.length - 1) return [none, path];
  return [path.subarray(0, at), path.subarray(at + 1)];
}

interface Field {
  readonly at: number;
  readonly length: number;
}

/** As in ustar; `version` and `magic` are written together. */
const FIELDS = {
  name: { at: 0, length: 100 },
  mode: { at: 100, length: 8 },
  uid: { at: 108, length: 8 },
  gid: { at: 116, length: 8 },
  size: { at: 124, length: 12 },
  mtime: { at: 136, length: 12 },
  checksum: { at: 148, length: 8 },
  flag: { at: 156, length: 1 },
  linkname: { at: 157, length: 100 },
  magic: { at: 257, length: 8 },
  uname: { at: 265, length: 32 },
  gname: { at: 297, length: 32 },
  devmajor: { at: 329, length: 8 },
  devminor: { at: 337, length: 8 },
  prefix: { at: 345, length: 155 },
} as const satisfies Record<string, Field>;

class HeaderBlock {
  readonly #bytes = Buffer.alloc(TAR_BLOCK_BYTES);

  constructor(flag: string) {
    this.text(FIELDS.flag, Buffer.from(flag));
    this.text(FIELDS.magic, Buffer.from('ustar\x0000'));
  }

  /** As much of it as there is room for. */
  text({ at, length }: Field, text: Buffer): void {
    text.copy(this.#bytes, at, 0, length);
  }

  /** @returns false when there is no room for it: then it is 0 */
  number({ at, length }: Field, value: number): boolean {
    const fits = value >= 0 && value < 8 ** (length - 1);
    this.#bytes.write(`${(fits ? value : 0).toString(8).padStart(length - 1, '0')}\0`, at, 'latin1');
    return fits;
  }

  finish(): Buffer {
    const { at, length } = FIELDS.checksum;
    this.#bytes.fill(' ', at, at + length);
    const sum = this.#bytes.reduce((total, byte) => total + byte, 0);
    this.#bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, at, 'latin1');
    return this.#bytes;
  }
}

/** `<length> <key>=<value>\n`, where the length counts itself. */
class PaxRecords {
  readonly #records: Buffer[] = [];
  #isBinary = false;

  add(key: string, value: string | Uint8Array): void {
    const bytes = Buffer.from(value);
    if (!key.startsWith('SCHILY.xattr.') && !isUtf8(bytes)) this.#isBinary = true;
    this.#records.push(paxRecord(key, bytes));
  }

  /** Empty when there are none. */
  blocks(): readonly Buffer[] {
    if (this.#records.length === 0) return [];
    const charset = this.#isBinary ? [paxRecord('hdrcharset', Buffer.from('BINARY'))] : [];
    const body = Buffer.concat([...charset, ...this.#records]);
    const block = new HeaderBlock(PAX_FLAG);
    block.text(FIELDS.name, Buffer.from('PaxHeader'));
    block.number(FIELDS.mode, 0o644);
    block.number(FIELDS.size, body.length);
    return [block.finish(), body, tarPadding(body.length)];
  }
}

function paxRecord(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')]);
  let length = rest.length;
  while (length !== rest.length + String(length).length) length = rest.length + String(length).length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}
