/**
 * The files of the vault, as last told, and the part of them that is shown. Made for 100,000 of them: what is told of
 * single files is gathered and put in at most four times a second.
 */

import { session } from '../api/access.js';
import { getFiles } from '../api/calls.js';
import { asPageError } from '../api/page-error.js';
import { needsPassword } from '../api/request.js';
import type { FileInfo, FilesChange } from '../api/shapes.js';
import { computed, signal } from '../preact.js';
import { safetyOf } from '../text/copies.js';
import { matching, ordered, type SortKey } from '../text/file-order.js';
import { keptSignal } from './kept.js';
import { tellError } from './notices.js';

/** undefined until told. */
export const files = signal<ReadonlyMap<string, FileInfo> | undefined>(undefined);

export const search = keptSignal('search', '');
export const sortKey = keptSignal<SortKey>('sort', 'created');
export const isDescending = keptSignal('descending', true);
/** The id of the file whose details are open; empty: none. */
export const openFileId = keptSignal('open-file', '');

const GATHER_MS = 250;

const sorted = computed(() => ordered([...(files.value?.values() ?? [])], sortKey.value, isDescending.value));

/** What the list shows, in its order. */
export const shownFiles = computed(() => matching(sorted.value, search.value));

export const openFile = computed(() => files.value?.get(openFileId.value));

export interface FileTotals {
  readonly count: number;
  readonly bytes: number;
  readonly good: number;
  readonly short: number;
  readonly bad: number;
  /** Some names are hidden: no password was given. */
  readonly isLocked: boolean;
}

export const totals = computed<FileTotals>(() => {
  const safety = { good: 0, short: 0, bad: 0 };
  let bytes = 0;
  let isLocked = false;
  for (const file of sorted.value) {
    safety[safetyOf(file.copies)] += 1;
    bytes += file.size ?? 0;
    isLocked ||= file.name === null;
  }
  return { count: sorted.value.length, bytes, isLocked, ...safety };
});

let isLoading = false;
let isStale = false;
let gathered: FilesChange[] = [];
let isGathering = false;

/** Fetches the list; when asked again meanwhile, once more after that. */
export async function loadFiles(): Promise<void> {
  isStale = true;
  if (isLoading) return;
  isLoading = true;
  try {
    while (isStale) {
      isStale = false;
      const list = await getFiles();
      gathered = [];
      files.value = new Map(list.map((file) => [file.id, file]));
      // The keys were wiped: nobody has used them for ten minutes.
      if (list.some(({ name }) => name === null)) session.value = undefined;
    }
  } catch (error) {
    if (!needsPassword(asPageError(error))) tellError('The list of files could not be read', error);
  } finally {
    isLoading = false;
  }
}

export function noteFiles(change: FilesChange): void {
  if (change.reload === true) {
    void loadFiles();
    return;
  }
  gathered.push(change);
  if (!isGathering) setTimeout(putIn, GATHER_MS);
  isGathering = true;
}

function putIn(): void {
  isGathering = false;
  if (files.value === undefined) return;
  const merged = new Map(files.value);
  for (const { changed = [], removed = [] } of gathered) {
    for (const file of changed) merged.set(file.id, withName(file, merged.get(file.id)));
    for (const id of removed) merged.delete(id);
  }
  gathered = [];
  files.value = merged;
}

/** An event may come without the name that is known already. */
function withName(file: FileInfo, known: FileInfo | undefined): FileInfo {
  if (file.name !== null || known === undefined) return file;
  const { name, size, tags, chunk_count } = known;
  return { ...file, name, size, tags, chunk_count };
}

/** Sorts by this column; by the one it is sorted by already, the other way round. */
export function sortBy(key: SortKey): void {
  if (sortKey.value === key) isDescending.value = !isDescending.value;
  else {
    isDescending.value = key === 'created' || key === 'size';
    sortKey.value = key;
  }
}
