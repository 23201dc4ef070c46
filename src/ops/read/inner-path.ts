/** `ID:path/inside`: what a person types for a part of a tree. */
import { checkEntryPath } from '../../core/entry-path.js';
import type { FileId } from '../../core/ids.js';
import { isDisktroError, usageError } from '../../errors.js';
import { resolveFileId } from '../files/resolve.js';
import type { Home } from '../home/home.js';

export interface FoundPart {
  readonly id: FileId;
  /** `/`-separated, without slashes around it; empty for the whole. */
  readonly inner: string;
}

/**
 * The file or tree, and the path inside it if one is given. A name may itself have a colon: the whole text is tried first,
 * then the longest beginning.
 * @throws E_NOT_FOUND, E_AMBIGUOUS; E_USAGE for a path that cannot be inside a tree
 */
export function resolvePart(home: Home, text: string): FoundPart {
  for (let end = text.length; end > 0; end = text.lastIndexOf(':', end - 1)) {
    const id = found(home, text.slice(0, end));
    if (id !== undefined) return { id, inner: innerPath(text.slice(end + 1)) };
  }
  return { id: resolveFileId(home, text), inner: '' };
}

/** The same of an id and a path that come apart. */
export function partOf(home: Home, id: string, path: string): FoundPart {
  return { id: resolveFileId(home, id), inner: innerPath(path) };
}

function found(home: Home, text: string): FileId | undefined {
  try {
    return resolveFileId(home, text);
  } catch (error) {
    if (isDisktroError(error, 'E_NOT_FOUND')) return undefined;
    throw error;
  }
}

/** @throws E_USAGE */
function innerPath(text: string): string {
  const trimmed = text.replace(/^(\.?\/)+|\/+$/g, '');
  if (trimmed === '' || trimmed === '.') return '';
  try {
    checkEntryPath(trimmed);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw usageError(`path inside a tree: ${why}`);
  }
  return trimmed;
}

export function innerBytes(inner: string | undefined): Buffer {
  return Buffer.from(inner ?? '', 'utf8');
}
