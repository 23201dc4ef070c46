/**
 * How two stored files or trees differ: a merge of two ordered lists. Contents are compared by the chunks that they are
 * made of, whose plain ids are equal exactly when the bytes are; where two files were cut differently, by reading them.
 */
import type { Entry, EntryType } from '../../core/entry.js';
import { compareEntryPaths } from '../../core/tree-order.js';
import { notFound, throwIfAborted } from '../../errors.js';
import type { Vault } from '../home/vault.js';
import { opened } from '../home/vault.js';
import type { ChunkTable } from './chunk-table.js';
import { ChunkWindow } from './chunk-window.js';
import { piecesOf } from './content-steps.js';
import { innerBytes, resolvePart } from './inner-path.js';
import type { ReadOptions } from './read-options.js';
import { selectEntries } from './tree-selection.js';
import type { TreeSource } from './tree-source.js';
import { openTree } from './tree-source.js';

export type Change = 'added' | 'removed' | 'content' | 'metadata' | 'type';

export interface TreeChange {
  readonly change: Change;
  readonly path: string;
  readonly type: EntryType;
  /** Undefined for what was not there before. */
  readonly before?: number;
  readonly after?: number;
}

interface Side {
  readonly source: TreeSource;
  readonly window: ChunkWindow;
}

interface Placed {
  readonly entry: Entry;
  readonly path: Buffer;
}

/** In the order of paths. @param before and after: what resolvePart takes */
export async function* diffTrees(
  vault: Vault,
  before: string,
  after: string,
  options: ReadOptions = {},
): AsyncGenerator<TreeChange> {
  const sides: Side[] = [];
  try {
    const lists: AsyncGenerator<Placed>[] = [];
    for (const text of [before, after]) {
      const { id, inner } = resolvePart(vault, text);
      const source = await openTree(opened(vault), id, options);
      sides.push({ source, window: new ChunkWindow(source.reader, source.chunks, 2, options.signal) });
      lists.push(placedIn(source, inner));
    }
    const [old, young] = lists;
    const [oldSide, youngSide] = sides;
    if (old === undefined || young === undefined || oldSide === undefined || youngSide === undefined) return;
    for await (const [a, b] of merged(old, young)) {
      throwIfAborted(options.signal);
      const change = a && b ? await changeOf(a.entry, b.entry, oldSide, youngSide) : a ? 'removed' : 'added';
      const present = b ?? a;
      if (change === undefined || present === undefined) continue;
      yield {
        change,
        path: present.path.length === 0 ? '.' : present.path.toString('utf8'),
        type: present.entry.type,
        ...(a === undefined ? {} : { before: a.entry.sizeBytes }),
        ...(b === undefined ? {} : { after: b.entry.sizeBytes }),
      };
    }
  } finally {
    for (const { source, window } of sides) {
      await window.close();
      source.close();
    }
  }
}

/** A stored file, or one inside a tree, is compared as if it lay at the root. */
async function* placedIn(source: TreeSource, inner: string): AsyncGenerator<Placed> {
  let isEmpty = true;
  const isFile = source.manifest.kind === 'file';
  for await (const { entry, path } of selectEntries(source, { inner: innerBytes(inner) })) {
    isEmpty = false;
    yield { entry, path: isFile ? Buffer.alloc(0) : path };
  }
  if (isEmpty) throw notFound(`nothing at ${JSON.stringify(inner)} in ${source.manifest.name}`);
}

async function* merged(
  old: AsyncGenerator<Placed>,
  young: AsyncGenerator<Placed>,
): AsyncGenerator<readonly [Placed | undefined, Placed | undefined]> {
  const next = async (list: AsyncGenerator<Placed>): Promise<Placed | undefined> => {
    const { value, done } = await list.next();
    return done === true ? undefined : value;
  };
  let [a, b] = [await next(old), await next(young)];
  while (a !== undefined || b !== undefined) {
    const order = a === undefined ? 1 : b === undefined ? -1 : compareEntryPaths(a.path, b.path);
    yield [order <= 0 ? a : undefined, order >= 0 ? b : undefined];
    if (order <= 0) a = await next(old);
    if (order >= 0) b = await next(young);
  }
}

async function changeOf(a: Entry, b: Entry, old: Side, young: Side): Promise<Change | undefined> {
  if (a.type !== b.type) return 'type';
  if (a.type === 'file') {
    if (a.sizeBytes !== b.sizeBytes) return 'content';
    const oldTable = old.source.chunks;
    const youngTable = young.source.chunks;
    if (!isMadeAlike(a, oldTable, b, youngTable) && !(await readsAlike(a, old, b, young))) return 'content';
  }
  if (textOf(a.target) !== textOf(b.target) || String(a.device) !== String(b.device)) return 'content';
  return hasSameMetadata(a, b) ? undefined : 'metadata';
}

const textOf = (target: string | Uint8Array | undefined): string | undefined =>
  target === undefined ? undefined : Buffer.from(target).toString('latin1');

/** Whether both are the same stretches of the same plaintexts. */
function isMadeAlike(a: Entry, oldTable: ChunkTable, b: Entry, youngTable: ChunkTable): boolean {
  const [old, young] = [piecesOf(a, oldTable), piecesOf(b, youngTable)];
  for (;;) {
    const [x, y] = [old.next(), young.next()];
    if (x.done === true || y.done === true) return x.done === y.done;
    const isSamePlace = x.value.offset === y.value.offset && x.value.length === y.value.length;
    if (!isSamePlace) return false;
    if (plainId(x.value.chunk, oldTable) !== plainId(y.value.chunk, youngTable)) return false;
  }
}

const plainId = (chunk: number | undefined, table: ChunkTable): string | undefined =>
  chunk === undefined ? undefined : table.ref(chunk).plainId;

async function readsAlike(a: Entry, old: Side, b: Entry, young: Side): Promise<boolean> {
  const [x, y] = [bytesOf(a, old), bytesOf(b, young)];
  let left: Buffer = Buffer.alloc(0);
  let right: Buffer = Buffer.alloc(0);
  try {
    for (;;) {
      if (left.length === 0) left = (await x.next()).value ?? left;
      if (right.length === 0) right = (await y.next()).value ?? right;
      const length = Math.min(left.length, right.length);
      if (length === 0) return left.length === right.length;
      if (left.compare(right, 0, length, 0, length) !== 0) return false;
      left = left.subarray(length);
      right = right.subarray(length);
    }
  } finally {
    await x.return(undefined);
    await y.return(undefined);
  }
}

async function* bytesOf(entry: Entry, { source, window }: Side): AsyncGenerator<Buffer, undefined> {
  for (const { chunk, offset, length } of piecesOf(entry, source.chunks)) {
    if (chunk === undefined) continue;
    const bytes = await window.acquire(chunk);
    try {
      yield Buffer.from(bytes.buffer, bytes.byteOffset + offset, length);
    } finally {
      window.release(chunk);
    }
  }
}

function hasSameMetadata(a: Entry, b: Entry): boolean {
  const same = a.mode === b.mode && a.uid === b.uid && a.gid === b.gid && a.mtimeNs === b.mtimeNs;
  const [x, y] = [a.xattrs ?? new Map<string, Uint8Array>(), b.xattrs ?? new Map<string, Uint8Array>()];
  if (!same || x.size !== y.size) return false;
  return [...x].every(
    ([name, value]) => Buffer.from(value).equals(y.get(name) ?? Buffer.alloc(0)) && y.has(name),
  );
}
