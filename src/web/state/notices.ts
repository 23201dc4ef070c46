/**
 * Short messages at the edge of the page: what was done, and what went wrong with what to do about it.
 */
import { asPageError, isAbort } from '../api/page-error.js';
import { signal } from '../preact.js';

export interface Notice {
  readonly key: number;
  readonly kind: 'done' | 'error';
  readonly text: string;
  readonly hint: string;
}

export const notices = signal<readonly Notice[]>([]);

const DONE_MS = 6_000;
const MOST = 4;
let lastKey = 0;

export function tellDone(text: string, hint = ''): void {
  const { key } = add('done', text, hint);
  setTimeout(() => dismiss(key), DONE_MS);
}

/** Stays until it is dismissed. Nothing is told of what somebody stopped. */
export function tellError(doing: string, error: unknown): void {
  if (isAbort(error)) return;
  const { message, hint } = asPageError(error);
  add('error', `${doing}: ${message}`, hint);
}

export function dismiss(key: number): void {
  notices.value = notices.value.filter((notice) => notice.key !== key);
}

function add(kind: Notice['kind'], text: string, hint: string): Notice {
  lastKey += 1;
  const notice = { key: lastKey, kind, text, hint };
  const others = notices.value.filter((other) => other.text !== text);
  notices.value = [...others, notice].slice(-MOST);
  return notice;
}
