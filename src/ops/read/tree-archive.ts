/**
 * A tree, or a folder inside one, as a tar archive that is made while it is read: what is in it, in the order of the tree,
 * below one folder of its name. Memory does not grow with the tree, and nothing unverified leaves (I4).
 */
import type { Entry } from '../../core/entry.js';
import { TAR_END, tarHeader, tarPadding } from '../../core/tar.js';
import { entryPathBytes } from '../../core/tree-order.js';
import { throwIfAborted } from '../../errors.js';
import { ChunkWindow } from './chunk-window.js';
import type { ContentJob } from './content-steps.js';
import { readSteps } from './content-steps.js';
import { innerBytes } from './inner-path.js';
import type { ReadOptions } from './read-options.js';
import { selectEntries } from './tree-selection.js';
import type { TreeSource } from './tree-source.js';

export interface Archived {
  /** Of the folder that all of it lies below. */
  readonly name: string;
  /** A folder of the tree in place of all of it. */
  readonly inner: string;
}

/** Small headers and files go out together. */
const WRITE_BYTES = 64 * 1024;
const NO_CONTENT = { extents: [] };

interface Member {
  readonly entry: Entry;
  readonly header: Buffer;
}

/** The length of the whole archive. */
export async function archiveBytes(
  tree: TreeSource,
  archived: Archived,
  signal?: AbortSignal,
): Promise<number> {
  let bytes = TAR_END.length;
  for await (const { entry, header } of members(tree, archived, signal)) {
    bytes +=
      header.length + (entry.type === 'file' ? entry.sizeBytes + tarPadding(entry.sizeBytes).length : 0);
  }
  return bytes;
}

/**
 * The archive's bytes. Each buffer is the reader's to keep.
 * @param room chunks held at once: at least five
 * @throws E_OBJECT_MISSING, E_PEER_UNREACHABLE, integrity codes, E_ABORTED: what came so far is no whole archive
 */
export async function* readArchive(
  tree: TreeSource,
  archived: Archived,
  room: number,
  { signal, onProgress }: ReadOptions,
): AsyncGenerator<Buffer> {
  const window = new ChunkWindow(tree.reader, tree.chunks, room, signal);
  const gathered = new Gathered();
  try {
    for await (const step of readSteps(
      jobsOf(tree, archived, signal),
      tree.chunks,
      window,
      room - 1,
      signal,
    )) {
      for (const { job, offset, length, position, isLast } of step.pieces) {
        if (position === 0) gathered.add(job.header);
        if (length > 0) {
          if (step.bytes === undefined) throw step.error;
          gathered.add(Buffer.from(step.bytes.subarray(offset, offset + length)));
        }
        if (isLast && job.entry.type === 'file') gathered.add(tarPadding(job.entry.sizeBytes));
      }
      if (gathered.bytes < WRITE_BYTES) continue;
      onProgress?.({ bytes: gathered.total, totalBytes: tree.manifest.bytes, chunks: window.reads });
      yield gathered.take();
    }
    gathered.add(TAR_END);
    yield gathered.take();
  } finally {
    await window.close();
    tree.reader.noteLost();
  }
}

async function* jobsOf(
  tree: TreeSource,
  archived: Archived,
  signal: AbortSignal | undefined,
): AsyncGenerator<ContentJob<Member>> {
  for await (const job of members(tree, archived, signal)) {
    yield { job, entry: job.entry.type === 'file' ? job.entry : NO_CONTENT };
  }
}

async function* members(
  tree: TreeSource,
  { name, inner }: Archived,
  signal: AbortSignal | undefined,
): AsyncGenerator<Member> {
  const root = Buffer.from(name);
  const below = (path: Buffer): Buffer =>
    path.length === 0 ? root : Buffer.concat([root, Buffer.from('/'), path]);
  for await (const { entry, path } of selectEntries(tree, { inner: innerBytes(inner) })) {
    throwIfAborted(signal);
    const { type, target = '' } = entry;
    const linked = entryPathBytes(target);
    yield { entry, header: tarHeader(below(path), entry, type === 'hardlink' ? below(linked) : linked) };
  }
}

class Gathered {
  readonly #parts: Buffer[] = [];
  /** Not taken yet. */
  bytes = 0;
  total = 0;

  add(part: Buffer): void {
    this.#parts.push(part);
    this.bytes += part.length;
    this.total += part.length;
  }

  take(): Buffer {
    this.bytes = 0;
    const parts = this.#parts.splice(0);
    return Buffer.concat(parts);
  }
}
