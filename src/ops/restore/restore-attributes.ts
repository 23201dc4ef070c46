/**
 * What of an entry's metadata a restored file gets: owner, extended attributes, mode and time, in the order in which one
 * does not undo the other. Attributes that could hand out rights are left out unless asked for.
 */
import fs from 'node:fs';
import type { Entry } from '../../core/entry.js';
import type { Accounts } from '../../store/accounts.js';
import { readAccounts } from '../../store/accounts.js';
import type { ExtendedAttributes } from '../../store/extended-attributes.js';
import type { PathLike } from '../../store/path-bytes.js';

export interface AttributeOptions {
  /** Setuid, setgid and file capabilities too. */
  readonly keepSetuid?: boolean | undefined;
  /** Owners by number, even where their name is known here under another one. */
  readonly numericIds?: boolean | undefined;
}

/** Reached by descriptor where there is one: `path` then leads to the same file, whatever its name is meanwhile. */
export interface AttributeTarget {
  readonly descriptor?: number | undefined;
  readonly path: PathLike;
}

type Attribute = 'owner' | 'xattrs' | 'mode' | 'time';

const SETUID_SETGID = 0o6000;
const CAPABILITY = 'security.capability';
const ACL = /^system\.posix_acl_(access|default)$/;

export class Attributes {
  readonly #keepSetuid: boolean;
  readonly #accounts: Accounts | undefined;
  readonly #isRoot = process.geteuid?.() === 0;
  readonly #extended: ExtendedAttributes | undefined;
  readonly #lost = new Map<Attribute, { count: number; readonly first: string }>();
  /** Attributes that could not be set although this file system has them. */
  failures = 0;

  /** @param extended undefined where this system cannot set any */
  constructor(options: AttributeOptions, extended: ExtendedAttributes | undefined) {
    this.#keepSetuid = options.keepSetuid === true;
    this.#accounts = options.numericIds === true ? undefined : readAccounts();
    this.#extended = extended;
  }

  /** User and group number that the entry has here; undefined when only root may give them and we are not. */
  ownerOf(entry: Entry): readonly [number, number] | undefined {
    if (!this.#isRoot) return undefined;
    const uid = entry.user === undefined ? undefined : this.#accounts?.user(entry.user);
    const gid = entry.group === undefined ? undefined : this.#accounts?.group(entry.group);
    return [uid ?? entry.uid, gid ?? entry.gid];
  }

  /** Setgid of a folder says who owns what is made in it, and gives nobody rights. */
  modeOf(entry: Entry): number {
    if (this.#keepSetuid) return entry.mode;
    return entry.mode & ~(entry.type === 'directory' ? 0o4000 : SETUID_SETGID);
  }

  /** Whether mode and owner are as they shall be; extended attributes are not looked at. */
  areSet(entry: Entry, stat: fs.BigIntStats): boolean {
    const [uid, gid] = this.ownerOf(entry) ?? [Number(stat.uid), Number(stat.gid)];
    const isOwner = Number(stat.uid) === uid && Number(stat.gid) === gid;
    return isOwner && (entry.type === 'symlink' || (Number(stat.mode) & 0o7777) === this.modeOf(entry));
  }

  /**
   * Sets all, the time last. What cannot be set is counted; nothing is thrown.
   * @param seen of a file that has just been made: what it has right already is not set again
   */
  set(target: AttributeTarget, entry: Entry, seen?: fs.Stats): void {
    const { descriptor, path } = target;
    const owner = this.ownerOf(entry);
    const isOwnerSet = owner !== undefined && (seen?.uid !== owner[0] || seen.gid !== owner[1]);
    if (isOwnerSet) {
      const [uid, gid] = owner;
      this.#try('owner', () =>
        descriptor === undefined ? fs.chownSync(path, uid, gid) : fs.fchownSync(descriptor, uid, gid),
      );
    }
    this.#setXattrs(path, entry);
    const mode = this.modeOf(entry);
    // A new owner takes bits of the mode away, and an ACL changes it.
    const isModeRight = !isOwnerSet && entry.xattrs === undefined && seen && (seen.mode & 0o7777) === mode;
    if (entry.type !== 'symlink' && isModeRight !== true) {
      this.#try('mode', () =>
        descriptor === undefined ? fs.chmodSync(path, mode) : fs.fchmodSync(descriptor, mode),
      );
    }
    const seconds = fileTime(entry.mtimeNs);
    this.#try('time', () =>
      descriptor === undefined
        ? fs.utimesSync(path, seconds, seconds)
        : fs.futimesSync(descriptor, seconds, seconds),
    );
  }

  /** Owner and time of a link itself, where it cannot be opened. */
  setOfLink(path: PathLike, entry: Entry): void {
    const owner = this.ownerOf(entry);
    if (owner !== undefined) this.#try('owner', () => fs.lchownSync(path, ...owner));
    const seconds = fileTime(entry.mtimeNs);
    this.#try('time', () => fs.lutimesSync(path, seconds, seconds));
  }

  /** A sentence per kind of attribute that was lost. */
  remarks(): readonly string[] {
    return [...this.#lost].map(([attribute, { count, first }]) => {
      const what = {
        owner: 'the owner',
        xattrs: 'an extended attribute',
        mode: 'the mode',
        time: 'the time',
      };
      return `${what[attribute]} of ${count === 1 ? '1 entry' : `${count} entries`} could not be set: ${first}`;
    });
  }

  #setXattrs(path: PathLike, { xattrs, type }: Entry): void {
    if (xattrs === undefined || type === 'symlink') return;
    for (const [name, value] of xattrs) {
      if (!this.#mayHave(name)) continue;
      this.#try('xattrs', () => {
        if (this.#extended === undefined) throw Object.assign(new Error('none here'), { code: 'ENOTSUP' });
        this.#extended.write(path.toString(), name, value);
      });
    }
  }

  /** What is trusted is root's; a capability is a setuid bit by another name. */
  #mayHave(name: string): boolean {
    if (name === CAPABILITY) return this.#keepSetuid;
    return name.startsWith('user.') || ACL.test(name) || (this.#isRoot && name.startsWith('trusted.'));
  }

  #try(attribute: Attribute, set: () => void): void {
    try {
      set();
    } catch (error) {
      const { code = '', message } = error as NodeJS.ErrnoException;
      const isUnknownHere = code === 'ENOTSUP' || code === 'EOPNOTSUPP' || code === 'ENOSYS';
      if (!isUnknownHere) this.failures++;
      const reason = isUnknownHere ? `not supported there (${code})` : code || message;
      const lost = this.#lost.get(attribute);
      if (lost === undefined) this.#lost.set(attribute, { count: 1, first: reason });
      else lost.count++;
    }
  }
}

/**
 * Seconds for utimes, which cuts off what is below a microsecond: half of one more keeps it from losing a whole one.
 * Text, because Node takes a negative number for now.
 */
function fileTime(ns: bigint): string {
  const us = Number(microseconds(ns));
  return String((us + (us < 0 ? -0.5 : 0.5)) / 1e6);
}

/** Times are compared and set to the microsecond, which is what Node can set. */
export function microseconds(ns: bigint): bigint {
  return ns >= 0n ? ns / 1000n : -((-ns + 999n) / 1000n);
}
