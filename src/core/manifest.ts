/**
 * The manifest: what a file or tree is made of (docs/FORMAT.md, "Manifest").
 * Plain data to bytes and back; a manifest that breaks a rule is refused whole.
 */
import type { IntegrityCode } from '../errors.js';
import { integrityError } from '../errors.js';
import { MAX_NAME_BYTES, MAX_TAGS } from '../limits.js';
import type { CborValue } from './cbor.js';
import { decodeCbor, encodeCbor } from './cbor.js';
import { checkEntryPath } from './entry-path.js';
import type { EncodedList } from './list.js';
import { decodeList, encodeList } from './list.js';

export type ManifestKind = 'file' | 'tree';
export type EntryType = 'file' | 'directory' | 'symlink' | 'hardlink' | 'fifo' | 'block' | 'character';

/**
 * A run of bytes of the chunk list's concatenated plaintexts: from `offset` inside chunk `chunk`, `length` bytes on,
 * over as many of the following chunks as that takes.
 */
export interface Extent {
  readonly chunk: number;
  readonly offset: number;
  readonly length: number;
}

export interface Entry {
  /** Relative, `/`-separated; bytes when it is not UTF-8. */
  readonly path: string | Uint8Array;
  readonly type: EntryType;
  /** Permission bits and setuid, setgid, sticky: 0 to 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeNs: bigint;
  readonly sizeBytes: number;
  readonly extents: readonly Extent[];
  /** Of a symlink or hardlink. */
  readonly target?: string | Uint8Array;
  readonly xattrs?: ReadonlyMap<string, Uint8Array>;
}

export interface Manifest {
  readonly v: 1;
  readonly kind: ManifestKind;
  readonly name: string;
  /** Milliseconds since 1970-01-01 UTC. */
  readonly createdMs: number;
  readonly host: string;
  readonly tags: readonly string[];
  /** Plaintext bytes of all entries. */
  readonly bytes: number;
  readonly entryCount: number;
  readonly chunks: EncodedList;
  readonly entries: EncodedList;
}

export const MANIFEST_VERSION = 1;

const ENTRY_TYPES: readonly EntryType[] = [
  'file',
  'directory',
  'symlink',
  'hardlink',
  'fifo',
  'block',
  'character',
];

export function encodeManifest(manifest: Manifest): Uint8Array {
  return encodeCbor({
    v: manifest.v,
    kind: manifest.kind,
    name: manifest.name,
    created: manifest.createdMs,
    host: manifest.host,
    tags: manifest.tags,
    bytes: manifest.bytes,
    entryCount: manifest.entryCount,
    chunks: encodeList(manifest.chunks),
    entries: encodeList(manifest.entries),
  });
}

/** @throws E_CBOR_INVALID, E_LIST_INVALID, E_MANIFEST_INVALID */
export function decodeManifest(bytes: Uint8Array): Manifest {
  const fields = new Fields('manifest', decodeCbor(bytes), 'E_MANIFEST_INVALID');
  const version = fields.integer('v');
  if (version !== MANIFEST_VERSION) fields.fail(`version: expected ${MANIFEST_VERSION}, got ${version}`);
  const manifest: Manifest = {
    v: MANIFEST_VERSION,
    kind: fields.oneOf('kind', ['file', 'tree']),
    name: fields.text('name'),
    createdMs: fields.integer('created'),
    host: fields.text('host'),
    tags: fields.texts('tags', MAX_TAGS),
    bytes: fields.integer('bytes'),
    entryCount: fields.integer('entryCount'),
    chunks: decodeList(fields.value('chunks')),
    entries: decodeList(fields.value('entries')),
  };
  fields.expectNoOthers();
  if (manifest.entries.count !== manifest.entryCount) {
    fields.fail(`entries: expected ${manifest.entryCount}, got ${manifest.entries.count}`);
  }
  if (manifest.kind === 'file' && manifest.entryCount !== 1) fields.fail('a file has exactly one entry');
  return manifest;
}

export function encodeEntry(entry: Entry): CborValue {
  checkEntryPath(entry.path);
  return {
    path: entry.path,
    type: entry.type,
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    mtimeNs: entry.mtimeNs,
    size: entry.sizeBytes,
    extents: entry.extents.map(({ chunk, offset, length }) => [chunk, offset, length]),
    ...(entry.target === undefined ? {} : { target: entry.target }),
    ...(entry.xattrs === undefined ? {} : { xattrs: entry.xattrs }),
  };
}

/** @throws E_MANIFEST_INVALID, E_MANIFEST_PATH */
export function decodeEntry(value: CborValue): Entry {
  const fields = new Fields('entry', value, 'E_MANIFEST_INVALID');
  const entry: Entry = {
    path: fields.textOrBytes('path'),
    type: fields.oneOf('type', ENTRY_TYPES),
    mode: fields.integer('mode', 0o7777),
    uid: fields.integer('uid', 0xffff_ffff),
    gid: fields.integer('gid', 0xffff_ffff),
    mtimeNs: fields.bigint('mtimeNs'),
    sizeBytes: fields.integer('size'),
    extents: fields.list('extents').map(decodeExtent),
    ...(fields.has('target') ? { target: fields.textOrBytes('target') } : {}),
    ...(fields.has('xattrs') ? { xattrs: fields.byteMap('xattrs') } : {}),
  };
  fields.expectNoOthers();
  checkEntryPath(entry.path);
  const extentBytes = entry.extents.reduce((sum, extent) => sum + extent.length, 0);
  if (entry.type === 'file' && extentBytes !== entry.sizeBytes) {
    fields.fail(`extents: expected ${entry.sizeBytes} bytes, got ${extentBytes}`);
  }
  return entry;
}

function decodeExtent(value: CborValue): Extent {
  if (
    Array.isArray(value) &&
    value.length === 3 &&
    value.every((part) => Number.isSafeInteger(part) && part >= 0)
  ) {
    const [chunk, offset, length] = value as [number, number, number];
    return { chunk, offset, length };
  }
  throw integrityError('E_MANIFEST_INVALID', 'extent: expected [chunk index, offset, length]');
}

/** CBOR allows any value as a key. */
const isTextMap = (value: CborValue | undefined): value is ReadonlyMap<string, CborValue> =>
  value instanceof Map && [...value.keys()].every((key) => typeof key === 'string');

/** Reads the fields of a CBOR map, each exactly once, and names the one that is wrong. */
class Fields {
  readonly #what: string;
  readonly #map: ReadonlyMap<string, CborValue>;
  readonly #code: IntegrityCode;
  readonly #read = new Set<string>();

  constructor(what: string, value: CborValue, code: IntegrityCode) {
    this.#what = what;
    this.#code = code;
    if (!isTextMap(value)) throw integrityError(code, `${what}: expected a map with names of text`);
    this.#map = value;
  }

  fail(why: string): never {
    throw integrityError(this.#code, `${this.#what}: ${why}`);
  }

  has(key: string): boolean {
    return this.#map.has(key);
  }

  value(key: string): CborValue | undefined {
    this.#read.add(key);
    return this.#map.get(key);
  }

  integer(key: string, most: number = Number.MAX_SAFE_INTEGER): number {
    const value = this.value(key);
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= most) return value;
    return this.fail(`${key}: expected an integer from 0 to ${most}`);
  }

  bigint(key: string): bigint {
    const value = this.value(key);
    if (typeof value === 'bigint' || Number.isSafeInteger(value)) return BigInt(value as bigint | number);
    return this.fail(`${key}: expected an integer`);
  }

  text(key: string): string {
    const value = this.value(key);
    if (typeof value === 'string' && Buffer.byteLength(value) <= MAX_NAME_BYTES) return value;
    return this.fail(`${key}: expected text of at most ${MAX_NAME_BYTES} bytes`);
  }

  textOrBytes(key: string): string | Uint8Array {
    const value = this.value(key);
    if (typeof value === 'string' || value instanceof Uint8Array) return value;
    return this.fail(`${key}: expected text or bytes`);
  }

  oneOf<T extends string>(key: string, allowed: readonly T[]): T {
    const value = allowed.find((candidate) => candidate === this.value(key));
    return value ?? this.fail(`${key}: expected one of ${allowed.join(', ')}`);
  }

  list(key: string): readonly CborValue[] {
    const value = this.value(key);
    return Array.isArray(value) ? value : this.fail(`${key}: expected a list`);
  }

  texts(key: string, most: number): readonly string[] {
    const texts = this.list(key);
    const isFine =
      texts.length <= most &&
      texts.every((text) => typeof text === 'string' && Buffer.byteLength(text) <= MAX_NAME_BYTES);
    return isFine ? (texts as readonly string[]) : this.fail(`${key}: expected at most ${most} texts`);
  }

  byteMap(key: string): ReadonlyMap<string, Uint8Array> {
    const value = this.value(key);
    if (isTextMap(value) && [...value.values()].every((bytes) => bytes instanceof Uint8Array)) {
      return value as ReadonlyMap<string, Uint8Array>;
    }
    return this.fail(`${key}: expected a map of bytes`);
  }

  expectNoOthers(): void {
    for (const key of this.#map.keys()) {
      if (!this.#read.has(key)) this.fail(`unknown field ${JSON.stringify(key)}`);
    }
  }
}
