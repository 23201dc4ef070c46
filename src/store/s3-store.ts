/**
 * A bucket as a holder: `chunks/ab/<id>`, `manifests/ab/<id>`, `vault/<id>` below its prefix, so that `sha256sum` checks
 * what any S3 client has downloaded. One object is one PUT that is durable when the engine answers; multipart is never
 * needed. Two writers of one name agree: the first one wins, both have written the same bytes.
 */
import { createHash } from 'node:crypto';
import { sha256Hex } from '../core/hashes.js';
import type { StoreId, VaultId } from '../core/ids.js';
import { isVaultId } from '../core/ids.js';
import type { ObjectKind } from '../core/object.js';
import { mapOrdered } from '../core/pipeline.js';
import { isDisktroError, missingObject } from '../errors.js';
import { type HolderStore, MAX_NOTE_BYTES, type NoteName } from './holder-store.js';
import type { HomeStore } from './home-store.js';
import { MemoryBatch } from './memory-batch.js';
import type { ListOptions, ObjectBatch, ObjectSize, StoreUsage } from './object-store.js';
import { DEFAULT_PAGE } from './object-store.js';
import { OBJECT_KINDS } from './paths.js';
import { brokenStore, type S3Call, S3Client, type S3Patience } from './s3-client.js';
import type { S3Answer } from './s3-connection.js';
import type { S3Keys } from './s3-keys.js';
import { MAX_PAGE_BYTES, objectsOf, PAGE_KEYS, readListPage, sizesOf } from './s3-listing.js';
import type { BucketLocation } from './store-url.js';

const FOLDERS: Readonly<Record<ObjectKind, string>> = { chunk: 'chunks/', manifest: 'manifests/' };
const DELETES_AT_ONCE = 8;
const PROBES_AT_ONCE = 16;
const HEX = '0123456789abcdef';

type Aborting = AbortSignal | undefined;

export class S3Store implements HolderStore, HomeStore {
  readonly #client: S3Client;
  readonly #prefix: string;
  /** Whether the engine honours `If-None-Match: *` on PUT; those that do not answer 501 once. */
  #isConditional = true;
  /** Where objects are locked by default AWS wants this header as well: it says so once. */
  #wantsMd5 = false;

  constructor(location: BucketLocation, keys: S3Keys, patience: Partial<S3Patience> = {}) {
    this.#client = new S3Client(location, keys, patience);
    this.#prefix = location.prefix === '' ? '' : `${location.prefix}/`;
  }

  get where(): string {
    return this.#client.where;
  }

  /** Objects are held in memory until `commit`: a bucket has no temporary names. */
  batch(): ObjectBatch {
    return new MemoryBatch(this);
  }

  async put(kind: ObjectKind, id: StoreId, bytes: Uint8Array, signal?: Aborting): Promise<boolean> {
    if (this.#isConditional) {
      const { status } = await this.#write(kind, id, bytes, { 'if-none-match': '*' }, signal);
      if (status < 300) return true;
      if (status === 501) this.#isConditional = false;
    }
    if ((await this.#head(kind, id, signal)) === bytes.byteLength) return false;
    // Nothing is there, or something that was cut: it is written over.
    await this.#write(kind, id, bytes, {}, signal);
    return true;
  }

  async replace(kind: ObjectKind, id: StoreId, bytes: Uint8Array, signal?: Aborting): Promise<void> {
    await this.#write(kind, id, bytes, {}, signal);
  }

  async read(kind: ObjectKind, id: StoreId, target: Uint8Array, signal?: Aborting): Promise<number> {
    const { status, body } = await this.#client.call({
      doing: `reading object ${id}`,
      method: 'GET',
      key: this.#key(kind, id),
      target,
      alsoFine: [404],
      signal,
    });
    if (status === 404) throw this.#missing(id, body);
    return body.byteLength;
  }

  async get(
    kind: ObjectKind,
    id: StoreId,
    range?: { readonly offset: number; readonly length: number },
    signal?: Aborting,
  ): Promise<Buffer> {
    const isEmpty = range?.length === 0;
    // No range is empty in HTTP: a byte is asked for and not used.
    const last = range === undefined ? 0 : range.offset + Math.max(1, range.length) - 1;
    const { status, body } = await this.#client.call({
      doing: `reading object ${id}`,
      method: 'GET',
      key: this.#key(kind, id),
      ...(range === undefined ? {} : { headers: { range: `bytes=${range.offset}-${last}` } }),
      alsoFine: [404, 416],
      signal,
    });
    if (status === 404) throw this.#missing(id, body);
    if (status === 416 || isEmpty) return Buffer.alloc(0);
    const bytes = asBuffer(body);
    // 200: an engine that does not know ranges sends all of it.
    return range !== undefined && status === 200
      ? bytes.subarray(range.offset, range.offset + range.length)
      : bytes;
  }

  async sizes(
    kind: ObjectKind,
    ids: readonly StoreId[],
    signal?: Aborting,
  ): Promise<readonly (number | undefined)[]> {
    const found = await sizesOf(ids, {
      head: (id) => this.#head(kind, id, signal),
      list: async (after, prefix) => this.#page(kind, { prefix, after, limit: PAGE_KEYS }, signal),
    });
    return ids.map((id) => found.get(id));
  }

  async probe(
    kind: ObjectKind,
    ids: readonly StoreId[],
    signal?: Aborting,
  ): Promise<readonly (number | undefined)[]> {
    const sizes: (number | undefined)[] = [];
    const ask = mapOrdered(PROBES_AT_ONCE, (id: StoreId) => this.#head(kind, id, signal));
    for await (const bytes of ask(ids, { signal })) sizes.push(bytes);
    return sizes;
  }

  async list(kind: ObjectKind, options: ListOptions = {}, signal?: Aborting): Promise<readonly ObjectSize[]> {
    const { prefix = '', limit = DEFAULT_PAGE } = options;
    const objects: ObjectSize[] = [];
    const { after } = options;
    let key: string | undefined;
    for (;;) {
      const room = Math.min(PAGE_KEYS, limit - objects.length);
      if (room === 0) return objects;
      const { page, isLast, lastKey } = await this.#page(kind, { prefix, after, key, limit: room }, signal);
      objects.push(...page);
      if (isLast) return objects;
      key = lastKey;
    }
  }

  async delete(kind: ObjectKind, ids: readonly StoreId[], signal?: Aborting): Promise<number> {
    const unique = [...new Set(ids)];
    const listed = await this.sizes(kind, unique, signal);
    const unseen = unique.filter((_, index) => listed[index] === undefined);
    const probed = await this.probe(kind, unseen, signal);
    const absent = new Set(unseen.filter((_, index) => probed[index] === undefined));
    const here = unique.filter((id) => !absent.has(id));
    let refusal: unknown;
    const remove = mapOrdered(DELETES_AT_ONCE, (id: StoreId) =>
      this.#remove(kind, id, signal).catch((error: unknown) => {
        // One that is locked keeps no other from going.
        if (!isDisktroError(error, 'E_PEER_REFUSED')) throw error;
        refusal ??= error;
      }),
    );
    for await (const _ of remove(here, { signal }));
    if (refusal !== undefined) throw refusal;
    return here.length;
  }

  async storedMs(kind: ObjectKind, id: StoreId): Promise<number | undefined> {
    const headers = await this.#headers(kind, id, undefined);
    if (headers === undefined) return undefined;
    const ms = Date.parse(String(headers['last-modified']));
    if (Number.isNaN(ms)) throw brokenStore(this.where, 'no last-modified');
    return ms;
  }

  async quarantine(kind: ObjectKind, id: StoreId): Promise<void> {
    let bytes: Buffer;
    try {
      bytes = await this.get(kind, id);
    } catch (error) {
      if (isDisktroError(error, 'E_OBJECT_MISSING')) return;
      throw error;
    }
    const key = `${this.#prefix}quarantine/${id}`;
    await this.#send({
      doing: `moving object ${id} to quarantine`,
      key,
      bytes,
      sha256: sha256Hex(bytes),
      signal: undefined,
    });
    await this.delete(kind, [id]);
  }

  /** Lists everything: one request for 1,000 objects. */
  async usage(): Promise<StoreUsage> {
    let objects = 0;
    let bytes = 0;
    for (const kind of OBJECT_KINDS) {
      const counts = await Promise.all(
        [...HEX].map(async (prefix) => this.list(kind, { prefix, limit: Number.MAX_SAFE_INTEGER })),
      );
      for (const page of counts) {
        objects += page.length;
        for (const each of page) bytes += each.bytes;
      }
    }
    return { objects, bytes, freeBytes: undefined };
  }

  async readNote(name: NoteName, signal?: Aborting): Promise<Buffer | undefined> {
    const { status, body } = await this.#callForText({
      doing: `reading ${name}`,
      method: 'GET',
      key: this.#prefix + name,
      mostBytes: MAX_NOTE_BYTES,
      alsoFine: [404],
      signal,
    });
    if (status === 404) this.#checkBucket(body, `reading ${name}`);
    return status === 404 ? undefined : asBuffer(body);
  }

  async writeNote(name: NoteName, bytes: Uint8Array, signal?: Aborting): Promise<void> {
    await this.#send({
      doing: `writing ${name}`,
      key: this.#prefix + name,
      bytes,
      sha256: sha256Hex(bytes),
      signal,
    });
  }

  async vaults(signal?: Aborting): Promise<readonly VaultId[]> {
    const folder = `${this.#prefix}vault/`;
    const { keys } = await this.#listKeys({ prefix: folder }, signal);
    return keys.map(({ key }) => key.slice(folder.length)).filter(isVaultId);
  }

  close(): void {
    this.#client.close();
  }

  #key(kind: ObjectKind, id: StoreId): string {
    return `${this.#prefix}${FOLDERS[kind]}${id.slice(0, 2)}/${id}`;
  }

  #write(
    kind: ObjectKind,
    id: StoreId,
    bytes: Uint8Array,
    condition: Readonly<Record<string, string>>,
    signal: Aborting,
  ): Promise<S3Answer> {
    const key = this.#key(kind, id);
    return this.#send({ doing: `storing object ${id}`, key, bytes, sha256: id, condition, signal });
  }

  /** The engine checks the bytes against the signed SHA-256, which of an object is its name: nothing is hashed here. */
  async #send(put: Put): Promise<S3Answer> {
    const { doing, key, bytes, sha256, condition = {}, signal } = put;
    const md5 = this.#wantsMd5
      ? { 'content-md5': createHash('md5').update(bytes).digest('base64') }
      : undefined;
    try {
      return await this.#client.call({
        doing,
        method: 'PUT',
        key,
        body: bytes,
        bodySha256: sha256,
        headers: { 'content-type': 'application/octet-stream', ...md5, ...condition },
        alsoFine: 'if-none-match' in condition ? [412, 501] : [],
        signal,
      });
    } catch (error) {
      if (md5 !== undefined || !asksForMd5(error)) throw error;
      this.#wantsMd5 = true;
      return await this.#send(put);
    }
  }

  #remove(kind: ObjectKind, id: StoreId, signal: Aborting): Promise<S3Answer> {
    return this.#client.call({
      doing: `deleting object ${id}`,
      method: 'DELETE',
      key: this.#key(kind, id),
      alsoFine: [404],
      signal,
    });
  }

  async #head(kind: ObjectKind, id: StoreId, signal: Aborting): Promise<number | undefined> {
    const headers = await this.#headers(kind, id, signal);
    if (headers === undefined) return undefined;
    const length = Number(headers['content-length']);
    if (!Number.isSafeInteger(length)) throw brokenStore(this.where, 'no content-length');
    return length;
  }

  async #headers(kind: ObjectKind, id: StoreId, signal: Aborting): Promise<S3Answer['headers'] | undefined> {
    const { status, headers } = await this.#client.call({
      doing: `looking for object ${id}`,
      method: 'HEAD',
      key: this.#key(kind, id),
      alsoFine: [404],
      signal,
    });
    return status === 404 ? undefined : headers;
  }

  /** @param options.after an id, or the part of one */
  async #page(
    kind: ObjectKind,
    options: {
      readonly prefix: string;
      readonly after: string | undefined;
      readonly key?: string | undefined;
      readonly limit: number;
    },
    signal: Aborting,
  ): Promise<{
    readonly page: ObjectSize[];
    readonly isLast: boolean;
    readonly lastKey: string | undefined;
  }> {
    const folder = this.#prefix + FOLDERS[kind];
    const { prefix, after, key, limit } = options;
    const sharded = (id: string): string =>
      id.length < 2 ? folder + id : `${folder}${id.slice(0, 2)}/${id}`;
    const listed = await this.#listKeys(
      {
        prefix: sharded(prefix),
        'max-keys': String(limit),
        ...(key !== undefined
          ? { 'start-after': key }
          : after === undefined || after === ''
            ? {}
            : { 'start-after': sharded(after) }),
      },
      signal,
    );
    const lastKey = listed.keys.at(-1)?.key;
    return { page: objectsOf(listed, folder), isLast: listed.token === undefined, lastKey };
  }

  async #listKeys(query: Readonly<Record<string, string>>, signal: Aborting) {
    const { body } = await this.#callForText({
      doing: 'listing',
      method: 'GET',
      key: '',
      query: { 'list-type': '2', ...query },
      mostBytes: MAX_PAGE_BYTES,
      signal,
    });
    const page = readListPage(body, query['start-after']);
    if (page === undefined) throw brokenStore(this.where, 'something that is no listing');
    return page;
  }

  /** What is too long is no damaged object: the engine is not what it should be. */
  async #callForText(call: S3Call): Promise<S3Answer> {
    try {
      return await this.#client.call(call);
    } catch (error) {
      if (!isDisktroError(error, 'E_OBJECT_LENGTH')) throw error;
      throw brokenStore(this.where, `too much at ${call.doing}`);
    }
  }

  #missing(id: StoreId, body: Uint8Array): Error {
    this.#checkBucket(body, `reading object ${id}`);
    return missingObject(id);
  }

  /** 404 is said of objects and of buckets. */
  #checkBucket(body: Uint8Array, doing: string): void {
    if (Buffer.from(body).includes('<Code>NoSuchBucket<')) throw this.#client.refusal(404, body, doing);
  }
}

interface Put {
  readonly doing: string;
  readonly key: string;
  readonly bytes: Uint8Array;
  readonly sha256: string;
  readonly condition?: Readonly<Record<string, string>>;
  readonly signal: Aborting;
}

function asksForMd5(error: unknown): boolean {
  return (
    isDisktroError(error, 'E_PEER_REFUSED') &&
    error.details?.status === 400 &&
    /Content-MD5/i.test(error.message)
  );
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
