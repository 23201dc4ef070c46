/**
 * The tab Chunk: files go in here. Shows for each how far it is, what was known already and what compression saves.
 */
import { DropZone } from '../parts/drop-zone.js';
import { VirtualList } from '../parts/virtual-list.js';
import { type JSX, useId } from '../preact.js';
import { keptSignal } from '../state/kept.js';
import { isNarrow } from '../state/screen.js';
import { serverStatus } from '../state/server.js';
import { cutOff, enqueue, type NamedFile, queue } from '../state/upload-queue.js';
import { ensureUnlocked } from '../state/vault.js';
import { countText } from '../text/units.js';
import { QueueCard } from './queue-card.js';
import { QueueSummary } from './queue-summary.js';

const WIDE_ROW = 104;
const NARROW_ROW = 124;

/** Empty: as the server is set up. */
const replicas = keptSignal('replicas', '');
const tags = keptSignal('tags', '');

export function ChunkTab(): JSX.Element {
  return (
    <div class="chunk">
      <CutOff />
      <DropZone
        title="Drop files or folders here"
        hint="Each is cut into chunks, compressed and encrypted on this machine, and copied to your other machines."
        isMany
        onFiles={(files) => void add(files)}
      />
      <Options />
      {queue.value.length === 0 ? null : (
        <section class="queue" aria-labelledby="queue-title">
          <QueueSummary />
          <div
            class="table"
            role="grid"
            aria-label="Files on their way"
            aria-rowcount={queue.value.length + 1}
          >
            <VirtualList
              items={queue.value}
              keyOf={({ key }) => key}
              rowHeight={isNarrow.value ? NARROW_ROW : WIDE_ROW}
              row={(item) => <QueueCard item={item} />}
              label="Files on their way"
            />
          </div>
        </section>
      )}
    </div>
  );
}

async function add(files: readonly NamedFile[]): Promise<void> {
  if (files.length === 0 || !(await ensureUnlocked('store files'))) return;
  await enqueue(files, {
    ...(replicas.value === '' ? {} : { replicas: replicas.value }),
    ...(tags.value.trim() === '' ? {} : { tags: tags.value.trim() }),
  });
}

function CutOff(): JSX.Element | null {
  const names = cutOff.value;
  if (names.length === 0) return null;
  return (
    <div class="hint-card" role="status">
      <p>
        <strong>{countText(names.length, 'upload was', 'uploads were')} cut off</strong> when the page was
        left: {names.slice(0, 3).join(', ')}
        {names.length > 3 ? ` and ${names.length - 3} more` : ''}. Choose them again; chunks that are stored
        already are not stored twice.
      </p>
      <button
        type="button"
        class="button small"
        onClick={() => {
          cutOff.value = [];
        }}
      >
        Fine
      </button>
    </div>
  );
}

function Options(): JSX.Element {
  const copiesId = useId();
  const tagsId = useId();
  return (
    <div class="options">
      <div>
        <label for={copiesId}>Copies of each</label>
        <select
          id={copiesId}
          class="field"
          value={replicas.value}
          onChange={(event) => {
            replicas.value = event.currentTarget.value;
          }}
        >
          <option value="">as set up ({serverStatus.value?.replicas ?? 3})</option>
          {['1', '2', '3', '4', '5', '6'].map((count) => (
            <option key={count} value={count}>
              {count}
            </option>
          ))}
        </select>
      </div>
      <div class="grow">
        <label for={tagsId}>Tags, with commas between them</label>
        <input
          id={tagsId}
          class="field"
          autocomplete="off"
          placeholder="photos, 2026"
          value={tags.value}
          onInput={(event) => {
            tags.value = event.currentTarget.value;
          }}
        />
      </div>
    </div>
  );
}
