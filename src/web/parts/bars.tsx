/**
 * Bars: how far something is, and what a whole is made of. Each says in words what it shows.
 */
import type { JSX } from '../preact.js';
import { percentText } from '../text/units.js';

export interface ProgressBarProps {
  readonly label: string;
  readonly value: number;
  /** Unknown while 0: then the bar only moves. */
  readonly whole: number;
}

export function ProgressBar({ label, value, whole }: ProgressBarProps): JSX.Element {
  if (whole <= 0) return <div class="bar busy" role="progressbar" aria-label={label} />;
  const percent = Math.min(100, (value / whole) * 100);
  return (
    <div
      class="bar"
      role="progressbar"
      aria-label={label}
      aria-valuenow={Math.floor(percent)}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuetext={percentText(value, whole)}
    >
      <div class="bar-fill" style={{ width: `${percent}%` }} />
    </div>
  );
}

export interface Segment {
  /** Chooses the colour, and the pattern that tells it apart without one. */
  readonly look: 'good' | 'short' | 'bad' | 'known' | 'stored' | 'saved' | 'used' | 'rest';
  readonly value: number;
}

export interface SegmentBarProps {
  readonly label: string;
  readonly segments: readonly Segment[];
}

export function SegmentBar({ label, segments }: SegmentBarProps): JSX.Element {
  return (
    <div class="bar segments" role="img" aria-label={label}>
      {segments
        .filter(({ value }) => value > 0)
        .map(({ look, value }) => (
          <div key={look} class={`segment ${look}`} style={{ flexGrow: String(value) }} />
        ))}
    </div>
  );
}
