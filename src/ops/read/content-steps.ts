/**
 * The contents of many files, in order: which chunk each part of them lies in, chunks read ahead and opened side by side,
 * each once for all the small files that share it. Knows nothing of where the bytes go.
 */
import type { Entry } from '../../core/entry.js';
import { mapOrdered } from '../../core/pipeline.js';
import type { DisktroError } from '../../errors.js';
import { isDisktroError, throwIfAborted } from '../../errors.js';
import type { ChunkTable } from './chunk-table.js';
import type { ChunkWindow } from './chunk-window.js';

/** What is told of each file's bytes, in the order of the jobs. */
export interface ContentSink<J> {
  /** `bytes` are valid during the call. @throws what ends everything */
  data(job: J, bytes: Uint8Array, position: number): void | Promise<void>;
  /** All bytes of it were given. */
  end(job: J): void | Promise<void>;
  /** A chunk of it cannot be had; no more of it comes. */
  failed(job: J, error: DisktroError): void | Promise<void>;
}

export interface ContentJob<J> {
  readonly job: J;
  readonly entry: Pick<Entry, 'extents'>;
}

/** A part of a file that lies in one chunk; an empty file has one piece without a chunk. */
export interface Piece {
  readonly chunk: number | undefined;
  /** In the chunk. */
  readonly offset: number;
  readonly length: number;
  /** In the file. */
  readonly position: number;
  readonly isLast: boolean;
}

export interface JobPiece<J> extends Piece {
  readonly job: J;
}

/** Pieces that need the same chunk, one after another; the chunk is undefined when none of them has bytes. */
interface Step<J> {
  chunk: number | undefined;
  readonly pieces: JobPiece<J>[];
}

/** Few enough that others get their turn, many enough that a step's overhead does not show. */
const MOST_PIECES = 64;

/** @param ahead steps read ahead: less than the window has room for */
export async function readContents<J>(
  jobs: AsyncIterable<ContentJob<J>>,
  table: ChunkTable,
  window: ChunkWindow,
  ahead: number,
  sink: ContentSink<J>,
  signal?: AbortSignal,
): Promise<void> {
  let unreadable: J | undefined;
  for await (const read of readSteps(jobs, table, window, ahead, signal)) {
    for (const piece of read.pieces) {
      const { job, offset, length, position } = piece;
      if (job === unreadable) continue;
      if (read.bytes === undefined && length > 0) {
        unreadable = job;
        await sink.failed(job, read.error);
        continue;
      }
      if (length > 0 && read.bytes !== undefined) {
        const given = sink.data(job, read.bytes.subarray(offset, offset + length), position);
        if (given !== undefined) await given;
      }
      const ended = piece.isLast ? sink.end(job) : undefined;
      if (ended !== undefined) await ended;
    }
  }
}

/** Pieces of one chunk, with that chunk's plaintext, or why it cannot be had. */
export type ReadStep<J> = { readonly pieces: readonly JobPiece<J>[] } & (
  | { readonly bytes: Uint8Array }
  | { readonly bytes: undefined; readonly error: DisktroError }
);

/** The steps of all jobs in order; the bytes of one are valid until the next is asked for. */
export async function* readSteps<J>(
  jobs: AsyncIterable<ContentJob<J>>,
  table: ChunkTable,
  window: ChunkWindow,
  ahead: number,
  signal?: AbortSignal,
): AsyncGenerator<ReadStep<J>> {
  const reading = mapOrdered(ahead, async ({ chunk, pieces }: Step<J>) => {
    if (chunk === undefined) return { chunk, read: { pieces, bytes: NOTHING } };
    try {
      return { chunk, read: { pieces, bytes: await window.acquire(chunk) } };
    } catch (error) {
      if (!isDisktroError(error) || error.code === 'E_ABORTED') throw error;
      return { chunk: undefined, read: { pieces, bytes: undefined, error } };
    }
  });
  for await (const { chunk, read } of reading(stepsOf(jobs, table), { signal })) {
    throwIfAborted(signal);
    yield read;
    if (chunk !== undefined) window.release(chunk);
  }
}

const NOTHING = new Uint8Array(0);

async function* stepsOf<J>(jobs: AsyncIterable<ContentJob<J>>, table: ChunkTable): AsyncGenerator<Step<J>> {
  let step: Step<J> = { chunk: undefined, pieces: [] };
  for await (const { job, entry } of jobs) {
    for (const piece of piecesOf(entry, table)) {
      const { chunk } = piece;
      const isSame = chunk === undefined || step.chunk === undefined || chunk === step.chunk;
      if (!isSame || step.pieces.length >= MOST_PIECES) {
        yield step;
        step = { chunk: undefined, pieces: [] };
      }
      step.chunk ??= chunk;
      step.pieces.push({ ...piece, job });
    }
  }
  if (step.pieces.length > 0) yield step;
}

/** The parts of a file in order. Its extents lie within the table. */
export function* piecesOf({ extents }: Pick<Entry, 'extents'>, table: ChunkTable): Generator<Piece> {
  let position = 0;
  const lengths = extents.filter(({ length }) => length > 0);
  const size = lengths.reduce((sum, { length }) => sum + length, 0);
  for (const extent of lengths) {
    let { chunk, offset, length: left } = extent;
    while (left > 0) {
      const rest = table.startOf(chunk + 1) - table.startOf(chunk) - offset;
      const length = Math.min(left, rest);
      yield { chunk, offset, length, position, isLast: position + length === size };
      position += length;
      left -= length;
      chunk++;
      offset = 0;
    }
  }
  if (size === 0) yield { chunk: undefined, offset: 0, length: 0, position: 0, isLast: true };
}
