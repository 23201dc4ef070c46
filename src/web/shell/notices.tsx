/**
 * What runs and what has happened, at the edge of the page. Errors are read out at once, the rest when there is time.
 */

import { ProgressBar } from '../parts/bars.js';
import { Icon } from '../parts/icon.js';
import type { JSX } from '../preact.js';
import { nowMs } from '../state/clock.js';
import { type Job, jobs } from '../state/jobs.js';
import { dismiss, type Notice, notices } from '../state/notices.js';
import { durationText, rateText, sizeText } from '../text/units.js';

export function Notices(): JSX.Element {
  return (
    <aside class="notices" aria-label="Activity">
      {jobs.value.map((job) => (
        <JobCard key={job.task} job={job} />
      ))}
      <div role="alert">
        {notices.value
          .filter(({ kind }) => kind === 'error')
          .map((notice) => (
            <NoticeCard key={notice.key} notice={notice} />
          ))}
      </div>
      <div role="status">
        {notices.value
          .filter(({ kind }) => kind === 'done')
          .map((notice) => (
            <NoticeCard key={notice.key} notice={notice} />
          ))}
      </div>
    </aside>
  );
}

function NoticeCard({ notice }: { readonly notice: Notice }): JSX.Element {
  return (
    <div class={`notice ${notice.kind}`}>
      <Icon name={notice.kind === 'done' ? 'check' : 'alert'} />
      <p>
        <strong>{notice.text}</strong>
        {notice.hint === '' ? null : <span>{notice.hint}</span>}
      </p>
      <button
        type="button"
        class="button quiet icon-only"
        aria-label="Dismiss"
        onClick={() => dismiss(notice.key)}
      >
        <Icon name="close" />
      </button>
    </div>
  );
}

function JobCard({ job }: { readonly job: Job }): JSX.Element {
  const told = job.progress.value;
  const whole = told?.totalBytes ?? 0;
  const bytes = told?.bytes ?? 0;
  const rate = job.pace.rate(nowMs.value);
  const left = job.pace.secondsLeft(whole, nowMs.value);
  return (
    <div class="notice job">
      <div class="job-text">
        <strong>{job.title}</strong>
        <ProgressBar label={job.title} value={bytes} whole={whole} />
        <span>
          {whole > 0 ? `${sizeText(bytes)} of ${sizeText(whole)}` : 'at work'}
          {rate > 0 ? ` · ${rateText(rate)}` : ''}
          {rate > 0 && whole > 0 ? ` · ${durationText(left)} left` : ''}
        </span>
      </div>
      <button type="button" class="button quiet small" onClick={job.stop}>
        Cancel
      </button>
    </div>
  );
}
