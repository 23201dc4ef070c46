/**
 * The list of files: search, order, and rows of which only those in sight are in the document.
 */
import type { FileInfo } from '../api/shapes.js';
import { CopiesBadge } from '../parts/badge.js';
import { Icon } from '../parts/icon.js';
import { VirtualList } from '../parts/virtual-list.js';
import { type ComponentChildren, type JSX, useComputed } from '../preact.js';
import { nowMs } from '../state/clock.js';
import { isDescending, openFileId, search, shownFiles, sortBy, sortKey } from '../state/files.js';
import { isNarrow } from '../state/screen.js';
import { dayText } from '../text/dates.js';
import type { SortKey } from '../text/file-order.js';
import { numberText, shortId, sizeText } from '../text/units.js';

const WIDE_ROW = 44;
const NARROW_ROW = 60;

const COLUMNS: readonly { readonly key: SortKey; readonly title: string }[] = [
  { key: 'name', title: 'Name' },
  { key: 'size', title: 'Size' },
  { key: 'created', title: 'Stored' },
  { key: 'copies', title: 'Copies' },
];

export function SearchField(): JSX.Element {
  return (
    <div class="toolbar">
      <div class="search">
        <Icon name="search" />
        <input
          id="search"
          type="search"
          class="field"
          aria-label="Search by name, tag or id"
          placeholder="Name, tag or id"
          autocomplete="off"
          spellcheck={false}
          value={search.value}
          onInput={(event) => {
            search.value = event.currentTarget.value;
          }}
        />
      </div>
      {isNarrow.value ? <SortChoice /> : null}
      <span class="muted found" role="status">
        {search.value.trim() === '' ? '' : `${numberText(shownFiles.value.length)} found`}
      </span>
    </div>
  );
}

function SortChoice(): JSX.Element {
  return (
    <select
      class="field"
      aria-label="Sort by"
      value={sortKey.value}
      onChange={(event) => sortBy(event.currentTarget.value as SortKey)}
    >
      {COLUMNS.map(({ key, title }) => (
        <option key={key} value={key}>
          {title}
        </option>
      ))}
    </select>
  );
}

export function FileList(): JSX.Element {
  const openId = openFileId.value;
  const shown = shownFiles.value;
  const row = useComputed(() => rowOf(isNarrow.value, nowMs.peek()));
  return (
    <div
      class={`table ${isNarrow.value ? 'narrow' : ''}`}
      role="grid"
      aria-label="Files"
      aria-rowcount={shown.length + 1}
      onKeyDown={(event) => {
        if (event.key === 'Escape') openFileId.value = '';
      }}
    >
      <div role="rowgroup" class={isNarrow.value ? 'unseen' : ''}>
        <div class="row head" role="row" aria-rowindex={1}>
          {COLUMNS.map((column) => (
            <ColumnHead key={column.key} column={column.key} title={column.title} />
          ))}
        </div>
      </div>
      <VirtualList
        items={shown}
        keyOf={({ id }) => id}
        rowHeight={isNarrow.value ? NARROW_ROW : WIDE_ROW}
        row={row.value}
        isSelected={({ id }) => id === openId}
        onOpen={({ id }) => {
          openFileId.value = id;
        }}
        label="Files"
      />
      {shown.length === 0 ? (
        <p class="empty muted">No file has all of these words in its name, tags or id.</p>
      ) : null}
    </div>
  );
}

function ColumnHead({ column, title }: { readonly column: SortKey; readonly title: string }): JSX.Element {
  const isSorted = sortKey.value === column;
  const order = isDescending.value ? 'descending' : 'ascending';
  return (
    <div class={`cell ${column}`} role="columnheader" aria-sort={isSorted ? order : 'none'}>
      <button type="button" class="sort" tabIndex={isNarrow.value ? -1 : 0} onClick={() => sortBy(column)}>
        {title}
        <span aria-hidden="true">{isSorted ? (isDescending.value ? ' ↓' : ' ↑') : ''}</span>
      </button>
    </div>
  );
}

function rowOf(isOneColumn: boolean, atMs: number): (file: FileInfo) => ComponentChildren {
  return (file) => {
    const size = file.size === null ? '–' : sizeText(file.size);
    const day = dayText(file.created_at, atMs);
    return (
      <>
        <div class="cell name" role="gridcell" title={file.name ?? file.id}>
          <Icon name={file.kind === 'tree' ? 'folder' : 'file'} />
          <span class="name-text">
            {file.name ?? <code>{shortId(file.id)}</code>}
            {isOneColumn ? (
              <small>
                {size} · {day}
              </small>
            ) : null}
          </span>
        </div>
        {isOneColumn ? null : (
          <>
            <div class="cell size" role="gridcell">
              {size}
            </div>
            <div class="cell created" role="gridcell">
              {day}
            </div>
          </>
        )}
        <div class="cell copies" role="gridcell">
          <CopiesBadge copies={file.copies} />
        </div>
      </>
    );
  };
}
