/**
 * The transactions that make objects and files part of the vault. Everything a row names is durable before (I2);
 * when they return, the change survives power loss (I9).
 */
import type { StoreId } from '../core/ids.js';
import { idToBytes } from '../core/ids.js';
import { missingObject } from '../errors.js';
import type { Catalog } from './catalog.js';
import type { Database } from './database.js';
import { INSERT_FILE } from './files.js';
import { setMeta } from './meta.js';
import type { NewObject, ObjectRow } from './objects.js';
import { KIND_NUMBERS, toRow } from './objects.js';

export interface NewFile {
  readonly object: NewObject;
  readonly kind: number;
  readonly nameTag: Uint8Array;
  /** null for a stream, which lay nowhere. */
  readonly pathTag: Uint8Array | null;
  readonly sealed: Uint8Array;
  readonly createdMs: number;
}

/**
 * Enters a batch of durable chunks. Where another process was faster with the same plaintext, its object wins.
 * @returns for each object the row that holds its plaintext from now on: its own, or the winner's
 */
export function commitChunks(
  catalog: Catalog,
  session: number,
  objects: readonly NewObject[],
): readonly ObjectRow[] {
  const statements = prepare(catalog.database);
  return catalog.write(() =>
    objects.map((object) => {
      const plainId = object.plainId === undefined ? null : idToBytes(object.plainId);
      const winner = plainId === null ? undefined : statements.presentByPlain.get(plainId);
      if (winner !== undefined) {
        statements.revive.run(winner.id);
        return toRow(winner);
      }
      const row = insertObject(statements, session, object);
      if (plainId !== null) statements.adoptParents.run({ row, plain: plainId });
      return toRow(statements.byRow.get(row) as never);
    }),
  );
}

/**
 * Enters a file: its manifest's row, references and sealed name, in one transaction that also checks once more,
 * under the lock, that everything the manifest needs is there, and takes it off gc's list.
 * @throws E_OBJECT_MISSING
 */
export function commitFile(catalog: Catalog, session: number, file: NewFile): void {
  const statements = prepare(catalog.database);
  catalog.write(() => {
    const row = insertObject(statements, session, file.object);
    if (statements.anyTombstone.get() !== undefined) statements.reviveChildren.run(row);
    statements.insertFile.run(row, file.kind, file.nameTag, file.sealed, file.createdMs, file.pathTag);
    setMeta(catalog.database, 'last_chunk_ms', Date.now());
  });
}

/** Takes the tombstone off an object that is wanted again. @returns false when it is too late: gc has it already */
export function reviveObject(catalog: Catalog, row: number): boolean {
  const { revive } = prepare(catalog.database);
  return catalog.write(() => revive.run(row).changes === 1);
}

/** Lets another row with the same plaintext take the place of a lost one. */
export function forgetReplaced(catalog: Catalog, lost: number, replacement: number): void {
  const { database } = catalog;
  const adopt = database.prepare(
    'INSERT OR IGNORE INTO refs (parent, child) SELECT parent, ? FROM refs WHERE child = ?',
  );
  const removeRefs = database.prepare('DELETE FROM refs WHERE parent = @lost OR child = @lost');
  const removeCopies = database.prepare('DELETE FROM copies WHERE object = ?');
  const removeObject = database.prepare('DELETE FROM objects WHERE id = ?');
  const { revive } = prepare(database);
  catalog.write(() => {
    adopt.run(replacement, lost);
    revive.run(replacement);
    removeRefs.run({ lost });
    removeCopies.run(lost);
    removeObject.run(lost);
  });
}

type Statements = ReturnType<typeof makeStatements>;
const prepared = new WeakMap<Database, Statements>();

function prepare(database: Database): Statements {
  let statements = prepared.get(database);
  if (statements === undefined) {
    statements = makeStatements(database);
    prepared.set(database, statements);
  }
  return statements;
}

function makeStatements(database: Database) {
  return {
    presentByPlain: database.prepare<[Buffer], Parameters<typeof toRow>[0]>(
      'SELECT * FROM objects WHERE plain_id = ? AND state = 0 LIMIT 1',
    ),
    byRow: database.prepare<[number]>('SELECT * FROM objects WHERE id = ?'),
    childRow: database.prepare<[Buffer], { id: number }>(
      'SELECT id FROM objects WHERE store_id = ? AND state = 0',
    ),
    insertObject: database.prepare(`
      INSERT INTO objects (store_id, kind, plain_id, stored_bytes, session) VALUES (?, ?, ?, ?, ?)`),
    insertRef: database.prepare('INSERT OR IGNORE INTO refs (parent, child) VALUES (?, ?)'),
    revive: database.prepare(`
      UPDATE objects SET tombstoned_ms = NULL, tombstoned_session = NULL WHERE id = ? AND state = 0`),
    anyTombstone: database.prepare('SELECT 1 FROM objects WHERE tombstoned_ms IS NOT NULL LIMIT 1'),
    reviveChildren: database.prepare(`
      UPDATE objects SET tombstoned_ms = NULL, tombstoned_session = NULL
      WHERE tombstoned_ms IS NOT NULL AND id IN (
        WITH RECURSIVE reached (id) AS (
          VALUES (?) UNION SELECT refs.child FROM refs JOIN reached ON refs.parent = reached.id
        ) SELECT id FROM reached)`),
    /** What referred to a lost object with the same plaintext refers to this one as well from now on. */
    adoptParents: database.prepare(`
      INSERT OR IGNORE INTO refs (parent, child)
      SELECT refs.parent, @row FROM objects JOIN refs ON refs.child = objects.id
      WHERE objects.plain_id = @plain AND objects.state = 1`),
    insertFile: database.prepare(INSERT_FILE),
  };
}

function insertObject(statements: Statements, session: number, object: NewObject): number {
  const plainId = object.plainId === undefined ? null : idToBytes(object.plainId);
  const inserted = statements.insertObject.run(
    idToBytes(object.storeId),
    KIND_NUMBERS[object.kind],
    plainId,
    object.storedBytes,
    session,
  );
  const row = Number(inserted.lastInsertRowid);
  for (const child of object.children) statements.insertRef.run(row, childRow(statements, child));
  return row;
}

function childRow(statements: Statements, child: StoreId): number {
  const found = statements.childRow.get(idToBytes(child));
  if (found === undefined) throw missingObject(child);
  return found.id;
}
