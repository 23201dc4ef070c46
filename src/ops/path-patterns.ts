/** Patterns over the paths of a tree, by the rules of .gitignore. The one importer of `ignore`. */
import ignore from 'ignore';

/** @param path relative, `/`-separated, not empty; a name that is no UTF-8 as it reads with replacement characters */
export type PathMatcher = (path: string, isFolder: boolean) => boolean;

/** Whether a path, or a folder that it lies in, is matched by the patterns; later ones and `!` undo earlier ones. */
export function pathMatcher(patterns: readonly string[]): PathMatcher {
  const rules = ignore({ allowRelativePaths: true }).add(patterns);
  return (path, isFolder) => rules.ignores(isFolder ? `${path}/` : path);
}
