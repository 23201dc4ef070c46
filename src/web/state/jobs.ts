/**
 * What this page has asked for and what takes long, each with its progress and a way to stop it. How far it is comes from
 * the server's events.
 */
import type { TaskProgress } from '../api/shapes.js';
import { type Signal, signal } from '../preact.js';
import { Pace } from '../text/pace.js';

export interface Job {
  readonly task: string;
  readonly title: string;
  readonly progress: Signal<TaskProgress | undefined>;
  readonly pace: Pace;
  readonly stop: () => void;
}

/** Those that run, oldest first. */
export const jobs = signal<readonly Job[]>([]);

/** Tasks of the server that this page has not asked for: another page, another tab, a script. */
export const foreignTasks = signal<ReadonlyMap<string, TaskProgress>>(new Map());

type Listener = (progress: TaskProgress) => void;
const listeners = new Map<string, Listener>();

/** Runs something that the server calls `task`; it is listed until it has ended. */
export async function runJob<T>(
  title: string,
  run: (watched: { readonly task: string; readonly signal: AbortSignal }) => Promise<T>,
): Promise<T> {
  const stopper = new AbortController();
  const task = crypto.randomUUID();
  const progress = signal<TaskProgress | undefined>(undefined);
  const job: Job = { task, title, progress, pace: new Pace(), stop: () => stopper.abort() };
  const unlisten = listenTo(task, (told) => {
    job.pace.note(told.bytes, Date.now());
    progress.value = told;
  });
  jobs.value = [...jobs.value, job];
  try {
    return await run({ task, signal: stopper.signal });
  } finally {
    unlisten();
    jobs.value = jobs.value.filter((other) => other !== job);
  }
}

/** @returns what ends the listening */
export function listenTo(task: string, listener: Listener): () => void {
  listeners.set(task, listener);
  return () => listeners.delete(task);
}

export function noteTask(progress: TaskProgress): void {
  const listener = listeners.get(progress.task);
  if (listener !== undefined) {
    listener(progress);
    return;
  }
  const rest = new Map(foreignTasks.value);
  if (progress.state === 'running' || progress.state === 'waiting') rest.set(progress.task, progress);
  else rest.delete(progress.task);
  foreignTasks.value = rest;
}

/** After a break of the events, only what the server says is running still is. */
export function setTasks(running: readonly TaskProgress[]): void {
  foreignTasks.value = new Map();
  for (const task of running) noteTask(task);
}
