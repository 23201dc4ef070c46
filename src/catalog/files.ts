/** Catalog queries about files: manifests with their sealed names. */
import type { FileId, StoreId } from '../core/ids.js';
import { idToBytes, storeIdFromBytes } from '../core/ids.js';
import type { ManifestKind } from '../core/manifest.js';
import type { Catalog } from './catalog.js';

export const FILE_KIND_NUMBERS: Readonly<Record<ManifestKind, number>> = { file: 1, tree: 2 };

/** Bound in this order: object row, kind, name tag, sealed record, time, path tag. */
export const INSERT_FILE =
  'INSERT INTO files (object, kind, name_tag, sealed, created_ms, path_tag) VALUES (?, ?, ?, ?, ?, ?)';

export interface FileRow {
  readonly id: FileId;
  readonly kind: ManifestKind;
  /** {name, host, tags, bytes, chunks, entries, path?}, sealed under the name key. */
  readonly sealed: Buffer;
  readonly createdMs: number;
  /** When a restored sample of it was last found right. */
  readonly provenMs: number | undefined;
  /** Whether every object of it is present on this node. */
  readonly isComplete: boolean;
}

interface RawFile {
  store_id: Buffer;
  kind: number;
  sealed: Buffer;
  created_ms: number;
  proven_ms: number | null;
  lost: number;
}

const SELECT_FILE = `
  SELECT objects.store_id, files.kind, files.sealed, files.created_ms, files.proven_ms,
    CASE WHEN EXISTS (SELECT 1 FROM objects AS any_lost WHERE any_lost.state <> 0) THEN EXISTS (
      WITH RECURSIVE reached (id) AS (
        VALUES (files.object) UNION SELECT refs.child FROM refs JOIN reached ON refs.parent = reached.id
      )
      SELECT 1 FROM reached JOIN objects AS part ON part.id = reached.id
      WHERE part.state <> 0 AND NOT EXISTS (
        SELECT 1 FROM objects AS twin WHERE twin.plain_id = part.plain_id AND twin.state = 0)
    ) ELSE 0 END AS lost
  FROM files JOIN objects ON objects.id = files.object`;

/** All files, oldest first, a page at a time so that nothing holds the database open. */
export function* eachFile(catalog: Catalog): Generator<FileRow> {
  const query = catalog.database.prepare<[number, number, number], RawFile & { object: number }>(
    `${SELECT_FILE.replace('SELECT objects', 'SELECT files.object, objects')}
     WHERE (files.created_ms, files.object) > (?, ?) ORDER BY files.created_ms, files.object LIMIT ?`,
  );
  let after: [number, number] = [-1, -1];
  for (;;) {
    const page = catalog.read(() => query.all(...after, 500));
    for (const raw of page) yield toFile(raw);
    const last = page.at(-1);
    if (last === undefined) return;
    after = [last.created_ms, last.object];
  }
}

export function findFile(catalog: Catalog, id: StoreId): FileRow | undefined {
  const query = catalog.database.prepare<[Buffer], RawFile>(`${SELECT_FILE} WHERE objects.store_id = ?`);
  const raw = catalog.read(() => query.get(idToBytes(id)));
  return raw === undefined ? undefined : toFile(raw);
}

/** File ids that begin with these hex digits, at most `limit`. */
export function filesByPrefix(catalog: Catalog, prefix: string, limit: number): readonly FileId[] {
  const low = Buffer.from(prefix.padEnd(64, '0'), 'hex');
  const high = Buffer.from(prefix.padEnd(64, 'f'), 'hex');
  const query = catalog.database
    .prepare<[Buffer, Buffer, number], Buffer>(
      `SELECT store_id FROM objects WHERE store_id BETWEEN ? AND ? AND id IN (SELECT object FROM files) LIMIT ?`,
    )
    .pluck();
  return catalog.read(() => query.all(low, high, limit).map((id) => storeIdFromBytes(id) as FileId));
}

/** The newest file with this name's tag. */
export function newestByName(catalog: Catalog, nameTag: Uint8Array): FileId | undefined {
  return newest(catalog, 'WHERE files.name_tag = ?', nameTag);
}

/** The newest file or tree that lay at this tag's path. */
export function newestByPath(catalog: Catalog, pathTag: Uint8Array): FileId | undefined {
  return newest(catalog, 'WHERE files.path_tag = ?', pathTag);
}

/** The newest of each path that files or trees lay at, in the order of their times. */
export function newestOfEachPath(catalog: Catalog): readonly FileRow[] {
  const query = catalog.database.prepare<[], RawFile>(
    `${SELECT_FILE} JOIN (
       SELECT object, row_number() OVER (PARTITION BY path_tag ORDER BY created_ms DESC, object DESC) AS age
       FROM files WHERE path_tag IS NOT NULL) AS aged ON aged.object = files.object AND aged.age = 1
     ORDER BY files.created_ms, files.object`,
  );
  return catalog.read(() => query.all().map(toFile));
}

/** Notes when a sample of a file was restored and right; undefined: it was not right. */
export function noteProven(catalog: Catalog, id: FileId, provenMs: number | undefined): void {
  const update = catalog.database.prepare(
    'UPDATE files SET proven_ms = ? WHERE object = (SELECT id FROM objects WHERE store_id = ?)',
  );
  catalog.write(() => update.run(provenMs ?? null, idToBytes(id)));
}

export function newestFile(catalog: Catalog): FileId | undefined {
  return newest(catalog, '');
}

export function countFiles(catalog: Catalog): number {
  return catalog.read(() => Number(catalog.database.prepare('SELECT count(*) FROM files').pluck().get()));
}

function newest(catalog: Catalog, where: string, ...parameters: Uint8Array[]): FileId | undefined {
  const query = catalog.database.prepare<Uint8Array[], Buffer>(
    `SELECT objects.store_id FROM files JOIN objects ON objects.id = files.object ${where}
     ORDER BY files.created_ms DESC, files.object DESC LIMIT 1`,
  );
  const id = catalog.read(() => query.pluck().get(...parameters)) as Buffer | undefined;
  return id === undefined ? undefined : (storeIdFromBytes(id) as FileId);
}

function toFile(raw: RawFile): FileRow {
  return {
    id: storeIdFromBytes(raw.store_id) as FileId,
    kind: raw.kind === FILE_KIND_NUMBERS.tree ? 'tree' : 'file',
    sealed: raw.sealed,
    createdMs: raw.created_ms,
    provenMs: raw.proven_ms ?? undefined,
    isComplete: raw.lost === 0,
  };
}
