/**
 * One file on its way in: name, progress, rate, time left, what it is made of, and the button that stops it.
 */
import { CopiesBadge } from '../parts/badge.js';
import { ProgressBar, SegmentBar } from '../parts/bars.js';
import { Icon } from '../parts/icon.js';
import type { JSX } from '../preact.js';
import { nowMs } from '../state/clock.js';
import { cancel, type QueueItem, retry } from '../state/upload-queue.js';
import { countText, durationText, percentText, rateText, sizeText } from '../text/units.js';
import { makeUpOf } from './make-up.js';

export function QueueCard({ item }: { readonly item: QueueItem }): JSX.Element {
  const state = item.state.value;
  const isOpen = state === 'waiting' || state === 'sending' || state === 'finishing';
  const done = state === 'done' ? item.file.size : item.sentBytes.value;
  return (
    <>
      <div class={`queue-card ${state}`} role="gridcell">
        <div class="queue-top">
          <span class="queue-name" title={item.name}>
            {item.name}
          </span>
          <span class="queue-state">{stateText(item)}</span>
        </div>
        <ProgressBar
          label={`Progress of ${item.name}`}
          value={state === 'done' && item.file.size === 0 ? 1 : done}
          whole={Math.max(1, item.file.size)}
        />
        <MakeUp item={item} />
      </div>
      <div class="queue-end" role="gridcell">
        {isOpen ? (
          <button
            type="button"
            class="button small"
            aria-label={`Cancel ${item.name}`}
            onClick={() => cancel(item)}
          >
            Cancel
          </button>
        ) : null}
        {state === 'failed' || state === 'cancelled' ? (
          <button
            type="button"
            class="button small"
            aria-label={`Try ${item.name} again`}
            onClick={() => retry(item)}
          >
            <Icon name="retry" />
            Again
          </button>
        ) : null}
        {item.result.value === undefined ? null : <CopiesBadge copies={item.result.value.copies} />}
      </div>
    </>
  );
}

function stateText(item: QueueItem): string {
  const size = item.file.size;
  switch (item.state.value) {
    case 'waiting':
      return `${sizeText(size)} · waiting`;
    case 'sending': {
      const rate = item.pace.rate(nowMs.value);
      const left =
        rate === 0
          ? ''
          : ` · ${rateText(rate)} · ${durationText(item.pace.secondsLeft(size, nowMs.value))} left`;
      return `${sizeText(item.sentBytes.value)} of ${sizeText(size)}${left}`;
    }
    case 'finishing':
      return item.progress.value?.kind === 'copy' ? 'copying to other machines' : 'finishing';
    case 'done':
      return `${sizeText(size)} · stored in ${durationText(item.result.value?.result.seconds ?? 0)}`;
    case 'failed':
      return 'failed';
    case 'cancelled':
      return 'cancelled: nothing of it is listed';
  }
}

function MakeUp({ item }: { readonly item: QueueItem }): JSX.Element {
  const error = item.error.value;
  if (item.state.value === 'failed' && error !== undefined) {
    return (
      <p class="problem" role="alert">
        {error.message}
        {error.hint === '' ? '' : `. ${error.hint}`}
      </p>
    );
  }
  const told = item.result.value?.result ?? item.progress.value;
  const { known, stored, saved } = makeUpOf(told);
  const whole = known + stored + saved;
  if (told === undefined || whole === 0) return <div class="make-up" />;
  const text = `${countText(told.newChunks, 'new chunk')} of ${told.chunks}, ${percentText(known, whole)} known already, ${percentText(saved, whole)} saved by compression`;
  return (
    <div class="make-up">
      <SegmentBar
        label={text}
        segments={[
          { look: 'stored', value: stored },
          { look: 'saved', value: saved },
          { look: 'known', value: known },
        ]}
      />
      <span class="make-up-text" aria-hidden="true">
        {sizeText(stored)} stored · {percentText(saved, whole)} compressed away · {percentText(known, whole)}{' '}
        known already
      </span>
    </div>
  );
}
