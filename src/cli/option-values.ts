/** Parsers of option values: text in, a checked value out, or `E_USAGE`. Pure. */
import { COMPRESSION_CHOICES, type Compression, isCompression } from '../core/codec.js';
import { usageError } from '../errors.js';
import { MAX_AVERAGE_CHUNK_BYTES, MIN_AVERAGE_CHUNK_BYTES } from '../limits.js';
import type { CalendarSpan } from '../ops/upkeep/calendar-span.js';
import { parseCalendarSpan } from '../ops/upkeep/calendar-span.js';
import type { Sample } from '../ops/upkeep/drill.js';
import type { GroupPart } from '../ops/upkeep/forget.js';
import { byteSize } from './byte-size.js';

const SECONDS_PER_UNIT: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3600, d: 86_400 };

/** A parser for whole numbers from `min` to `max`. */
export function wholeNumber(min: number, max: number): (text: string, flag: string) => number {
  return (text, flag) => {
    const value = digits(text);
    if (value >= min && value <= max) return value;
    throw unexpected(flag, `a whole number from ${min} to ${max}`, text);
  };
}

/** A parser for text that must not be empty: an unset shell variable is a mistake, not a value. */
export function nonEmpty(text: string, flag: string): string {
  if (text !== '') return text;
  throw unexpected(flag, 'a value', text);
}

/** Seconds: `90`, `90s`, `15m`, `24h`, `7d`. */
export function parseSeconds(text: string, flag: string): number {
  const [, number = '', unit = ''] = /^(\d{1,12})([smhd]?)$/.exec(text) ?? [];
  if (number !== '') return Number(number) * (SECONDS_PER_UNIT[unit] ?? 1);
  throw unexpected(flag, 'seconds, or a number with s, m, h or d', text);
}

/** How many a keep rule keeps: a whole number, or `unlimited` (also -1), which is Infinity. */
export function parseKeepCount(text: string, flag: string): number {
  if (text === 'unlimited' || text === '-1') return Number.POSITIVE_INFINITY;
  const value = digits(text);
  if (!Number.isNaN(value)) return value;
  throw unexpected(flag, 'a whole number or unlimited', text);
}

/** Tags that all have to be there, parted by commas; the empty text is for what has none. */
export function parseTagList(text: string): readonly string[] {
  return text.split(',').map((tag) => tag.trim());
}

/** A span of the calendar: `2y5m7d3h`. */
export function parseKeepSpan(text: string, flag: string): CalendarSpan {
  return parseCalendarSpan(text, flag);
}

/** What a group has in common: `host,path`; the empty text is no grouping. */
export function parseGroupBy(text: string, flag: string): readonly GroupPart[] {
  const words = text.split(',').filter((word) => word !== '');
  return words.map((word) => {
    const part = GROUP_PARTS.find((each) => each === word || `${each}s` === word || each === `${word}s`);
    if (part === undefined) throw unexpected(flag, 'host, path or tags, parted by commas', text);
    return part;
  });
}

const GROUP_PARTS: readonly GroupPart[] = ['host', 'path', 'tags'];

/** A share of all bytes, `5%`, or a number of them: `500M`, `1GiB`. */
export function parseSample(text: string, flag: string): Sample {
  const [, percent] = /^(\d{1,3}(?:\.\d{1,6})?)%$/.exec(text) ?? [];
  if (Number(percent) > 0 && Number(percent) <= 100) return { share: Number(percent) / 100 };
  const bytes = byteSize(text.replace(/iB$/i, ''));
  if (bytes !== undefined && bytes > 0) return { bytes };
  throw unexpected(flag, 'a share such as 5%, or a number of bytes such as 500M or 1GiB', text);
}

const ISO_TIME = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})?)?$/;

/** A moment as ISO 8601 writes it, in milliseconds since 1970-01-01 UTC; local time where no zone is told. */
export function parseTime(text: string, flag: string): number {
  // A date alone would be taken as UTC.
  const full = text.length === 10 ? `${text}T00:00:00` : text.replace(' ', 'T');
  const timeMs = ISO_TIME.test(text) ? Date.parse(full) : Number.NaN;
  if (timeMs >= 0) return timeMs;
  throw unexpected(flag, 'a time since 1970 such as 2024-03-01T02:30:00Z', text);
}

/** A moment, ms since 1970: so long ago (`7d`, `24h`), or a date (`2026-11-01`, with or without a time). */
export function parseSince(text: string, flag: string): number {
  if (/^\d{1,9}[smhd]$/.test(text)) return Date.now() - 1000 * parseSeconds(text, flag);
  const timeMs = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(timeMs)) return timeMs;
  throw unexpected(flag, 'a time such as 7d, 24h or 2026-11-01', text);
}

/** Bytes: `500`, `64K`, `10M`, `2G`. */
export function parseBytes(text: string, flag: string): number {
  const bytes = byteSize(text);
  if (bytes !== undefined) return bytes;
  throw unexpected(flag, 'a number of bytes, such as 65536, 64K, 10M or 2G', text);
}

/** `auto`, `lz4`, `zstd`, `zstd:7`, `none`. */
export function parseCompression(text: string, flag: string): Compression {
  if (isCompression(text)) return text;
  throw unexpected(flag, COMPRESSION_CHOICES, text);
}

/** An average chunk size in bytes. */
export function parseChunkSize(text: string, flag: string): number {
  const value = digits(text);
  const isInRange = value >= MIN_AVERAGE_CHUNK_BYTES && value <= MAX_AVERAGE_CHUNK_BYTES;
  if (isInRange && Number.isInteger(Math.log2(value))) return value;
  throw unexpected(
    flag,
    `a power of two from ${MIN_AVERAGE_CHUNK_BYTES} to ${MAX_AVERAGE_CHUNK_BYTES}`,
    text,
  );
}

const digits = (text: string): number => (/^\d{1,15}$/.test(text) ? Number(text) : Number.NaN);

const unexpected = (flag: string, expected: string, text: string) =>
  usageError(`${flag}: expected ${expected}, got ${JSON.stringify(text)}`);
