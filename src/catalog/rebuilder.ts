/** Fills an empty catalog with what is found in a store. Works in one transaction per manifest. */
import type { FileId, PlainId, StoreId } from '../core/ids.js';
import { idToBytes, plainIdFromBytes } from '../core/ids.js';
import type { ChunkRef } from '../core/list.js';
import type { Catalog } from './catalog.js';
import type { NewFile } from './commits.js';
import { INSERT_FILE } from './files.js';
import { setMeta } from './meta.js';
import { KIND_NUMBERS, STATE_NUMBERS } from './objects.js';

export class Rebuilder {
  readonly #catalog: Catalog;
  readonly #statements: ReturnType<typeof prepare>;
  #newestMs = 0;
  #totals = { files: 0, objects: 0, bytes: 0 };

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
    this.#statements = prepare(catalog);
  }

  totals(): { readonly files: number; readonly objects: number; readonly bytes: number } {
    return { ...this.#totals };
  }

  /** @param record undefined for a manifest that cannot be read: it is kept as lost. @returns its row */
  addManifest(id: FileId, storedBytes: number, record: Omit<NewFile, 'object'> | undefined): number {
    this.#begin();
    const state = record === undefined ? STATE_NUMBERS.lost : STATE_NUMBERS.present;
    const row = Number(
      this.#statements.insertObject.run(idToBytes(id), KIND_NUMBERS.manifest, null, storedBytes, state)
        .lastInsertRowid,
    );
    if (record === undefined) return row;
    const { kind, nameTag, pathTag, sealed, createdMs } = record;
    this.#statements.insertFile.run(row, kind, nameTag, sealed, createdMs, pathTag);
    this.#newestMs = Math.max(this.#newestMs, createdMs);
    setMeta(this.#catalog.database, 'last_chunk_ms', this.#newestMs);
    this.#totals.files++;
    this.#count(storedBytes);
    return row;
  }

  /** @param storedBytes undefined when the store does not have it: it is entered as lost. @returns its row */
  addChunk(ref: ChunkRef, storedBytes: number | undefined, parent: number): number {
    const { findObject, insertObject, insertRef } = this.#statements;
    let row = findObject.get(idToBytes(ref.storeId)) as number | undefined;
    if (row === undefined) {
      const state = storedBytes === undefined ? STATE_NUMBERS.lost : STATE_NUMBERS.present;
      const plainId = idToBytes(ref.plainId);
      const inserted = insertObject.run(
        idToBytes(ref.storeId),
        KIND_NUMBERS.chunk,
        plainId,
        storedBytes ?? 0,
        state,
      );
      row = Number(inserted.lastInsertRowid);
      if (storedBytes !== undefined) this.#count(storedBytes);
    }
    insertRef.run(parent, row);
    return row;
  }

  /** A list chunk that is there but cannot be read: until it can be, gc must not take what it lists for strays. */
  markLost(row: number): void {
    this.#statements.setState.run(STATE_NUMBERS.lost, row);
  }

  has(id: StoreId): boolean {
    return this.#statements.findObject.get(idToBytes(id)) !== undefined;
  }

  /** Plaintexts that are listed and that no object entered so far holds. */
  lostPlainIds(): Set<PlainId> {
    return new Set((this.#statements.lostPlainIds.all() as Buffer[]).map(plainIdFromBytes));
  }

  /** An object that no manifest lists, but that holds what a lost one held. */
  addTwin(id: StoreId, plainId: PlainId, storedBytes: number): void {
    const { insertObject } = this.#statements;
    insertObject.run(
      idToBytes(id),
      KIND_NUMBERS.chunk,
      idToBytes(plainId),
      storedBytes,
      STATE_NUMBERS.present,
    );
    this.#count(storedBytes);
  }

  /** What refers to a lost object refers to one that holds the same plaintext as well, as before the rebuild. */
  finish(isIncomplete: boolean): void {
    this.#begin();
    this.#statements.adoptTwins.run();
    if (isIncomplete) setMeta(this.#catalog.database, 'rebuild_incomplete', 1);
    this.commit();
  }

  commit(): void {
    this.#catalog.read(() => this.#catalog.database.exec('COMMIT'));
  }

  #begin(): void {
    if (!this.#catalog.database.inTransaction) this.#catalog.database.exec('BEGIN');
  }

  #count(bytes: number): void {
    this.#totals.objects++;
    this.#totals.bytes += bytes;
  }
}

function prepare({ database }: Catalog) {
  return {
    findObject: database.prepare<[Buffer]>('SELECT id FROM objects WHERE store_id = ?').pluck(),
    insertObject: database.prepare(`
      INSERT INTO objects (store_id, kind, plain_id, stored_bytes, state, session)
      VALUES (?, ?, ?, ?, ?, 0)`),
    insertRef: database.prepare('INSERT OR IGNORE INTO refs (parent, child) VALUES (?, ?)'),
    lostPlainIds: database
      .prepare(`
        SELECT DISTINCT lost.plain_id FROM objects AS lost WHERE lost.state = ${STATE_NUMBERS.lost}
        AND lost.plain_id IS NOT NULL AND NOT EXISTS (
          SELECT 1 FROM objects AS twin
          WHERE twin.plain_id = lost.plain_id AND twin.state = ${STATE_NUMBERS.present})`)
      .pluck(),
    setState: database.prepare('UPDATE objects SET state = ? WHERE id = ?'),
    adoptTwins: database.prepare(`
      INSERT OR IGNORE INTO refs (parent, child)
      SELECT refs.parent, twin.id FROM objects AS lost
      JOIN refs ON refs.child = lost.id
      JOIN objects AS twin ON twin.plain_id = lost.plain_id AND twin.state = ${STATE_NUMBERS.present}
      WHERE lost.state = ${STATE_NUMBERS.lost}`),
    insertFile: database.prepare(INSERT_FILE),
  };
}
