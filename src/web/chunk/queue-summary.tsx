/**
 * All files on their way in together: how far, how fast, how long still.
 */
import { ProgressBar } from '../parts/bars.js';
import type { JSX } from '../preact.js';
import { cancelAll, clearEnded, openCount, queue, queueTotals } from '../state/upload-queue.js';
import { durationText, numberText, rateText, sizeText } from '../text/units.js';

export function QueueSummary(): JSX.Element {
  const { bytes, doneBytes, done, failed, rate } = queueTotals.value;
  const isBusy = openCount.value > 0;
  const count = queue.value.length;
  return (
    <div class="queue-summary">
      <div class="queue-top">
        <h2 id="queue-title">
          {isBusy ? 'On their way' : 'Done'}
          <span class="muted">
            {' '}
            {numberText(done)} of {numberText(count)} stored
            {failed > 0 ? `, ${numberText(failed)} failed` : ''}
          </span>
        </h2>
        {isBusy ? (
          <button type="button" class="button small" onClick={cancelAll}>
            Cancel all
          </button>
        ) : (
          <button type="button" class="button small" onClick={clearEnded}>
            Clear the list
          </button>
        )}
      </div>
      <ProgressBar
        label="Progress of all files"
        value={isBusy ? doneBytes : 1}
        whole={isBusy ? Math.max(1, bytes) : 1}
      />
      <p class="muted queue-figures">
        {sizeText(doneBytes)} of {sizeText(bytes)}
        {isBusy && rate > 0 ? ` · ${rateText(rate)} · ${durationText((bytes - doneBytes) / rate)} left` : ''}
      </p>
      <ul class="legend">
        <li>
          <span class="swatch stored" /> stored
        </li>
        <li>
          <span class="swatch saved" /> saved by compression
        </li>
        <li>
          <span class="swatch known" /> known already
        </li>
      </ul>
    </div>
  );
}
