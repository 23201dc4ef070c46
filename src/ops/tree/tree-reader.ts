/**
 * Reads a tree in the order of its entries: each path becomes an entry, the bytes of files become steps for the
 * pipeline. Small files go into shared chunks, larger ones are cut by themselves.
 */
import fs from 'node:fs';
import { promisify } from 'node:util';
import type { Cutter } from '../../core/cutter.js';
import type { Entry, Extent } from '../../core/entry.js';
import { EntryEncoder } from '../../core/entry-bytes.js';
import type { ScannedEntry } from '../../core/entry-scan.js';
import { cutInto, InputWindow } from '../../core/input-window.js';
import { isDisktroError, reasonOf, throwIfAborted } from '../../errors.js';
import type { OpenFile } from '../../store/file-system.js';
import { openFile } from '../../store/file-system.js';
import type { FailedPath } from '../chunk/chunk.js';
import type { ChunkWriter } from '../chunk/chunk-writer.js';
import { fileSource } from '../chunk/file-source.js';
import { CarriedChunks } from './carried-chunks.js';
import { contentHash, KnownContents } from './known-contents.js';
import type { PreviousTree } from './previous-tree.js';
import { isUnchanged, roundedMs, withExtents } from './previous-tree.js';
import { type Ahead, ReadAhead } from './read-ahead.js';
import { READ_FLAGS, readSmall } from './read-small.js';
import type { SmallFiles } from './small-files.js';
import type { SmallContent } from './small-read.js';
import type { TreeEntries } from './tree-entries.js';
import { mayBeLinked, typeOf } from './tree-entries.js';
import type { Step } from './tree-steps.js';
import { Place } from './tree-steps.js';
import type { Found } from './tree-walk.js';
import { shownPath } from './tree-walk.js';

export interface TreeReaderParts {
  readonly walk: Iterable<Found>;
  readonly entries: TreeEntries;
  readonly small: SmallFiles;
  readonly cutter: Cutter;
  readonly memory: WebAssembly.Memory;
  /** Takes the next entry, encoded. */
  readonly push: (entry: Uint8Array) => Promise<void> | undefined;
  /** The last tree of the same path; without it every file is read. */
  readonly previous: PreviousTree | undefined;
  readonly writer: ChunkWriter;
  readonly onNotice: (message: string) => void;
  /** Told now and then how far it is. */
  readonly onTurn: () => void;
  readonly signal: AbortSignal | undefined;
}

/** How long files are read without a look at what else there is to do. */
const TURN_MS = 3;

const open = promisify(fs.open);

export class TreeReader {
  readonly total = { bytes: 0, files: 0, unchanged: 0, chunks: 0, knownBytes: 0 };
  readonly failed: FailedPath[] = [];
  readonly #parts: TreeReaderParts;
  readonly #window: InputWindow;
  readonly #unsettled = new Set<Place>();
  readonly #encoder = new EntryEncoder();
  readonly #contents = new KnownContents();
  readonly #carried: CarriedChunks | undefined;
  #turnMs = performance.now();

  constructor(parts: TreeReaderParts) {
    this.#parts = parts;
    this.#window = new InputWindow(parts.memory, parts.cutter.sizes.max);
    const { previous, writer } = parts;
    this.#carried =
      previous === undefined ? undefined : new CarriedChunks(previous, writer, () => this.#newPlace());
  }

  /** Notes what cannot be stored. What is gone since it was listed is no failure. */
  fail(path: string | Uint8Array, error: unknown): void {
    const shown = shownPath(path);
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      this.#parts.onNotice(`${shown}: vanished before it was read; not stored`);
    } else {
      this.failed.push({ path: shown, reason: reasonOf(error) });
    }
  }

  /** Everything in order. */
  async *steps(): AsyncGenerator<Step> {
    const ahead = new ReadAhead(this.#parts.walk, (found) => this.#isReadAhead(found));
    let isWhole = false;
    try {
      for await (const batch of ahead.batches()) {
        for (const { found, content } of batch) {
          if (performance.now() - this.#turnMs > TURN_MS) await this.#turn();
          if (!this.#isThere(found)) continue;
          const looked = this.#unchanged(found);
          const before = looked instanceof Promise ? await looked : looked;
          if (before !== undefined) {
            const pushed = this.#pushKnown(found, before);
            // Thousands of files come in a row that nothing has to be waited for.
            if (pushed instanceof Promise) await pushed;
            if (pushed !== false) continue;
          }
          if (before !== undefined && (yield* this.#carry(found, before))) continue;
          if (this.#isLarge(found)) yield* this.#visitLarge(found);
          else for (const step of await this.#visit(found, content)) yield step;
        }
      }
      const last = this.#parts.small.close();
      if (last !== undefined) yield last;
      isWhole = true;
    } finally {
      // Whoever waits for a place that nothing will be stored for would wait for ever.
      const error = new Error('the tree was not read to its end');
      if (!isWhole) for (const place of this.#unsettled) place.fail(error);
    }
  }

  /** Whether a file that has other names can be told from others: that takes one more look. */
  #isThere(found: Found): boolean {
    try {
      return !mayBeLinked(found) || found.stat.isFile();
    } catch (error) {
      this.fail(found.path, error);
      return false;
    }
  }

  async #turn(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    throwIfAborted(this.#parts.signal);
    this.#parts.onTurn();
    this.#turnMs = performance.now();
  }

  /** The entry of the last tree, when it is still true. */
  #unchanged(found: Found): Promise<ScannedEntry | undefined> | ScannedEntry | undefined {
    const { previous, entries } = this.#parts;
    if (previous === undefined || entries.isLinked(found)) return undefined;
    const still = (entry: ScannedEntry | undefined): ScannedEntry | undefined =>
      entry === undefined || !isUnchanged(entry, found) || previous.isThinlySpread(entry) ? undefined : entry;
    const entry = previous.find(found);
    return entry instanceof Promise ? entry.then(still) : still(entry);
  }

  /** Carries over what needs no chunk that is not listed yet. @returns false when it does need one */
  #pushKnown(found: Found, before: ScannedEntry): Promise<void> | undefined | false {
    const extents = before.extents.length === 0 ? [] : this.#carried?.known(before);
    return extents === undefined ? false : this.#pushCarried(found, before, extents);
  }

  async *#carry(found: Found, before: ScannedEntry): AsyncGenerator<Step, boolean> {
    if (this.#carried === undefined) return false;
    const extents = yield* this.#carried.carry(before);
    if (extents === undefined) return false;
    await this.#pushCarried(found, before, extents);
    return true;
  }

  #pushCarried(found: Found, before: ScannedEntry, extents: readonly Extent[]): Promise<void> | undefined {
    if (before.type === 'file') {
      this.#parts.entries.remember(found);
      this.total.files++;
      this.total.unchanged++;
      this.total.bytes += before.sizeBytes;
      this.total.knownBytes += before.sizeBytes;
    }
    const isMoved =
      extents.length !== before.extents.length ||
      extents.some(({ chunk }, index) => chunk !== before.extents[index]?.chunk);
    return this.#parts.push(
      isMoved ? withExtents(before, this.#encoder.encodeExtents(extents)) : before.bytes,
    );
  }

  /** Of an unchanged tree hardly a file is read: what is changed is read when it is its turn. */
  #isReadAhead(found: Found): boolean {
    const { seen } = found;
    const isFirst = this.#parts.previous === undefined;
    return isFirst && seen.isFile() && seen.size > 0 && seen.nlink === 1 && !this.#isLarge(found);
  }

  #isLarge({ seen }: Found): boolean {
    return seen.isFile() && seen.size >= this.#parts.small.limitBytes;
  }

  /** All but large files. */
  async #visit(found: Found, content: Ahead['content']): Promise<readonly Step[]> {
    const { entries } = this.#parts;
    const type = typeOf(found.seen);
    if (type === undefined) return [];
    const earlier = entries.earlierName(found);
    if (earlier !== undefined) await this.#push(found, () => entries.linked(found, earlier));
    else if (type === 'file' && found.seen.size > 0) return this.#visitSmall(found, content);
    else await this.#push(found, () => entries.entry(found, type));
    return [];
  }

  async #visitSmall(found: Found, content: Ahead['content']): Promise<readonly Step[]> {
    const { small, entries } = this.#parts;
    const steps: (Step | undefined)[] = [];
    if (small.isDone(found.seen.size, this.total.chunks)) steps.push(small.close());
    const room = await small.room();
    try {
      const read = content() ?? readNow(found, room);
      const isChanged = this.#noteChange(found, read.bytes.byteLength, read.after);
      const bytes = read.bytes.subarray(0, found.seen.size);
      const extents = bytes.byteLength === 0 ? [] : [this.#place(found, { ...read, bytes }, room, steps)];
      const { after: stat, isPlain } = read;
      const sizes = { sizeBytes: bytes.byteLength, extents, stat, isChanged, isPlain };
      await this.#push(found, () => entries.entry(found, 'file', sizes));
    } catch (error) {
      if (isDisktroError(error)) throw error;
      this.fail(found.path, error);
    }
    return steps.filter((step) => step !== undefined);
  }

  /** Where the content is: where the same bytes were met before, or else in the open run, at the front of `room`. */
  #place(found: Found, { bytes, hash }: SmallContent, room: Uint8Array, steps: (Step | undefined)[]): Extent {
    const { small } = this.#parts;
    const known = this.#contents.find(hash);
    if (known !== undefined) {
      this.total.knownBytes += bytes.byteLength;
      return known;
    }
    if (bytes.byteOffset !== room.byteOffset || bytes.buffer !== room.buffer) room.set(bytes);
    const { extent, isEnd } = small.take(found.key, bytes.byteLength, () => {
      const place = this.#newPlace();
      steps.push({ listed: place });
      return place;
    });
    this.#contents.learn(hash, extent);
    if (isEnd) steps.push(small.close());
    return extent;
  }

  /** Reads and cuts a file while the chunks before it are stored. */
  async *#visitLarge(found: Found): AsyncGenerator<Step> {
    const { entries, cutter, signal } = this.#parts;
    const earlier = entries.earlierName(found);
    if (earlier !== undefined) {
      await this.#push(found, () => entries.linked(found, earlier));
      return;
    }
    const first = this.total.chunks;
    let bytes = 0;
    let handle: OpenFile | undefined;
    try {
      handle = openFile(await open(found.file, READ_FLAGS));
      const source = fileSource(handle, shownPath(found.path));
      for await (const plaintext of cutInto(this.#window, source, cutter, signal)) {
        const place = this.#newPlace();
        bytes += plaintext.bytes.byteLength;
        yield { store: { plaintext, place }, listed: place };
      }
      const after = await handle.stat();
      const isChanged = this.#noteChange(found, bytes, after);
      const extents = bytes === 0 ? [] : [{ chunk: first, offset: 0, length: bytes }];
      await this.#push(found, () => entries.entry(found, 'file', { sizeBytes: bytes, extents, isChanged }));
    } catch (error) {
      if (isDisktroError(error) && !isDisktroError(error, 'E_INPUT')) throw error;
      this.fail(found.path, isDisktroError(error) ? error.cause : error);
    } finally {
      await handle?.close();
    }
  }

  #newPlace(): Place {
    const place = new Place(this.total.chunks++);
    this.#unsettled.add(place);
    const forget = (): boolean => this.#unsettled.delete(place);
    place.ref.then(forget, forget);
    return place;
  }

  /** Adds the entry, and counts what it stands for. */
  async #push(found: Found, make: () => Entry): Promise<void> {
    let entry: Entry;
    try {
      entry = make();
    } catch (error) {
      this.fail(found.path, error);
      return;
    }
    await this.#parts.push(this.#encoder.encode(entry));
    this.total.bytes += entry.sizeBytes;
    if (entry.type === 'file') {
      this.total.files++;
      this.#parts.entries.remember(found);
    }
  }

  #noteChange(found: Found, bytes: number, after: ChangeFacts): boolean {
    const { mtimeMs, ctimeMs, size } = found.seen;
    const isSame = roundedMs(after.mtimeNs) === mtimeMs && roundedMs(after.ctimeNs) === ctimeMs;
    if (isSame && bytes === size) return false;
    this.#parts.onNotice(`${shownPath(found.path)}: changed while it was read; stored as read`);
    return true;
  }
}

function readNow({ file, seen }: Found, room: Uint8Array): SmallContent {
  const { bytes, after } = readSmall(file, room, seen.size);
  const hash = contentHash(room.subarray(0, Math.min(bytes, seen.size)));
  return { bytes: room.subarray(0, bytes), hash, after, isPlain: false };
}

interface ChangeFacts {
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}
