/** Catalog queries about objects: which there are, which plaintexts they hold, and what became of them. */

import type { PlainId, StoreId } from '../core/ids.js';
import { idToBytes, plainIdFromBytes, storeIdFromBytes } from '../core/ids.js';
import type { ObjectKind } from '../core/object.js';
import type { Catalog } from './catalog.js';
import type { Statement } from './database.js';

export const KIND_NUMBERS: Readonly<Record<ObjectKind, number>> = { chunk: 1, manifest: 2 };

/** `present`: its file is there. `lost`: it was found missing or damaged. `freeing`: gc is about to unlink it. */
export type ObjectState = 'present' | 'lost' | 'freeing';
export const STATE_NUMBERS: Readonly<Record<ObjectState, number>> = { present: 0, lost: 1, freeing: 2 };

export interface ObjectRow {
  readonly row: number;
  readonly storeId: StoreId;
  readonly kind: ObjectKind;
  /** Of chunks only. */
  readonly plainId: PlainId | undefined;
  readonly storedBytes: number;
  readonly state: ObjectState;
  readonly isTombstoned: boolean;
  /** Kept for the cluster: no file here needs it, and it may be of a vault that this home cannot open. */
  readonly isHeld: boolean;
}

export interface NewObject {
  readonly storeId: StoreId;
  readonly kind: ObjectKind;
  readonly plainId?: PlainId;
  readonly storedBytes: number;
  /** Objects that this one's plaintext names. */
  readonly children: readonly StoreId[];
}

interface RawRow {
  id: number;
  store_id: Buffer;
  kind: number;
  plain_id: Buffer | null;
  stored_bytes: number;
  state: number;
  tombstoned_ms: number | null;
  held: number;
}

const COLUMNS = 'id, store_id, kind, plain_id, stored_bytes, state, tombstoned_ms, held';
const STATES: readonly ObjectState[] = ['present', 'lost', 'freeing'];

export class ObjectTable {
  readonly #catalog: Catalog;
  readonly #byPlain: Statement<[Buffer], RawRow>;
  readonly #twin: Statement<[Buffer, Buffer], RawRow>;
  readonly #byStore: Statement<[Buffer], RawRow>;
  readonly #link: Statement<[Buffer, Buffer]>;
  readonly #after: Statement<[number, number], RawRow>;
  readonly #descendants: Statement<[Buffer], RawRow>;

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
    const { database } = catalog;
    this.#byPlain = database.prepare(
      `SELECT ${COLUMNS} FROM objects WHERE plain_id = ? AND state = 0 ORDER BY tombstoned_ms IS NOT NULL, id LIMIT 1`,
    );
    this.#twin = database.prepare(
      `SELECT ${COLUMNS} FROM objects WHERE plain_id = ? AND state = 0 AND store_id <> ? LIMIT 1`,
    );
    this.#byStore = database.prepare(`SELECT ${COLUMNS} FROM objects WHERE store_id = ?`);
    this.#link = database.prepare(`
      SELECT 1 FROM objects AS parent
      JOIN refs ON refs.parent = parent.id JOIN objects AS child ON child.id = refs.child
      WHERE parent.store_id = ? AND child.plain_id = ? LIMIT 1`);
    this.#after = database.prepare(`SELECT ${COLUMNS} FROM objects WHERE id > ? ORDER BY id LIMIT ?`);
    this.#descendants = database.prepare(`
      WITH RECURSIVE reached (id) AS (
        SELECT id FROM objects WHERE store_id = ?
        UNION
        SELECT refs.child FROM refs JOIN reached ON refs.parent = reached.id
      )
      SELECT ${COLUMNS} FROM objects WHERE id IN reached ORDER BY id`);
  }

  /** The present object that holds this plaintext; one without a tombstone if there is a choice. */
  findPlain(plainId: PlainId): ObjectRow | undefined {
    return this.#catalog.read(() => optionalRow(this.#byPlain.get(idToBytes(plainId))));
  }

  /** Another present object with the same plaintext. */
  findTwin(plainId: PlainId, storeId: StoreId): ObjectRow | undefined {
    return this.#catalog.read(() => optionalRow(this.#twin.get(idToBytes(plainId), idToBytes(storeId))));
  }

  /** Whether `parent` refers to an object that holds this plaintext. */
  isLinked(parent: StoreId, child: PlainId): boolean {
    return this.#catalog.read(() => this.#link.get(idToBytes(parent), idToBytes(child)) !== undefined);
  }

  find(storeId: StoreId): ObjectRow | undefined {
    return this.#catalog.read(() => optionalRow(this.#byStore.get(idToBytes(storeId))));
  }

  /** Up to `limit` rows behind row number `row`, in order: how all of them are walked. */
  page(row: number, limit: number): readonly ObjectRow[] {
    return this.#catalog.read(() => this.#after.all(row, limit).map(toRow));
  }

  /** A manifest and everything it needs. */
  descendants(manifest: StoreId): readonly ObjectRow[] {
    return this.#catalog.read(() => this.#descendants.all(idToBytes(manifest)).map(toRow));
  }

  totals(): { objects: number; bytes: number; tombstoned: number; lost: number } {
    const query = `
      SELECT count(*) AS objects, coalesce(sum(stored_bytes), 0) AS bytes,
        count(tombstoned_ms) AS tombstoned, count(*) FILTER (WHERE state = 1) AS lost FROM objects`;
    type Totals = { objects: number; bytes: number; tombstoned: number; lost: number };
    return this.#catalog.read(() => this.#catalog.database.prepare(query).get() as Totals);
  }

  /** How many objects there are, and the highest row number. */
  span(): { readonly objects: number; readonly last: number } {
    const query = 'SELECT count(*) AS objects, coalesce(max(id), 0) AS last FROM objects';
    type Span = { objects: number; last: number };
    return this.#catalog.read(() => this.#catalog.database.prepare(query).get() as Span);
  }

  /** Notes that objects were found missing or damaged, so that nothing new relies on them. */
  markLost(rows: readonly number[]): void {
    this.#setState(rows, 'lost');
  }

  /** Notes that objects once found lost are there and whole. */
  markPresent(rows: readonly number[]): void {
    this.#setState(rows, 'present');
  }

  #setState(rows: readonly number[], state: ObjectState): void {
    if (rows.length === 0) return;
    const update = this.#catalog.database.prepare('UPDATE objects SET state = ? WHERE id = ? AND state <> 2');
    this.#catalog.write(() => {
      for (const row of rows) update.run(STATE_NUMBERS[state], row);
    });
  }
}

export function toRow(raw: RawRow): ObjectRow {
  return {
    row: raw.id,
    storeId: storeIdFromBytes(raw.store_id),
    kind: raw.kind === KIND_NUMBERS.manifest ? 'manifest' : 'chunk',
    plainId: raw.plain_id === null ? undefined : plainIdFromBytes(raw.plain_id),
    storedBytes: raw.stored_bytes,
    state: STATES[raw.state] ?? 'lost',
    isTombstoned: raw.tombstoned_ms !== null,
    isHeld: raw.held === 1,
  };
}

function optionalRow(raw: RawRow | undefined): ObjectRow | undefined {
  return raw === undefined ? undefined : toRow(raw);
}
