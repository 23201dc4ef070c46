/** Patterns over the paths of a tree, by the rules of .gitignore. The one importer of `ignore`. */
import ignore from 'ignore';

export type PatternRules = ReturnType<typeof ignore>;

/** @param lines as in a .gitignore */
export function patternRules(lines: string | readonly string[]): PatternRules {
  // Git itself tells letters apart by case where the file system does.
  return ignore({ ignorecase: process.platform === 'win32', allowRelativePaths: true }).add(lines);
}

/** @param path relative, `/`-separated, not empty; a name that is no UTF-8 as it reads with replacement characters */
export type PathMatcher = (path: string, isFolder: boolean) => boolean;

/** Whether a path, or a folder that it lies in, is matched by the patterns; later ones and `!` undo earlier ones. */
export function pathMatcher(patterns: readonly string[]): PathMatcher {
  let rules = patternRules(patterns);
  let asked = 0;
  return (path, isFolder) => {
    // It remembers every path that it was asked about.
    if (++asked % MAX_ASKED === 0) rules = patternRules(patterns);
    return rules.ignores(isFolder ? `${path}/` : path);
  };
}

const MAX_ASKED = 50_000;
