/**
 * Enters files that another machine of the same vault has stored: like a rebuild, but beside a catalog that is in use.
 * An object that is not here is entered as lost, with its references, so that it is fetched where it is needed.
 * A manifest comes last, together with its file.
 */
import type { StoreId } from '../core/ids.js';
import { idToBytes } from '../core/ids.js';
import type { ChunkRef } from '../core/list.js';
import type { ObjectKind } from '../core/object.js';
import { lockedError } from '../errors.js';
import type { Catalog } from './catalog.js';
import type { NewFile } from './commits.js';
import { KIND_NUMBERS, STATE_NUMBERS } from './objects.js';

/** A chunk that a manifest or list chunk names, and how long it is in this store; undefined: it is not here. */
export interface ImportedChunk {
  readonly ref: ChunkRef;
  readonly storedBytes: number | undefined;
}

/** Manifests that were removed here: they do not come back because a peer still has them. */
export function removedManifests(catalog: Catalog, ids: readonly StoreId[]): ReadonlySet<StoreId> {
  const query = catalog.database.prepare(`
    SELECT 1 WHERE EXISTS (SELECT 1 FROM freed WHERE store_id = @id)
      OR EXISTS (SELECT 1 FROM deletions WHERE store_id = @id)
      OR EXISTS (SELECT 1 FROM objects WHERE store_id = @id AND held = 0 AND tombstoned_ms IS NOT NULL)`);
  return catalog.readAll(() => new Set(ids.filter((id) => query.get({ id: idToBytes(id) }) !== undefined)));
}

/** Those of the ids that are files of this home's own vault. */
export function knownFiles(catalog: Catalog, ids: readonly StoreId[]): ReadonlySet<StoreId> {
  const query = catalog.database.prepare(
    'SELECT 1 FROM objects JOIN files ON files.object = objects.id WHERE store_id = ?',
  );
  return catalog.readAll(() => new Set(ids.filter((id) => query.get(idToBytes(id)) !== undefined)));
}

/** Manifests that this node holds for the cluster and that are of this vault. */
export function heldManifests(catalog: Catalog, vault: string): readonly StoreId[] {
  const query = catalog.database
    .prepare<[Buffer], Buffer>(
      `SELECT store_id FROM objects WHERE held = 1 AND kind = ${KIND_NUMBERS.manifest} AND vault = ?
         AND state = ${STATE_NUMBERS.present}`,
    )
    .pluck();
  return catalog.read(() => query.all(Buffer.from(vault, 'hex')).map((id) => id.toString('hex') as StoreId));
}

interface ImportedParent {
  readonly id: StoreId;
  readonly kind: ObjectKind;
  readonly storedBytes: number;
}

/** Enters a list chunk, and what it refers to. */
export function enterImported(
  catalog: Catalog,
  session: number,
  parent: ImportedParent,
  children: readonly ImportedChunk[],
): void {
  const enter = statementsOf(catalog, session);
  catalog.write(() => enter(parent, children));
}

export interface ImportedManifest {
  readonly manifest: ImportedParent;
  readonly children: readonly ImportedChunk[];
  readonly file: Omit<NewFile, 'object'>;
  /** Change nothing when the catalog knows it: it may have been removed since it was found unknown. */
  readonly isOnlyUnknown: boolean;
}

/** Enters a manifest, what it refers to, and its file. What its lists refer to is entered. @returns whether it was */
export function enterImportedManifest(
  catalog: Catalog,
  session: number,
  { manifest, children, file, isOnlyUnknown }: ImportedManifest,
): boolean {
  const { database } = catalog;
  const enter = statementsOf(catalog, session);
  const isKnown = database.prepare('SELECT 1 FROM objects WHERE store_id = ?');
  const insert = database.prepare(
    `INSERT OR IGNORE INTO files (object, kind, name_tag, sealed, created_ms, path_tag)
     SELECT id, ?, ?, ?, ?, ? FROM objects WHERE store_id = ?`,
  );
  const { kind, nameTag, sealed, createdMs, pathTag } = file;
  return catalog.write(() => {
    if (isOnlyUnknown && isKnown.get(idToBytes(manifest.id)) !== undefined) return false;
    enter(manifest, children);
    return insert.run(kind, nameTag, sealed, createdMs, pathTag, idToBytes(manifest.id)).changes > 0;
  });
}

/** What enters one parent and its children, inside the caller's transaction. */
function statementsOf({ database }: Catalog, session: number) {
  const enter = database.prepare(`
    INSERT INTO objects (store_id, kind, plain_id, stored_bytes, session, state) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (store_id) DO UPDATE SET session = CASE WHEN held = 1 THEN excluded.session ELSE session END,
      held = 0, vault = NULL, tombstoned_ms = NULL, tombstoned_session = NULL,
      plain_id = coalesce(plain_id, excluded.plain_id)
    WHERE state <> ${STATE_NUMBERS.freeing}`);
  const rowOf = database.prepare<[Buffer], number>('SELECT id FROM objects WHERE store_id = ?').pluck();
  const link = database.prepare('INSERT OR IGNORE INTO refs (parent, child) VALUES (?, ?)');
  const enterOne = (
    id: StoreId,
    kind: ObjectKind,
    plain: Buffer | null,
    bytes: number | undefined,
  ): number => {
    const state = bytes === undefined ? STATE_NUMBERS.lost : STATE_NUMBERS.present;
    const { changes } = enter.run(idToBytes(id), KIND_NUMBERS[kind], plain, bytes ?? 0, session, state);
    if (changes === 0) throw lockedError(`object ${id}, which gc is about to free,`);
    return Number(rowOf.get(idToBytes(id)));
  };
  return (parent: ImportedParent, children: readonly ImportedChunk[]): void => {
    const parentRow = enterOne(parent.id, parent.kind, null, parent.storedBytes);
    for (const { ref, storedBytes } of children) {
      const row = enterOne(ref.storeId, 'chunk', idToBytes(ref.plainId), storedBytes);
      link.run(parentRow, row);
    }
  };
}
