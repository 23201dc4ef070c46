/** Work that comes round: one run of a task at a time, soon when asked for, stopped as a whole. */
import { setMaxListeners } from 'node:events';

type Work = (signal: AbortSignal) => Promise<void>;

interface Task {
  readonly name: string;
  readonly everyMs: number;
  readonly work: Work;
  timer: NodeJS.Timeout | undefined;
  running: Promise<void> | undefined;
  isWanted: boolean;
}

const SOON_MS = 50;
/** So that nodes that were started together do not speak all at once. */
const JITTER = 0.1;

export class Schedule {
  readonly #tasks = new Map<string, Task>();
  readonly #onError: (task: string, error: unknown) => void;
  readonly #stop = new AbortController();

  constructor(onError: (task: string, error: unknown) => void) {
    this.#onError = onError;
    // As many requests to peers as there are may wait for it at once.
    setMaxListeners(0, this.#stop.signal);
  }

  /** @param firstMs default: after `everyMs` */
  run(name: string, everyMs: number, work: Work, firstMs = everyMs): void {
    const task: Task = { name, everyMs, work, timer: undefined, running: undefined, isWanted: false };
    this.#tasks.set(name, task);
    this.#plan(task, firstMs);
  }

  /** Runs a task now, or once more after the run that is under way. */
  soon(name: string): void {
    const task = this.#tasks.get(name);
    if (task === undefined) return;
    if (task.running === undefined) this.#plan(task, SOON_MS);
    else task.isWanted = true;
  }

  /** Ends all tasks; resolves when none is running. */
  async stop(): Promise<void> {
    this.#stop.abort();
    for (const { timer } of this.#tasks.values()) clearTimeout(timer);
    await Promise.all([...this.#tasks.values()].map(({ running }) => running));
  }

  #plan(task: Task, inMs: number): void {
    if (this.#stop.signal.aborted) return;
    clearTimeout(task.timer);
    task.timer = setTimeout(() => this.#start(task), inMs * (1 + JITTER * (Math.random() - 0.5)));
  }

  #start(task: Task): void {
    task.isWanted = false;
    task.running = task
      .work(this.#stop.signal)
      .catch((error: unknown) => {
        if (!this.#stop.signal.aborted) this.#onError(task.name, error);
      })
      .finally(() => {
        task.running = undefined;
        this.#plan(task, task.isWanted ? SOON_MS : task.everyMs);
      });
  }
}
