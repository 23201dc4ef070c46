/** Long work that is under way, for showing: how far it is, and how it ended. */
import { randomUUID } from 'node:crypto';
import type { ErrorCode } from '../../errors.js';
import { isDisktroError } from '../../errors.js';
import { refusal } from '../json-body.js';

export type TaskKind = 'chunk' | 'upload' | 'reassemble' | 'download' | 'verify';
export type TaskState = 'waiting' | 'running' | 'done' | 'failed' | 'cancelled';

export interface TaskFacts {
  readonly task: string;
  readonly kind: TaskKind;
  readonly name: string | null;
  readonly state: TaskState;
  readonly bytes: number;
  readonly totalBytes: number | null;
  readonly chunks: number;
  readonly newChunks: number;
  readonly dedupedBytes: number;
  readonly storedBytes: number;
  /** To peers so far. */
  readonly sentBytes?: number;
  readonly message?: string;
  readonly code?: ErrorCode;
}

/** As it may be told: its name, and why it failed, only to who has the vault open. */
export function shownTask(task: TaskFacts, hasNames: boolean): TaskFacts {
  if (hasNames) return task;
  const { message: _, ...rest } = task;
  return { ...rest, name: null };
}

export type TaskProgress = Partial<Omit<TaskFacts, 'task' | 'kind'>>;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export class Tasks {
  readonly #running = new Map<string, TaskFacts>();
  readonly #onChange: (task: TaskFacts) => void;

  constructor(onChange: (task: TaskFacts) => void) {
    this.#onChange = onChange;
  }

  running(): readonly TaskFacts[] {
    return [...this.#running.values()];
  }

  /**
   * Runs one piece of work and tells of it. @param id as the client calls it; undefined: nobody is waiting for it
   * @throws 400 for an id that is no UUID or runs already; what the work throws
   */
  async run<T>(
    kind: TaskKind,
    id: string | undefined,
    signal: AbortSignal,
    work: (tell: (progress: TaskProgress) => void) => Promise<T>,
  ): Promise<T> {
    const task = id ?? randomUUID();
    if (!UUID.test(task)) throw refusal(400, 'X-Disktro-Task: expected a UUID');
    if (this.#running.has(task)) throw refusal(400, 'X-Disktro-Task: runs already');
    let facts: TaskFacts = { task, kind, state: 'waiting', ...NOTHING_YET };
    const tell = (progress: TaskProgress): void => {
      facts = { ...facts, ...progress };
      this.#running.set(task, facts);
      this.#onChange(facts);
    };
    tell({});
    try {
      const result = await work(tell);
      tell({ state: 'done' });
      return result;
    } catch (error) {
      tell({ state: signal.aborted ? 'cancelled' : 'failed', ...failureOf(error) });
      throw error;
    } finally {
      this.#running.delete(task);
    }
  }
}

const NOTHING_YET = {
  name: null,
  bytes: 0,
  totalBytes: null,
  chunks: 0,
  newChunks: 0,
  dedupedBytes: 0,
  storedBytes: 0,
};

function failureOf(error: unknown): TaskProgress {
  if (!isDisktroError(error)) return { message: 'unexpected: a bug of this node, see its log' };
  return { message: error.message, code: error.code };
}
