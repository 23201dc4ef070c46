/**
 * Which files a search finds, and in which order they stand. Plain functions over lists of any length.
 */
import type { FileInfo } from '../api/shapes.js';

export type SortKey = 'name' | 'size' | 'created' | 'copies';

/** Beyond it names are compared by their code units: the collator takes a second and more for 100,000. */
const COLLATED = 5_000;

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });
const searchTexts = new WeakMap<FileInfo, string>();

/** A new list; files that compare equal keep the order of their ids. */
export function ordered(
  files: readonly FileInfo[],
  key: SortKey,
  isDescending: boolean,
): readonly FileInfo[] {
  const sign = isDescending ? -1 : 1;
  const compare = comparison(key, files.length);
  return [...files].sort((one, other) => sign * compare(one, other) || (one.id < other.id ? -1 : 1));
}

function comparison(key: SortKey, count: number): (one: FileInfo, other: FileInfo) => number {
  switch (key) {
    case 'size':
      return (one, other) => (one.size ?? 0) - (other.size ?? 0);
    case 'copies':
      return (one, other) => share(one) - share(other);
    case 'created':
      return (one, other) => compareText(one.created_at, other.created_at);
    case 'name':
      if (count > COLLATED) return (one, other) => compareText(searchText(one), searchText(other));
      return (one, other) => collator.compare(one.name ?? one.id, other.name ?? other.id);
  }
}

function share({ copies }: FileInfo): number {
  return copies.confirmed / Math.max(1, copies.wanted);
}

function compareText(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

/** Those whose name, tags or id have every word of the search; the id from its beginning. */
export function matching(files: readonly FileInfo[], search: string): readonly FileInfo[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return files;
  return files.filter((file) => {
    const text = searchText(file);
    return words.every((word) => text.includes(word) || file.id.startsWith(word));
  });
}

/** Name and tags in lower case, made once for each file. */
function searchText(file: FileInfo): string {
  const known = searchTexts.get(file);
  if (known !== undefined) return known;
  const text = [file.name ?? file.id, ...(file.tags ?? [])].join(' ').toLowerCase();
  searchTexts.set(file, text);
  return text;
}
