/** Single facts about a home: when things were last done, and whether the catalog is known to be complete. */
import type { Catalog } from './catalog.js';
import type { Database } from './database.js';

export type MetaKey =
  | 'last_chunk_ms'
  | 'last_drill_ms'
  | 'last_forget_ms'
  | 'last_gc_ms'
  | 'last_verify_ms'
  | 'rebuild_incomplete'
  | 'scrubbed_row';

/** Runs inside the caller's transaction. */
export function setMeta(database: Database, key: MetaKey, value: number): void {
  database
    .prepare('INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value')
    .run(key, value);
}

export function getMeta(catalog: Catalog, key: MetaKey): number | undefined {
  const query = catalog.database.prepare<[string], number>('SELECT value FROM meta WHERE key = ?').pluck();
  return catalog.read(() => query.get(key)) as number | undefined;
}

/** Whether the last rebuild met manifests or lists that it could not read, so that references may be missing. */
export function isRebuildIncomplete(catalog: Catalog): boolean {
  return getMeta(catalog, 'rebuild_incomplete') === 1;
}
