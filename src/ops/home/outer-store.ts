/**
 * The bucket of a home that keeps no objects itself. A bucket belongs to one home at a time, the one that its `home.json`
 * names: before anything is written, and each time something is deleted, that is looked at, so that a home whose vault
 * was recovered elsewhere frees nothing there. Opened at the first use.
 */
import { randomBytes } from 'node:crypto';
import type { StoreId } from '../../core/ids.js';
import type { ObjectKind } from '../../core/object.js';
import { DisktroError, usageError } from '../../errors.js';
import { type BandwidthLimit, bandwidthLimit } from '../../net/rate-limit.js';
import type { FileSystem } from '../../store/file-system.js';
import type { NoteName } from '../../store/holder-store.js';
import type { HomeStore } from '../../store/home-store.js';
import { MemoryBatch } from '../../store/memory-batch.js';
import type { ListOptions, ObjectBatch, ObjectSize, StoreUsage } from '../../store/object-store.js';
import { OBJECT_KINDS } from '../../store/paths.js';
import { S3Store } from '../../store/s3-store.js';
import { formatStoreUrl, parseStoreUrl } from '../../store/store-url.js';
import { KeyRing } from '../holders/holder-access.js';
import { noKeys } from '../holders/holder-errors.js';
import { OWNER_BYTES, type StoreFile } from './vault-files.js';

/** A look costs a request: once in so long is enough for what only adds. */
const LOOK_AGAIN_MS = 60_000;

/** Bytes per second; 0: no limit. A wait for them ends with the signal. */
export interface OuterStoreOptions {
  readonly uploadLimit?: number | undefined;
  readonly downloadLimit?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export class OuterStore implements HomeStore {
  /** As a person knows it, for messages. */
  readonly where: string;
  readonly #file: StoreFile;
  readonly #fileSystem: FileSystem;
  readonly #upload: BandwidthLimit | undefined;
  readonly #download: BandwidthLimit | undefined;
  readonly #signal: AbortSignal | undefined;
  #opening: Promise<S3Store> | undefined;
  #looking: Promise<void> | undefined;
  #lookedMs = Number.NEGATIVE_INFINITY;

  constructor(file: StoreFile, fileSystem: FileSystem, options: OuterStoreOptions = {}) {
    this.where = formatStoreUrl(parseStoreUrl(file.url));
    this.#file = file;
    this.#fileSystem = fileSystem;
    this.#upload = bandwidthLimit(options.uploadLimit);
    this.#download = bandwidthLimit(options.downloadLimit);
    this.#signal = options.signal;
  }

  batch(): ObjectBatch {
    return new MemoryBatch(this);
  }

  async put(kind: ObjectKind, id: StoreId, bytes: Uint8Array): Promise<boolean> {
    const store = await this.#owned();
    await this.#upload?.take(bytes.byteLength, this.#signal);
    return store.put(kind, id, bytes);
  }

  async read(kind: ObjectKind, id: StoreId, target: Uint8Array): Promise<number> {
    const length = await (await this.#open()).read(kind, id, target);
    await this.#download?.take(length, this.#signal);
    return length;
  }

  async get(kind: ObjectKind, id: StoreId, range?: { offset: number; length: number }): Promise<Buffer> {
    const bytes = await (await this.#open()).get(kind, id, range);
    await this.#download?.take(bytes.byteLength, this.#signal);
    return bytes;
  }

  /** What is told to be missing is noted as lost: this must be the bucket that it was. */
  async sizes(kind: ObjectKind, ids: readonly StoreId[]): Promise<readonly (number | undefined)[]> {
    return (await this.#owned()).sizes(kind, ids);
  }

  async list(kind: ObjectKind, options?: ListOptions): Promise<readonly ObjectSize[]> {
    return (await this.#open()).list(kind, options);
  }

  async delete(kind: ObjectKind, ids: readonly StoreId[]): Promise<number> {
    return ids.length === 0 ? 0 : (await this.#owned(0)).delete(kind, ids);
  }

  async usage(): Promise<StoreUsage> {
    return (await this.#open()).usage();
  }

  async quarantine(kind: ObjectKind, id: StoreId): Promise<void> {
    await (await this.#owned(0)).quarantine(kind, id);
  }

  async storedMs(kind: ObjectKind, id: StoreId): Promise<number | undefined> {
    return (await this.#open()).storedMs(kind, id);
  }

  async readNote(name: NoteName, signal?: AbortSignal): Promise<Buffer | undefined> {
    return (await this.#open()).readNote(name, signal);
  }

  async writeNote(name: NoteName, bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
    await (await this.#owned(0)).writeNote(name, bytes, signal);
  }

  close(): void {
    this.#opening?.then(
      (store) => store.close(),
      () => {},
    );
  }

  #open(): Promise<S3Store> {
    this.#opening ??= openBucket(this.#file.url, this.#fileSystem);
    return this.#opening;
  }

  /** @throws E_PEER_REFUSED when the bucket is not this home's */
  async #owned(lookAgainMs = LOOK_AGAIN_MS): Promise<S3Store> {
    const store = await this.#open();
    if (performance.now() - this.#lookedMs >= lookAgainMs) {
      this.#looking ??= this.#look(store).finally(() => {
        this.#looking = undefined;
      });
      await this.#looking;
    }
    return store;
  }

  async #look(store: S3Store): Promise<void> {
    const startedMs = performance.now();
    const owner = ownerOf(await store.readNote('home.json'));
    if (owner === this.#file.owner) {
      this.#lookedMs = startedMs;
      return;
    }
    if (owner === undefined) {
      throw new DisktroError(
        'E_PEER_REFUSED',
        `${this.where}: home.json is missing: this is not the store it was`,
        {
          hint: 'was the bucket emptied, or is its prefix another one now? Nothing was written',
        },
      );
    }
    throw new DisktroError('E_PEER_REFUSED', `${this.where}: belongs to another home now`, {
      hint: 'the vault was recovered elsewhere: use that home, or `disktro recover --from` the bucket into an empty one',
    });
  }
}

/** @throws E_USAGE when it is no bucket, E_CONFIG when there are no keys for it */
export async function openBucket(url: string, fileSystem: FileSystem): Promise<S3Store> {
  const location = parseStoreUrl(url);
  if (location.kind !== 'bucket') {
    throw usageError(
      'a vault that is not in its home is in a bucket: s3://KEY@host/bucket/prefix',
      'for a folder on another disk, name it with --home, or add it with `disktro peers add`',
    );
  }
  const found = (await KeyRing.read(fileSystem, process.env)).find(location.accessKeyId);
  if (found === undefined) throw noKeys(location);
  return new S3Store(location, found.keys);
}

/** Makes an empty bucket the store of a new home. @throws E_VAULT_EXISTS when something is in it */
export async function claimEmptyStore(store: S3Store, url: string): Promise<StoreFile> {
  const [vaults, holder, ...pages] = await Promise.all([
    store.vaults(),
    store.readNote('holder.json'),
    ...OBJECT_KINDS.map((kind) => store.list(kind, { limit: 1 })),
  ]);
  if (vaults.length > 0 || holder !== undefined || pages.some((page) => page.length > 0)) {
    throw new DisktroError('E_VAULT_EXISTS', `${store.where}: holds files already`, {
      hint: 'use another prefix; or `disktro recover --from` it, if they are yours',
    });
  }
  return claimStore(store, url);
}

/** From now on no other home writes there. */
export async function claimStore(store: S3Store, url: string): Promise<StoreFile> {
  const owner = randomBytes(OWNER_BYTES).toString('hex');
  await store.writeNote('home.json', Buffer.from(`${JSON.stringify({ v: 1, owner })}\n`));
  return { url, owner };
}

/** Which home `home.json` names; undefined: there is none. */
export function ownerOf(note: Uint8Array | undefined): string | undefined {
  if (note === undefined) return undefined;
  try {
    return String((JSON.parse(Buffer.from(note).toString('utf8')) as { owner?: unknown }).owner);
  } catch {
    return '';
  }
}
