/**
 * Points in time as people read them, in the time zone of the browser.
 */
import { agoText } from './units.js';

const long = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' });
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
const hour = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });

/** `22 Nov 2026, 21:30`. */
export function whenText(iso: string): string {
  return long.format(new Date(iso));
}

/** Short, for a column: the hour if it was today, else the day. */
export function dayText(iso: string, nowMs: number): string {
  const date = new Date(iso);
  const isToday = date.toDateString() === new Date(nowMs).toDateString();
  return isToday ? `today ${hour.format(date)}` : day.format(date);
}

/** `3 min ago`; `never` for null. */
export function sinceText(iso: string | null, nowMs: number): string {
  return iso === null ? 'never' : agoText((nowMs - Date.parse(iso)) / 1000);
}

/** `21:30:05`. */
export function clockText(iso: string): string {
  return new Date(iso).toLocaleTimeString('en-GB');
}
