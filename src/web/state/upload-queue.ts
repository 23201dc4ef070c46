/**
 * Files on their way into the vault: three at a time, each with its own progress and its own way to stop. A reload ends
 * them, since a page may not open a file again by itself; their names are kept, so that the person can be told.
 */

import { asPageError, isAbort, type PageError } from '../api/page-error.js';
import type { ChunkedFile, TaskProgress } from '../api/shapes.js';
import { send } from '../api/transfer.js';
import { computed, type Signal, signal } from '../preact.js';
import { Pace } from '../text/pace.js';
import { nowMs } from './clock.js';
import { listenTo } from './jobs.js';
import { keptSignal } from './kept.js';
import { withVault } from './vault.js';

export type ItemState = 'waiting' | 'sending' | 'finishing' | 'done' | 'failed' | 'cancelled';

export interface QueueItem {
  readonly key: string;
  readonly name: string;
  readonly file: File;
  readonly fields: Readonly<Record<string, string>>;
  readonly state: Signal<ItemState>;
  readonly sentBytes: Signal<number>;
  readonly progress: Signal<TaskProgress | undefined>;
  readonly result: Signal<ChunkedFile | undefined>;
  readonly error: Signal<PageError | undefined>;
  readonly pace: Pace;
  readonly stopper: AbortController;
}

/** Together with the stream of events and two more requests, as many as a browser opens to one host. */
const AT_ONCE = 3;
const NAMES_KEPT = 50;

export const queue = signal<readonly QueueItem[]>([]);

/** Names of files whose upload the last reload has cut off. */
export const cutOff = signal<readonly string[]>([]);

const unfinished = keptSignal<readonly string[]>('unfinished', []);
cutOff.value = unfinished.value;

const isOpen = (state: ItemState): boolean => state === 'waiting' || isActive(state);
const isActive = (state: ItemState): boolean => state === 'sending' || state === 'finishing';

export const openCount = computed(() => queue.value.filter(({ state }) => isOpen(state.value)).length);

export interface QueueTotals {
  readonly bytes: number;
  readonly doneBytes: number;
  readonly done: number;
  readonly failed: number;
  readonly rate: number;
}

/** Over all that was not cancelled; once a second. */
export const queueTotals = computed<QueueTotals>(() => {
  const atMs = nowMs.value;
  const sums = { bytes: 0, doneBytes: 0, done: 0, failed: 0, rate: 0 };
  for (const item of queue.value) {
    const state = item.state.peek();
    if (state === 'cancelled') continue;
    sums.bytes += item.file.size;
    sums.doneBytes += state === 'done' ? item.file.size : item.sentBytes.peek();
    if (state === 'done') sums.done += 1;
    if (state === 'failed') sums.failed += 1;
    if (state === 'sending') sums.rate += item.pace.rate(atMs);
  }
  return sums;
});

export interface NamedFile {
  readonly name: string;
  readonly file: File;
}

/** Asks for the password first, once for all. */
export async function enqueue(
  added: readonly NamedFile[],
  fields: Readonly<Record<string, string>>,
): Promise<void> {
  if (added.length === 0) return;
  cutOff.value = [];
  const items = added.map((named) => newItem(named, fields));
  queue.value = [...queue.value, ...items];
  fill();
}

function newItem({ name, file }: NamedFile, fields: Readonly<Record<string, string>>): QueueItem {
  return {
    key: crypto.randomUUID(),
    name,
    file,
    fields,
    state: signal<ItemState>('waiting'),
    sentBytes: signal(0),
    progress: signal<TaskProgress | undefined>(undefined),
    result: signal<ChunkedFile | undefined>(undefined),
    error: signal<PageError | undefined>(undefined),
    pace: new Pace(),
    stopper: new AbortController(),
  };
}

export function cancel(item: QueueItem): void {
  if (!isOpen(item.state.value)) return;
  const wasWaiting = item.state.value === 'waiting';
  item.stopper.abort();
  if (wasWaiting) item.state.value = 'cancelled';
}

export function cancelAll(): void {
  for (const item of [...queue.value].reverse()) cancel(item);
}

/** Once more from the start; what is stored already is not stored twice. */
export function retry(item: QueueItem): void {
  const again = newItem(item, item.fields);
  queue.value = queue.value.map((other) => (other === item ? again : other));
  fill();
}

export function clearEnded(): void {
  queue.value = queue.value.filter(({ state }) => isOpen(state.value));
}

function fill(): void {
  const items = queue.value;
  let free = AT_ONCE - items.filter(({ state }) => isActive(state.value)).length;
  for (const item of items) {
    if (free <= 0) break;
    if (item.state.value !== 'waiting') continue;
    free -= 1;
    void upload(item);
  }
  keepNames();
}

function keepNames(): void {
  const names = queue.value.filter(({ state }) => isOpen(state.value)).map(({ name }) => name);
  unfinished.value = names.slice(0, NAMES_KEPT);
}

async function upload(item: QueueItem): Promise<void> {
  item.state.value = 'sending';
  const unlisten = listenTo(item.key, (told) => {
    item.progress.value = told;
  });
  try {
    const result = await withVault('store files', () => sendItem(item));
    item.result.value = result;
    item.state.value = result === undefined ? 'cancelled' : 'done';
  } catch (error) {
    item.state.value = isAbort(error) ? 'cancelled' : 'failed';
    item.error.value = asPageError(error);
  } finally {
    unlisten();
    fill();
  }
}

function sendItem(item: QueueItem): Promise<ChunkedFile> {
  item.stopper.signal.throwIfAborted();
  return send<ChunkedFile>({
    path: '/api/chunk',
    file: item.file,
    fields: { name: item.name, ...item.fields },
    task: item.key,
    signal: item.stopper.signal,
    onSent: (bytes) => {
      item.pace.note(bytes, Date.now());
      item.sentBytes.value = bytes;
      item.state.value = bytes >= item.file.size ? 'finishing' : 'sending';
    },
  });
}

/** The browser asks before it leaves a page whose uploads would be cut off. */
export function guardUploads(): void {
  addEventListener('beforeunload', (event) => {
    if (openCount.value > 0) event.preventDefault();
  });
}
