/** What goes over the wire between the pool and its workers. */
import type { ErrorCode } from '../../errors.js';
import type { EngineKeys } from '../jobs.js';

export interface WorkerSetup {
  /** Absent in a worker that only does password work. */
  readonly keys?: EngineKeys;
}

export interface Request {
  readonly sequence: number;
  readonly job: unknown;
}

export interface Failure {
  /** Absent when the error is not a DisktroError. */
  readonly code?: ErrorCode;
  readonly message: string;
  readonly stack?: string | undefined;
}

export type Response =
  | { readonly sequence: number; readonly result: unknown }
  | { readonly sequence: number; readonly failure: Failure };
