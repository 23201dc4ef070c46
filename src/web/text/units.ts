/**
 * Numbers as people read them. Sizes count in 1024s, as the command does. Knows nothing of the page.
 */

const SIZES = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** Bytes in at most four digits, as `1.5 MiB`. */
export function sizeText(bytes: number): string {
  let value = Math.max(0, bytes);
  let unit = 0;
  while (value >= 999.5 && unit < SIZES.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  return `${value.toFixed(digits).replace(/\.0$/, '')} ${SIZES[unit]}`;
}

/** Bytes per second, as `12 MiB/s`. */
export function rateText(bytesPerSecond: number): string {
  return `${sizeText(bytesPerSecond)}/s`;
}

/** A length of time in words, as `3 min`; below a second it says so. */
export function durationText(seconds: number): string {
  if (!Number.isFinite(seconds)) return 'unknown';
  if (seconds < 1) return 'under 1 s';
  if (seconds < 59.5) return `${Math.round(seconds)} s`;
  if (seconds < 59.5 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 47.5 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

/** How long ago, as `3 min ago`. Clocks of machines differ: the future is `just now`. */
export function agoText(seconds: number): string {
  return seconds < 10 ? 'just now' : `${durationText(seconds)} ago`;
}

/** `1 file`, `2 files`, `1,000 files`. */
export function countText(count: number, noun: string, plural = `${noun}s`): string {
  return `${numberText(count)} ${count === 1 ? noun : plural}`;
}

/** 1,000 with its comma. */
export function numberText(value: number): string {
  return value.toLocaleString('en');
}

/** A share of a whole, as `45 %`; never 100 % before all is done, nor 0 % once something is. */
export function percentText(part: number, whole: number): string {
  if (whole <= 0) return '0 %';
  const percent = (part / whole) * 100;
  if (percent > 0 && percent < 1) return '1 %';
  return `${percent < 100 ? Math.min(99, Math.round(percent)) : 100} %`;
}

/** An id as it is shown: its first 12 digits. */
export function shortId(id: string): string {
  return id.slice(0, 12);
}
