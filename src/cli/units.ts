/**
 * Numbers as people read them: sizes in IEC units, durations, rates, local dates, plurals. Pure.
 */
const RATED_BYTES = 1024 * 1024;
const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** `1023 B`, `1.0 KiB`, `612 MiB`: three digits at most, one decimal below ten. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (rounded(value) >= (unit === 0 ? 1024 : 1000) && unit < BYTE_UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit > 0 && value < 9.95 ? 1 : 0;
  return `${value.toFixed(digits)} ${BYTE_UNITS[unit]}`;
}

const rounded = (value: number): number => Math.round(value);

export function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(bytesPerSecond)}/s`;
}

/** `40 ms`, `0.3 s`, `12 s`, `2 min 5 s`, `3 h 20 min`, `2 d 4 h`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 0.0995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return twoUnits(whole, 60, 'min', 1, 's');
  if (whole < 86_400) return twoUnits(whole, 3600, 'h', 60, 'min');
  return twoUnits(whole, 86_400, 'd', 3600, 'h');
}

function twoUnits(whole: number, bigSize: number, big: string, smallSize: number, small: string): string {
  const rest = Math.floor((whole % bigSize) / smallSize);
  const first = `${Math.floor(whole / bigSize)} ${big}`;
  return rest === 0 ? first : `${first} ${rest} ${small}`;
}

/** ` (551 MiB/s)` for work big enough to have a rate, else nothing. */
export function rateRemark(bytes: number, seconds: number): string {
  return bytes >= RATED_BYTES && seconds > 0 ? ` (${formatRate(bytes / seconds)})` : '';
}

/** `m:ss` or `h:mm:ss`, as a progress bar shows the time that is left. */
export function formatClock(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  const pad = (value: number): string => String(value).padStart(2, '0');
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}:${pad(whole % 60)}`;
  return `${Math.floor(minutes / 60)}:${pad(minutes % 60)}:${pad(whole % 60)}`;
}

/** An ISO time as `2026-03-01 14:05` in the zone of the person; other text comes back as it was. */
export function formatLocalTime(iso: string): string {
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return iso;
  const pad = (value: number): string => String(value).padStart(2, '0');
  const day = `${time.getFullYear()}-${pad(time.getMonth() + 1)}-${pad(time.getDate())}`;
  return `${day} ${pad(time.getHours())}:${pad(time.getMinutes())}`;
}

/** `1 chunk`, `2 chunks`; give the plural where an s is not enough. */
export function count(number: number, singular: string, plural = `${singular}s`): string {
  return `${number} ${number === 1 ? singular : plural}`;
}
