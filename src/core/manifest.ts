/**
 * The manifest: what a file or tree is made of (docs/FORMAT.md, "Manifest").
 * Plain data to bytes and back; a manifest that breaks a rule is refused whole.
 */
import { MAX_PATH_BYTES, MAX_TAGS } from '../limits.js';
import { decodeCbor, encodeCbor } from './cbor.js';
import { CborFields } from './cbor-fields.js';
import type { EncodedList } from './list.js';
import { decodeList, encodeList } from './list.js';

export type ManifestKind = 'file' | 'tree';
export interface Manifest {
  readonly v: 1;
  readonly kind: ManifestKind;
  readonly name: string;
  /** Milliseconds since 1970-01-01 UTC. */
  readonly createdMs: number;
  readonly host: string;
  readonly tags: readonly string[];
  /** Where it lay on its host, absolute; bytes when it is not UTF-8; undefined for a stream. */
  readonly path?: string | Uint8Array;
  /** Plaintext bytes of all entries. */
  readonly bytes: number;
  readonly entryCount: number;
  readonly chunks: EncodedList;
  readonly entries: EncodedList;
}

export const MANIFEST_VERSION = 1;

export function encodeManifest(manifest: Manifest): Uint8Array {
  return encodeCbor({
    v: manifest.v,
    kind: manifest.kind,
    name: manifest.name,
    created: manifest.createdMs,
    host: manifest.host,
    tags: manifest.tags,
    ...(manifest.path === undefined ? {} : { path: manifest.path }),
    bytes: manifest.bytes,
    entryCount: manifest.entryCount,
    chunks: encodeList(manifest.chunks),
    entries: encodeList(manifest.entries),
  });
}

/** @throws E_CBOR_INVALID, E_LIST_INVALID, E_MANIFEST_INVALID */
export function decodeManifest(bytes: Uint8Array): Manifest {
  const fields = new CborFields('manifest', decodeCbor(bytes), 'E_MANIFEST_INVALID');
  const version = fields.integer('v');
  if (version !== MANIFEST_VERSION) fields.fail(`version: expected ${MANIFEST_VERSION}, got ${version}`);
  const manifest: Manifest = {
    v: MANIFEST_VERSION,
    kind: fields.oneOf('kind', ['file', 'tree']),
    name: fields.text('name'),
    createdMs: fields.integer('created'),
    host: fields.text('host'),
    tags: fields.texts('tags', MAX_TAGS),
    ...(fields.has('path') ? { path: fields.textOrBytes('path', MAX_PATH_BYTES) } : {}),
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
