/** What the catalog keeps sealed of each file, opened. */
import type { FileRow } from '../../catalog/files.js';
import { findFile } from '../../catalog/files.js';
import type { FileId } from '../../core/ids.js';
import { openRecord } from '../../core/sealed-record.js';
import type { OpenVault, Vault } from '../home/vault.js';
import { opened } from '../home/vault.js';

export interface StoredFacts {
  readonly name: string;
  readonly host: string;
  readonly tags: readonly string[];
  /** Where it lay on its host, absolute; bytes when it is not UTF-8; undefined for a stream. */
  readonly path: string | Uint8Array | undefined;
  readonly bytes: number;
  readonly chunks: number;
}

/** What a file is called; undefined when there is none. @throws E_CATALOG_CORRUPT */
export function storedName(vault: Vault, id: FileId): string | undefined {
  const open = opened(vault);
  const row = findFile(open.home.catalog, id);
  return row === undefined ? undefined : openFacts(open, row).name;
}

/** @throws E_CATALOG_CORRUPT */
export function openFacts({ keys }: OpenVault, { sealed }: FileRow): StoredFacts {
  const record = openRecord(keys.name, sealed) as ReadonlyMap<string, unknown>;
  return {
    name: String(record.get('name')),
    host: String(record.get('host')),
    tags: record.get('tags') as readonly string[],
    path: record.get('path') as string | Uint8Array | undefined,
    bytes: Number(record.get('bytes')),
    chunks: Number(record.get('chunks')),
  };
}
