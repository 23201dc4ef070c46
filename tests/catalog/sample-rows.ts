// Rows for catalog tests: objects and files that exist in the catalog alone.
import path from 'node:path';
import type { Test } from 'tap';
import { Catalog } from '../../src/catalog/catalog.js';
import type { NewFile } from '../../src/catalog/commits.js';
import { commitChunks, commitFile } from '../../src/catalog/commits.js';
import type { NewObject, ObjectState } from '../../src/catalog/objects.js';
import { ObjectTable } from '../../src/catalog/objects.js';
import { sha256 } from '../../src/core/hashes.js';
import type { PlainId, StoreId } from '../../src/core/ids.js';
import { idToBytes } from '../../src/core/ids.js';
import { scratchFolder } from '../ops/scratch-home.js';

export interface SampleCatalog {
  readonly catalog: Catalog;
  readonly objects: ObjectTable;
}

export function sampleCatalog(test: Test): SampleCatalog {
  const catalog = Catalog.create(path.join(scratchFolder(test), 'catalog.db'));
  test.teardown(() => catalog.close());
  return { catalog, objects: new ObjectTable(catalog) };
}

export const storeIdOf = (name: string): StoreId =>
  sha256(Buffer.from(`store ${name}`)).toString('hex') as StoreId;
export const plainIdOf = (name: string): PlainId =>
  sha256(Buffer.from(`plain ${name}`)).toString('hex') as PlainId;

/** A chunk named by what it holds; `copy` tells several objects with the same plaintext apart. */
export function chunkRow(plaintext: string, children: readonly StoreId[] = [], copy = ''): NewObject {
  return {
    storeId: storeIdOf(plaintext + copy),
    kind: 'chunk',
    plainId: plainIdOf(plaintext),
    storedBytes: 200,
    children,
  };
}

export function fileRow(name: string, children: readonly StoreId[], createdMs = 1000): NewFile {
  return {
    object: { storeId: storeIdOf(name), kind: 'manifest', storedBytes: 60, children },
    kind: 1,
    nameTag: idToBytes(plainIdOf(`name of ${name}`)).subarray(0, 16),
    pathTag: idToBytes(plainIdOf(`path of ${name}`)).subarray(0, 16),
    sealed: Buffer.from(`sealed ${name}`),
    createdMs,
  };
}

/** Enters chunks and a file of them, as one `chunk` does. @returns the file's id */
export function enterFile(
  catalog: Catalog,
  name: string,
  plaintexts: readonly string[],
  session = 1,
): StoreId {
  const rows = commitChunks(
    catalog,
    session,
    plaintexts.map((plaintext) => chunkRow(plaintext, [], ` of ${name}`)),
  );
  const file = fileRow(
    name,
    rows.map(({ storeId }) => storeId),
  );
  commitFile(catalog, session, file);
  return file.object.storeId;
}

export function stateOf({ objects }: SampleCatalog, id: StoreId): ObjectState | 'tombstoned' | 'none' {
  const row = objects.find(id);
  if (row === undefined) return 'none';
  return row.state === 'present' && row.isTombstoned ? 'tombstoned' : row.state;
}

/** Makes the next session's number, as a process that begins one does. */
export function nextSession({ database }: Catalog): number {
  const insert = database.prepare(
    `INSERT INTO sessions (token, boot, started_ms) VALUES (hex(randomblob(8)), 'boot', 0)`,
  );
  return Number(insert.run().lastInsertRowid);
}
