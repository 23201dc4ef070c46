/**
 * A fire drill: restores a random sample of what is stored and sees whether it is what it should be. Notes for each
 * file when it was last proven, and leaves nothing behind. What is wrong is a result, not an error.
 */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import type { FileRow } from '../../catalog/files.js';
import { eachFile, noteProven } from '../../catalog/files.js';
import { setMeta } from '../../catalog/meta.js';
import type { Entry } from '../../core/entry.js';
import { decodeEntry } from '../../core/entry.js';
import type { FileId } from '../../core/ids.js';
import { readList } from '../../core/list.js';
import type { Manifest } from '../../core/manifest.js';
import type { DisktroError, ErrorCode } from '../../errors.js';
import { fileSystemError, isDisktroError, throwIfAborted } from '../../errors.js';
import { openFile } from '../../store/file-system.js';
import { threadCount } from '../chunk/threads.js';
import type { ObjectSource } from '../copies/peer-source.js';
import { openFacts } from '../files/stored-facts.js';
import type { OpenVault, Vault } from '../home/vault.js';
import { opened } from '../home/vault.js';
import { ObjectReader } from '../read/object-reader.js';
import { Trial } from './drill-restore.js';
import type { RandomNumbers } from './drill-sample.js';
import { ByteSample, MOST_TAKEN, randomNumbers, shuffledByBytes } from './drill-sample.js';

/** A share, above 0 to 1, of the plaintext of everything that is stored, or a number of its bytes. */
export type Sample = { readonly share: number } | { readonly bytes: number };

export interface DrillOptions {
  readonly sample: Sample;
  /** 0 to 2^32 − 1; default: random. */
  readonly seed?: number | undefined;
  readonly workers?: number | 'auto' | undefined;
  /** Where objects come from that this home does not have whole. */
  readonly source?: ObjectSource | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?:
    | ((progress: { readonly bytes: number; readonly totalBytes: number }) => void)
    | undefined;
  readonly onFailure?: ((failure: DrillFailure) => void) | undefined;
}

export interface DrillFailure {
  readonly id: FileId;
  /** Inside the tree; null when the manifest itself cannot be read. */
  readonly path: string | null;
  readonly code: ErrorCode;
  readonly message: string;
}

export interface DrillResult {
  /** Files that were restored, right or not; of trees single entries. */
  readonly files: number;
  readonly bytes: number;
  /** Stored files and trees that they are of. */
  readonly manifests: number;
  /** Stored files and trees that there are. */
  readonly stored: number;
  readonly fetchedFromPeers: number;
  readonly failed: readonly DrillFailure[];
  readonly seed: number;
  readonly seconds: number;
}

/** The sample is spread over at least so many trees, if there are. */
const LEAST_TREES = 8;

/** @throws E_READ_ONLY, E_NO_SPACE and E_IO of the scratch file, E_ABORTED */
export async function drill(vault: Vault, options: DrillOptions): Promise<DrillResult> {
  const startedMs = performance.now();
  const open = opened(vault);
  const seed = options.seed ?? randomBytes(4).readUInt32LE(0);
  const random = randomNumbers(seed);
  const stored = [...eachFile(open.home.catalog)].map((row) => ({ row, bytes: openFacts(open, row).bytes }));
  const storedBytes = stored.reduce((sum, { bytes }) => sum + bytes, 0);
  const wantedBytes = 'bytes' in options.sample ? options.sample.bytes : options.sample.share * storedBytes;
  const isAll = wantedBytes >= storedBytes;
  const run = new Drill(open, random, options);
  const total = { files: 0, bytes: 0, manifests: 0, stored: stored.length };
  const failed: DrillFailure[] = [];
  for (const { row } of shuffledByBytes(stored, random)) {
    if (!isAll && total.manifests > 0 && total.bytes >= wantedBytes) break;
    throwIfAborted(options.signal);
    const slice = Math.min(wantedBytes - total.bytes, wantedBytes / Math.min(LEAST_TREES, stored.length));
    const { files, bytes, failures } = await run.tryFile(row, isAll ? undefined : slice);
    noteProven(open.home.catalog, row.id, failures.length === 0 ? Date.now() : undefined);
    for (const failure of failures) options.onFailure?.(failure);
    failed.push(...failures);
    total.files += files;
    total.bytes += bytes;
    total.manifests++;
    options.onProgress?.({ bytes: total.bytes, totalBytes: Math.max(wantedBytes, total.bytes) });
  }
  if (failed.length === 0)
    open.home.catalog.write(() => setMeta(open.home.catalog.database, 'last_drill_ms', Date.now()));
  const seconds = (performance.now() - startedMs) / 1000;
  return { ...total, fetchedFromPeers: run.fetched, failed, seed, seconds };
}

interface Tried {
  readonly files: number;
  readonly bytes: number;
  readonly failures: readonly DrillFailure[];
}

class Drill {
  readonly #vault: OpenVault;
  readonly #random: RandomNumbers;
  readonly #reader: ObjectReader;
  readonly #signal: AbortSignal | undefined;

  constructor(vault: OpenVault, random: RandomNumbers, { source, signal, workers }: DrillOptions) {
    this.#vault = vault;
    this.#random = random;
    this.#signal = signal;
    this.#reader = new ObjectReader(vault, vault.engine(threadCount(workers)), source, signal);
  }

  get fetched(): number {
    return this.#reader.fetched;
  }

  /** @param wantedBytes how much of a tree; undefined: all of it */
  async tryFile({ id }: FileRow, wantedBytes: number | undefined): Promise<Tried> {
    const tried = { files: 0, bytes: 0, failures: [] as DrillFailure[] };
    try {
      const manifest = await this.#reader.readManifest(id);
      for await (const files of this.#choose(manifest, wantedBytes)) {
        const found = await this.#restore(manifest, files);
        tried.files += files.length;
        tried.bytes += files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
        for (const [file, error] of found)
          tried.failures.push(failureOf(id, files[file]?.path ?? null, error));
      }
    } catch (error) {
      if (!isDisktroError(error) || isDisktroError(error, 'E_ABORTED', 'E_WORKER')) throw error;
      tried.failures.push(failureOf(id, null, error));
    }
    // What had to be fetched is not here whole: `serve` and `repair` bring it back.
    this.#reader.noteLost();
    return tried;
  }

  /** One sample, or everything, at most as many at once as are kept in memory. */
  async *#choose(manifest: Manifest, wantedBytes: number | undefined): AsyncGenerator<readonly Entry[]> {
    const sample = new ByteSample<Entry>(wantedBytes ?? 0, this.#random);
    let all: Entry[] = [];
    for await (const item of readList(manifest.entries, (ref) => this.#reader.readListChunk(ref))) {
      const entry = decodeEntry(item);
      if (entry.type !== 'file' || entry.sizeBytes === 0) continue;
      if (wantedBytes !== undefined) {
        sample.offer(entry, entry.sizeBytes);
      } else if (all.push(entry) === MOST_TAKEN) {
        yield all;
        all = [];
      }
    }
    yield wantedBytes === undefined ? all : sample.items();
  }

  async #restore(manifest: Manifest, files: readonly Entry[]): Promise<ReadonlyMap<number, DisktroError>> {
    const { paths, token } = this.#vault.home;
    // Named after this process: after a kill the next one that opens the home removes it.
    const file = path.join(paths.temporary, `${token}-drill`);
    const descriptor = await promisify(fs.open)(file, 'wx+', 0o600).catch((error: unknown) => {
      throw fileSystemError(error, `making ${file}`);
    });
    const scratch = openFile(descriptor);
    try {
      return await new Trial(this.#reader, scratch, this.#signal).run(manifest, files);
    } finally {
      await scratch.close();
      await fs.promises.rm(file, { force: true });
    }
  }
}

function failureOf(id: FileId, place: Entry['path'] | null, { code, message }: DisktroError): DrillFailure {
  return { id, path: place === null ? null : Buffer.from(place).toString('utf8'), code, message };
}
