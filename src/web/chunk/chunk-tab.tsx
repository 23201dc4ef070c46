/**
 * The tab Chunk: files go in here. Shows for each how far it is, what was known already and what compression saves.
 */
import { DropZone } from '../parts/drop-zone.js';
import { HintCard } from '../parts/hint-card.js';
import { VirtualList } from '../parts/virtual-list.js';
import { type JSX, signal, useId } from '../preact.js';
import { keptSignal } from '../state/kept.js';
import { isNarrow } from '../state/screen.js';
import { cutOff, enqueue, type NamedFile, queue } from '../state/upload-queue.js';
import { ensureUnlocked, question } from '../state/vault.js';
import { countText } from '../text/units.js';
import { QueueCard } from './queue-card.js';
import { QueueSummary } from './queue-summary.js';

const WIDE_ROW = 104;
const NARROW_ROW = 124;

const tags = keptSignal('tags', '');
/** Files for which the password is still missing. */
const chosen = signal<readonly NamedFile[]>([]);

export function ChunkTab(): JSX.Element {
  return (
    <div class="chunk">
      <CutOff />
      <Chosen />
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

/** What was chosen stays so when the password is not given. */
async function add(files: readonly NamedFile[]): Promise<void> {
  chosen.value = [...chosen.value, ...files];
  if (chosen.value.length === 0 || !(await ensureUnlocked('store files'))) return;
  const all = chosen.value;
  chosen.value = [];
  await enqueue(all, tags.value.trim() === '' ? {} : { tags: tags.value.trim() });
}

function Chosen(): JSX.Element | null {
  const count = chosen.value.length;
  if (count === 0 || question.value !== undefined) return null;
  return (
    <HintCard
      actions={[
        { label: `Store ${count === 1 ? 'it' : 'them'}`, isPrimary: true, run: () => void add([]) },
        {
          label: 'Forget',
          run: () => {
            chosen.value = [];
          },
        },
      ]}
    >
      <strong>{countText(count, 'file is', 'files are')} chosen</strong> and not stored yet: that takes the
      password.
    </HintCard>
  );
}

function CutOff(): JSX.Element | null {
  const names = cutOff.value;
  if (names.length === 0) return null;
  return (
    <HintCard
      actions={[
        {
          label: 'Fine',
          run: () => {
            cutOff.value = [];
          },
        },
      ]}
    >
      <strong>{countText(names.length, 'upload was', 'uploads were')} cut off</strong> when the page was left:{' '}
      {names.slice(0, 3).join(', ')}
      {names.length > 3 ? ` and ${names.length - 3} more` : ''}. Choose them again; chunks that are stored
      already are not stored twice.
    </HintCard>
  );
}

function Options(): JSX.Element {
  const tagsId = useId();
  return (
    <div class="options">
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
