/**
 * Restores some files of one manifest, a window at a time, into one scratch file, reads them back and holds them
 * against what the manifest promises: every chunk's plaintext against its plain id, every part of one against what was
 * written, every file against its length. Never uses more disk than a window, and says what was wrong with which file.
 */
import type { Entry } from '../../core/entry.js';
import { sha256Hex } from '../../core/hashes.js';
import type { ChunkRef } from '../../core/list.js';
import { decodeRef, readList } from '../../core/list.js';
import type { Manifest } from '../../core/manifest.js';
import { mapOrdered } from '../../core/pipeline.js';
import type { DisktroError } from '../../errors.js';
import { fileSystemError, integrityError, isDisktroError, throwIfAborted } from '../../errors.js';
import { MIB } from '../../limits.js';
import type { OpenFile } from '../../store/file-system.js';
import type { ObjectReader, OpenedChunk } from '../read/object-reader.js';

const WINDOW_BYTES = 64 * MIB;
const WINDOW_PARTS = 4096;

/** A part of a chunk that belongs to a file. */
interface Use {
  readonly file: number;
  readonly from: number;
  readonly to: number;
}

interface Needed {
  readonly ref: ChunkRef;
  readonly uses: readonly Use[];
}

interface Run {
  readonly file: number;
  readonly chunk: number;
  /** Inside the next chunk. */
  offset: number;
  left: number;
}

/** What was written to the scratch file and is to be read back. */
interface Written {
  readonly file: number;
  readonly position: number;
  readonly length: number;
  /** Of a whole chunk its plain id, of a part the hash of what was written. */
  readonly expected: string;
  readonly isWhole: boolean;
}

export class Trial {
  readonly #reader: ObjectReader;
  readonly #scratch: OpenFile;
  readonly #signal: AbortSignal | undefined;
  readonly #failures = new Map<number, DisktroError>();
  #window: Written[] = [];
  #windowBytes = 0;
  readonly #restored: number[] = [];

  /** @param scratch an empty file, open for reading and writing; the caller closes and removes it */
  constructor(reader: ObjectReader, scratch: OpenFile, signal: AbortSignal | undefined) {
    this.#reader = reader;
    this.#scratch = scratch;
    this.#signal = signal;
  }

  /**
   * @returns what was wrong, by the file's place in `files`
   * @throws E_NO_SPACE, E_IO of the scratch file, E_ABORTED
   */
  async run(manifest: Manifest, files: readonly Entry[]): Promise<ReadonlyMap<number, DisktroError>> {
    this.#restored.push(...files.map(() => 0));
    const opening = mapOrdered(this.#reader.concurrency, (needed: Needed) => this.#open(needed));
    for await (const { needed, chunk } of opening(this.#needed(manifest, files), { signal: this.#signal })) {
      if (chunk === undefined) continue;
      try {
        for (const use of needed.uses) await this.#write(needed.ref, use, chunk.bytes);
      } finally {
        chunk.release();
      }
      if (this.#windowBytes >= WINDOW_BYTES || this.#window.length >= WINDOW_PARTS) await this.#compare();
    }
    await this.#compare();
    for (const [file, { sizeBytes }] of files.entries()) {
      if (this.#restored[file] !== sizeBytes) {
        const found = `expected ${sizeBytes} bytes, got ${this.#restored[file]}`;
        this.#fail(file, integrityError('E_MANIFEST_INVALID', `its chunks end too early: ${found}`));
      }
    }
    return this.#failures;
  }

  /** The chunks that the files need, each once, in the manifest's order. */
  async *#needed(manifest: Manifest, files: readonly Entry[]): AsyncGenerator<Needed> {
    const runs = runsOf(files);
    let active: Run[] = [];
    let index = 0;
    try {
      for await (const item of readList(manifest.chunks, (ref) => this.#reader.readListChunk(ref))) {
        throwIfAborted(this.#signal);
        while (runs.at(-1)?.chunk === index) active.push(runs.pop() as Run);
        if (active.length > 0) {
          const ref = decodeRef(item);
          const uses = active.flatMap((run) => useOf(run, ref.rawBytes));
          active = active.filter(({ left }) => left > 0);
          if (uses.length > 0) yield { ref, uses };
        } else if (runs.length === 0) return;
        index++;
      }
    } catch (error) {
      if (!isDisktroError(error) || isDisktroError(error, 'E_ABORTED')) throw error;
      for (const { file } of [...active, ...runs]) this.#fail(file, error);
    }
  }

  /** The plaintext, when it is the one that the manifest means. */
  async #open(needed: Needed): Promise<{ needed: Needed; chunk: OpenedChunk | undefined }> {
    const { ref, uses } = needed;
    try {
      const chunk = await this.#reader.readChunk(ref);
      const plainId = await this.#reader.engine.run({ type: 'plain-id', input: chunk.bytes });
      if (plainId === ref.plainId) return { needed, chunk };
      chunk.release();
      throw integrityError(
        'E_CORRUPT',
        `object ${ref.storeId}: its plaintext is not the one it was stored for`,
      );
    } catch (error) {
      if (!isDisktroError(error) || isDisktroError(error, 'E_ABORTED', 'E_WORKER')) throw error;
      for (const { file } of uses) this.#fail(file, error);
      return { needed, chunk: undefined };
    }
  }

  async #write(ref: ChunkRef, { file, from, to }: Use, plaintext: Uint8Array): Promise<void> {
    const part = plaintext.subarray(from, to);
    const position = this.#windowBytes;
    await this.#scratch.write(part, position).catch(scratchError);
    const isWhole = part.byteLength === ref.rawBytes;
    const expected = isWhole ? ref.plainId : sha256Hex(part);
    this.#window.push({ file, position, length: part.byteLength, expected, isWhole });
    this.#windowBytes += part.byteLength;
    this.#restored[file] = (this.#restored[file] ?? 0) + part.byteLength;
  }

  /** Reads back what was written, and makes room. */
  async #compare(): Promise<void> {
    if (this.#window.length === 0) return;
    await this.#scratch.sync().catch(scratchError);
    for (const written of this.#window) {
      const bytes = Buffer.alloc(written.length);
      const read = await readFully(this.#scratch, bytes, written.position).catch(scratchError);
      const found = written.isWhole
        ? await this.#reader.engine.run({ type: 'plain-id', input: bytes })
        : sha256Hex(bytes);
      if (read === written.length && found === written.expected) continue;
      this.#fail(written.file, integrityError('E_CORRUPT', 'what was restored reads back as something else'));
    }
    this.#window = [];
    this.#windowBytes = 0;
    await this.#scratch.truncate(0).catch(scratchError);
  }

  /** Of a file the first failure counts. */
  #fail(file: number, error: DisktroError): void {
    if (!this.#failures.has(file)) this.#failures.set(file, error);
  }
}

/** All extents of the files, those of the first chunks last. */
function runsOf(files: readonly Entry[]): Run[] {
  return files
    .flatMap(({ extents }, file) =>
      extents.map(({ chunk, offset, length }): Run => ({ file, chunk, offset, left: length })),
    )
    .filter(({ left }) => left > 0)
    .sort((a, b) => b.chunk - a.chunk);
}

function useOf(run: Run, rawBytes: number): Use[] {
  const from = run.offset;
  const to = Math.min(rawBytes, from + run.left);
  run.offset = Math.max(0, from - rawBytes);
  if (to <= from) return [];
  run.left -= to - from;
  return [{ file: run.file, from, to }];
}

async function readFully(file: OpenFile, target: Uint8Array, position: number): Promise<number> {
  let done = 0;
  while (done < target.byteLength) {
    const read = await file.read(target.subarray(done), position + done);
    if (read === 0) break;
    done += read;
  }
  return done;
}

function scratchError(error: unknown): never {
  throw fileSystemError(error, 'restoring into the scratch file');
}
