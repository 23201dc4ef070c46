/**
 * What of a tree is left out: patterns, `.disktroignore` files, other file systems, caches, the home itself.
 * Reads nothing but those files and cache tags.
 */
import fs from 'node:fs';
import path from 'node:path';
import { usageError } from '../../errors.js';
import { MIB } from '../../limits.js';
import type { PatternRules } from '../read/path-patterns.js';
import { patternRules } from '../read/path-patterns.js';
import type { Found, WalkOptions } from './tree-walk.js';
import { shownPath } from './tree-walk.js';

export interface FilterOptions {
  /** Lines as in a gitignore file, relative to the tree's folder. */
  readonly exclude?: readonly string[] | undefined;
  /** Leaves out what lies on other file systems; their mount points are kept as empty folders. */
  readonly oneFileSystem?: boolean | undefined;
  /** Keeps also what is in folders with a CACHEDIR.TAG (https://bford.info/cachedir/). */
  readonly includeCaches?: boolean | undefined;
}

const IGNORE_FILE = '.disktroignore';
const CACHE_TAG = 'CACHEDIR.TAG';
const CACHE_SIGNATURE = 'Signature: 8a477f597d28d172789f06886806bc55';
const MAX_IGNORE_BYTES = MIB;
/** The matcher remembers each path it was asked about; it is made anew after so many. */
const MAX_ASKED = 10_000;

type Filter = Required<Pick<WalkOptions, 'isExcluded' | 'isEntered' | 'namesOf'>>;

/** @param home the home folder, which is never stored into itself. @throws E_USAGE for a pattern that cannot be read */
export function treeFilter(
  { exclude = [], oneFileSystem = false, includeCaches = false }: FilterOptions,
  home: string,
  onNotice: (message: string) => void,
): Filter {
  const rules = new TreeRules(exclude, onNotice);
  const homeStat = fs.statSync(home, { throwIfNoEntry: false });
  let device: number | undefined;
  return {
    isExcluded(found) {
      const { seen } = found;
      if (oneFileSystem && seen.dev !== device && !seen.isDirectory()) return true;
      if (seen.dev === homeStat?.dev && seen.ino === homeStat.ino && seen.isDirectory()) {
        onNotice(`${shownPath(found.path)}: the home of this vault is not stored in itself`);
        return true;
      }
      return rules.isExcluded(found);
    },
    isEntered({ seen }) {
      device ??= seen.dev;
      return !oneFileSystem || seen.dev === device;
    },
    namesOf(folder, names) {
      if (!includeCaches && names.includes(CACHE_TAG) && isCacheTag(folder)) return [CACHE_TAG];
      if (names.includes(IGNORE_FILE)) rules.enter(folder);
      return names;
    },
  };
}

function isCacheTag({ file }: Found): boolean {
  const start = Buffer.alloc(CACHE_SIGNATURE.length);
  try {
    const tag = inside(file, CACHE_TAG);
    if (!fs.lstatSync(tag).isFile()) return false;
    const descriptor = fs.openSync(tag, 'r');
    try {
      fs.readSync(descriptor, start, 0, start.byteLength, 0);
    } finally {
      fs.closeSync(descriptor);
    }
  } catch {
    return false;
  }
  return start.toString('latin1') === CACHE_SIGNATURE;
}

function inside(folder: string | Buffer, name: string): string | Buffer {
  if (typeof folder === 'string') return path.join(folder, name);
  return Buffer.concat([folder, Buffer.from(`/${name}`)]);
}

interface Level {
  readonly key: string;
  /** Characters of a path before what is relative to this folder. */
  readonly prefix: number;
  readonly patterns: Patterns;
}

/** Patterns of the command line decide first, then those of the nearest folder that says anything. */
class TreeRules {
  readonly #given: Patterns | undefined;
  readonly #notice: (message: string) => void;
  #levels: Level[] = [];

  constructor(given: readonly string[], notice: (message: string) => void) {
    this.#given = given.length === 0 ? undefined : readGiven(given);
    this.#notice = notice;
  }

  /** Reads the folder's own file. The walk enters folders in order, so those it has left are forgotten. */
  enter(folder: Found): void {
    this.#leave(folder.key);
    const file = inside(folder.file, IGNORE_FILE);
    try {
      if (fs.lstatSync(file).size > MAX_IGNORE_BYTES) throw new Error('longer than 1 MiB');
      const patterns = new Patterns(fs.readFileSync(file, 'utf8'));
      const prefix = folder.key === '' ? 0 : shownPath(folder.path).length + 1;
      this.#levels.push({ key: folder.key, prefix, patterns });
    } catch (error) {
      this.#notice(`${file}: cannot be read, nothing is left out by it: ${(error as Error).message}`);
    }
  }

  isExcluded(found: Found): boolean {
    if (this.#given === undefined && this.#levels.length === 0) return false;
    const text = found.seen.isDirectory() ? `${shownPath(found.path)}/` : shownPath(found.path);
    const given = this.#given?.verdict(text);
    if (given !== undefined) return given;
    this.#leave(found.key);
    for (const { prefix, patterns } of this.#levels.toReversed()) {
      const verdict = patterns.verdict(text.slice(prefix));
      if (verdict !== undefined) return verdict;
    }
    return false;
  }

  #leave(key: string): void {
    const holds = (level: Level): boolean => level.key === '' || key.startsWith(`${level.key}\0`);
    while (this.#levels.length > 0 && !this.#levels.every(holds)) this.#levels.pop();
  }
}

function readGiven(lines: readonly string[]): Patterns {
  try {
    return new Patterns(lines.join('\n'));
  } catch (error) {
    throw usageError(`exclude: cannot read a pattern: ${(error as Error).message}`);
  }
}

class Patterns {
  readonly #text: string;
  #matcher: PatternRules;
  #asked = 0;

  constructor(text: string) {
    this.#text = text;
    this.#matcher = patternRules(text);
  }

  /** true: left out, false: kept whatever others say, undefined: nothing is said of it. A folder's path ends with `/`. */
  verdict(relative: string): boolean | undefined {
    if (++this.#asked % MAX_ASKED === 0) this.#matcher = patternRules(this.#text);
    const { ignored, unignored } = this.#matcher.test(relative);
    if (ignored) return true;
    return unignored ? false : undefined;
  }
}
