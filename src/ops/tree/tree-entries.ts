/** Entries of a tree from what the system tells of each path. Knows nothing of where the bytes go. */
import type { StatsBase } from 'node:fs';
import fs from 'node:fs';
import type { Entry, EntryType, Extent } from '../../core/entry.js';
import type { ExtendedAttributes } from '../../store/extended-attributes.js';
import type { OwnerNames } from './owner-names.js';
import { ownerNames } from './owner-names.js';
import type { StatFacts } from './small-read.js';
import type { Found } from './tree-walk.js';

/** Paths of files with several names that are remembered at once; of more than that the rest are stored as files. */
const MAX_LINKED = 200_000;
const RACY_NS = 2_000_000_000n;

export interface EntryOptions {
  /** When the run began: what changed from then on, or shortly before, may change again unseen. */
  readonly startedMs: number;
  /** undefined where this machine has no way to read them. */
  readonly attributes: ExtendedAttributes | undefined;
  readonly onNotice: (message: string) => void;
}

export class TreeEntries {
  readonly #owners: OwnerNames = ownerNames();
  readonly #linked = new Map<string, { readonly path: string | Uint8Array; left: number }>();
  readonly #racyFromNs: bigint;
  readonly #attributes: ExtendedAttributes | undefined;
  readonly #notice: (message: string) => void;
  #areAttributesTold = false;

  constructor({ startedMs, attributes, onNotice }: EntryOptions) {
    this.#racyFromNs = BigInt(startedMs) * 1_000_000n - RACY_NS;
    this.#attributes = attributes;
    this.#notice = onNotice;
  }

  /** Whether this file was met before, by another name. */
  isLinked(found: Found): boolean {
    return mayBeLinked(found) && this.#linked.has(identity(found));
  }

  /** The path that this file was first met by, if it was. */
  earlierName(found: Found): string | Uint8Array | undefined {
    if (!mayBeLinked(found)) return undefined;
    const key = identity(found);
    const linked = this.#linked.get(key);
    if (linked === undefined) return undefined;
    if (--linked.left === 0) this.#linked.delete(key);
    return linked.path;
  }

  /** Remembers a file that is stored, in case it has another name. */
  remember(found: Found): void {
    if (!mayBeLinked(found) || this.#linked.size >= MAX_LINKED) return;
    this.#linked.set(identity(found), { path: found.path, left: found.seen.nlink - 1 });
  }

  /** Another name of a file that stands under `earlier`. */
  linked(found: Found, earlier: string | Uint8Array): Entry {
    return { ...this.entry(found, 'hardlink'), target: earlier };
  }

  /** @throws the system's error when a link cannot be read */
  entry(
    found: Found,
    type: EntryType,
    content: {
      readonly sizeBytes?: number;
      readonly extents?: readonly Extent[];
      readonly stat?: StatFacts;
      /** It is known to have no extended attributes. */
      readonly isPlain?: boolean;
      /** It was written to while it was read: the next run reads it again. */
      readonly isChanged?: boolean;
    } = {},
  ): Entry {
    const stat = content.stat ?? found.stat;
    const user = this.#owners.user(Number(stat.uid));
    const group = this.#owners.group(Number(stat.gid));
    const mayHaveAttributes = (type === 'file' && content.isPlain !== true) || type === 'directory';
    const xattrs = mayHaveAttributes ? this.#attributesOf(found) : undefined;
    return {
      path: found.path,
      type,
      mode: Number(stat.mode) & 0o7777,
      uid: Number(stat.uid),
      gid: Number(stat.gid),
      mtimeNs: stat.mtimeNs,
      ...(user === undefined ? {} : { user }),
      ...(group === undefined ? {} : { group }),
      ...(stat.birthtimeNs > 0n ? { btimeNs: stat.birthtimeNs } : {}),
      ...(content.isChanged === true || this.#isRacy(stat) ? {} : { ctimeNs: stat.ctimeNs, inode: stat.ino }),
      ...(type === 'block' || type === 'character' ? { device: deviceOf(stat.rdev) } : {}),
      ...(type === 'symlink' ? { target: linkTarget(found.file) } : {}),
      sizeBytes: content.sizeBytes ?? 0,
      extents: content.extents ?? [],
      ...(xattrs === undefined ? {} : { xattrs }),
    };
  }

  /**
   * A file that changed as late as this may be changed again within the same tick of the file system's clock: without
   * ctime and inode in its entry the next run reads it again.
   */
  #isRacy({ ctimeNs, mtimeNs }: StatFacts): boolean {
    if (ctimeNs >= this.#racyFromNs) return true;
    return mtimeNs >= this.#racyFromNs && mtimeNs <= BigInt(Date.now()) * 1_000_000n + RACY_NS;
  }

  #attributesOf({ file }: Found): ReadonlyMap<string, Uint8Array> | undefined {
    if (this.#attributes === undefined) {
      this.#tellOnce(
        'extended attributes and ACLs are not kept: the optional package fs-xattr is not installed',
      );
      return undefined;
    }
    if (typeof file !== 'string') return undefined;
    try {
      return this.#attributes.read(file);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      this.#tellOnce(
        `extended attributes and ACLs are not kept: ${JSON.stringify(file)}: ${code ?? message}`,
      );
      return undefined;
    }
  }

  #tellOnce(message: string): void {
    if (!this.#areAttributesTold) this.#notice(message);
    this.#areAttributesTold = true;
  }
}

/** A file with several names. */
export const mayBeLinked = ({ seen }: Found): boolean => seen.nlink > 1 && seen.isFile();

function identity({ stat }: Found): string {
  return `${stat.dev}:${stat.ino}`;
}

/** What kind of entry a path is; undefined for what is not kept: sockets. */
export function typeOf(stat: StatsBase<number | bigint>): EntryType | undefined {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'directory';
  if (stat.isSymbolicLink()) return 'symlink';
  if (stat.isFIFO()) return 'fifo';
  if (stat.isBlockDevice()) return 'block';
  if (stat.isCharacterDevice()) return 'character';
  return undefined;
}

/** Text where it is UTF-8, else its bytes. */
function linkTarget(file: string | Buffer): string | Uint8Array {
  const bytes = fs.readlinkSync(file, 'buffer');
  const text = bytes.toString('utf8');
  return Buffer.from(text, 'utf8').equals(bytes) ? text : bytes;
}

/** Linux packs both numbers into one, each in two parts. */
function deviceOf(rdev: bigint): readonly [number, number] {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n);
  return [Number(major), Number(minor)];
}
