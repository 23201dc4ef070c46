/**
 * The mark of an unfinished restore: a small file in the target's root, durable before anything else is written there.
 * It says which tree is being restored, by which rule for files that are there, and how temporary names begin; so the
 * next run knows what is its own.
 */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { bootId } from '../../catalog/sessions.js';
import type { FileId } from '../../core/ids.js';
import type { SafeFolder } from '../../store/safe-folder.js';

export type Overwrite = 'never' | 'if-changed' | 'always';

const OVERWRITE_RULES: readonly Overwrite[] = ['never', 'if-changed', 'always'];

export interface RestoreMark {
  readonly id: string;
  /** What of the tree. */
  readonly inner: string;
  readonly overwrite: Overwrite;
  /** In the names of temporary files. */
  readonly token: string;
  /** Changes when the machine starts anew: what was not synced before then may be gone. */
  readonly boot: string;
}

const PREFIX = '.disktro-restore-';
const MOST_BYTES = 16 * 1024;

export const markName = (id: FileId): string => `${PREFIX}${id.slice(0, 16)}`;

export function temporaryPrefix({ token }: RestoreMark): string {
  return `.disktro-${token}-`;
}

export function newMark(id: FileId, inner: string, overwrite: Overwrite): RestoreMark {
  return { id, inner, overwrite, token: randomBytes(6).toString('hex'), boot: bootId() };
}

/** undefined when there is none, or none that this program wrote. */
export function readMark(root: SafeFolder, id: FileId): RestoreMark | undefined {
  try {
    const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants;
    const descriptor = fs.openSync(root.at(markName(id)), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    try {
      const bytes = Buffer.alloc(MOST_BYTES);
      const length = fs.readSync(descriptor, bytes, 0, MOST_BYTES, 0);
      return parse(bytes.subarray(0, length).toString('utf8'), id);
    } finally {
      fs.closeSync(descriptor);
    }
  } catch {
    return undefined;
  }
}

/** Durable when it returns. @throws the system's error */
export function writeMark(root: SafeFolder, id: FileId, mark: RestoreMark): void {
  const temporary = `${temporaryPrefix(mark)}mark`;
  const descriptor = fs.openSync(root.at(temporary), 'wx', 0o600);
  try {
    fs.writeSync(descriptor, JSON.stringify(mark));
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
  const path = root.path();
  fs.renameSync(root.at(temporary), root.at(markName(id)));
  syncFolderSync(path);
}

export function removeMark(root: SafeFolder, id: FileId): void {
  fs.rmSync(root.at(markName(id)), { force: true });
}

/** Whether the machine has run without a break since the mark was made: what was written is then really there. */
export const isOfThisBoot = (mark: RestoreMark): boolean => mark.boot !== 'unknown' && mark.boot === bootId();

/** The temporary name of a mark that was being written. */
export const isStrayMark = (name: string): boolean => /^\.disktro-[0-9a-f]{12}-mark$/.test(name);

export const isMarkName = (name: string): boolean => name.startsWith(PREFIX);

function parse(text: string, id: FileId): RestoreMark | undefined {
  const value = JSON.parse(text) as Partial<Record<keyof RestoreMark, unknown>>;
  const { inner, overwrite, token, boot } = value;
  const rule = OVERWRITE_RULES.find((each) => each === overwrite);
  const isWhole = typeof inner === 'string' && typeof token === 'string' && typeof boot === 'string';
  if (value.id !== id || rule === undefined || !isWhole || !/^[0-9a-f]{12}$/.test(token)) return undefined;
  return { id, inner, overwrite: rule, token, boot };
}

function syncFolderSync(path: string | Buffer): void {
  if (process.platform === 'win32') return;
  const descriptor = fs.openSync(path, 'r');
  try {
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
}
