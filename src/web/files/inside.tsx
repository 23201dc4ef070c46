/**
 * What is inside a stored folder: one folder of it at a time, whose files can be downloaded one by one.
 */
import { getEntries } from '../api/calls.js';
import { asPageError, isAbort } from '../api/page-error.js';
import type { FileInfo, TreeEntry } from '../api/shapes.js';
import { Icon } from '../parts/icon.js';
import { VirtualList } from '../parts/virtual-list.js';
import { type JSX, type Signal, useEffect, useSignal } from '../preact.js';
import { ensureUnlocked, isUnlocked } from '../state/vault.js';
import { numberText, sizeText } from '../text/units.js';
import { download } from './file-actions.js';

const ROW_HEIGHT = 40;

export function Inside({ file }: { readonly file: FileInfo }): JSX.Element {
  if (isUnlocked.value) return <Folder file={file} />;
  return (
    <button type="button" class="link" onClick={() => void ensureUnlocked('look inside a folder')}>
      <Icon name="lock" />
      Unlock to look inside
    </button>
  );
}

interface Shown {
  readonly entries: readonly TreeEntry[];
  /** Where the next page begins; null: this is all. */
  readonly next: number | null;
  readonly problem: string;
}

function Folder({ file }: { readonly file: FileInfo }): JSX.Element {
  const folder = useSignal('');
  const shown = useShown(file.id, folder.value);
  const told = shown.value;
  const open = ({ path, type }: TreeEntry): void => {
    if (type === 'directory') folder.value = path;
    else if (type === 'file' || type === 'hardlink') void download(file, path);
  };
  return (
    <div class="inside">
      {folder.value === '' ? null : <Place file={file} folder={folder} />}
      <div
        class="table narrow"
        role="grid"
        aria-label="Inside the folder"
        aria-rowcount={(told?.entries.length ?? 0) + 1}
      >
        <div role="rowgroup" class="unseen">
          <div role="row" aria-rowindex={1}>
            <span role="columnheader">Name</span>
            <span role="columnheader">Size</span>
          </div>
        </div>
        <VirtualList
          items={told?.entries ?? []}
          keyOf={({ path }) => path}
          rowHeight={ROW_HEIGHT}
          row={cellsOf}
          onOpen={open}
          label="Entries"
        />
      </div>
      <p class="muted" role="status">
        {statusOf(told)}
      </p>
      {typeof told?.next === 'number' ? (
        <button type="button" class="button" onClick={() => void addPage(shown, file.id, folder.peek())}>
          Show more
        </button>
      ) : null}
    </div>
  );
}

/** Where one is, and the way back. */
function Place({ file, folder }: { readonly file: FileInfo; readonly folder: Signal<string> }): JSX.Element {
  const path = folder.value;
  return (
    <div class="inside-place">
      <button
        type="button"
        class="button quiet icon-only"
        aria-label="To the folder above"
        onClick={() => {
          folder.value = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
        }}
      >
        <Icon name="back" />
      </button>
      <code>{path}</code>
      <button
        type="button"
        class="button quiet icon-only"
        aria-label="Download this folder"
        onClick={() => void download(file, path)}
      >
        <Icon name="download" />
      </button>
    </div>
  );
}

function cellsOf({ path, type, size, target }: TreeEntry): JSX.Element {
  return (
    <>
      <div class="cell name" role="gridcell" title={target === undefined ? path : `${path} → ${target}`}>
        <Icon name={type === 'directory' ? 'folder' : 'file'} />
        <span class="name-text">{path.slice(path.lastIndexOf('/') + 1)}</span>
      </div>
      <div class="cell size" role="gridcell">
        {type === 'file' ? sizeText(size) : type === 'directory' ? '' : type}
      </div>
    </>
  );
}

function statusOf(told: Shown | undefined): string {
  if (told === undefined) return 'Reading…';
  if (told.problem !== '') return told.problem;
  if (told.entries.length === 0) return 'An empty folder.';
  return told.next === null ? '' : `The first ${numberText(told.entries.length)} entries.`;
}

/** undefined until the first page of this folder is there. */
function useShown(id: string, folder: string): Signal<Shown | undefined> {
  const shown = useSignal<Shown | undefined>(undefined);
  useEffect(() => {
    const stopper = new AbortController();
    shown.value = undefined;
    void addPage(shown, id, folder, stopper.signal);
    return () => stopper.abort();
  }, [id, folder]);
  return shown;
}

async function addPage(
  shown: Signal<Shown | undefined>,
  id: string,
  folder: string,
  signal?: AbortSignal,
): Promise<void> {
  const before = shown.peek();
  try {
    const { entries, next } = await getEntries(id, folder, before?.next ?? 0, signal);
    // Another folder was opened meanwhile.
    if (shown.peek() !== before) return;
    shown.value = { entries: [...(before?.entries ?? []), ...entries], next, problem: '' };
  } catch (error) {
    if (isAbort(error) || shown.peek() !== before) return;
    shown.value = { entries: [], next: null, ...before, problem: asPageError(error).message };
  }
}
