/** The catalog's tables, as steps from one `user_version` to the next, each in one transaction. */
import { DisktroError, integrityError } from '../errors.js';
import type { Database } from './database.js';

/** "DSK1": tells a disktro catalog from any other SQLite file. */
const APPLICATION_ID = 0x44534b31;

const STEPS: readonly string[] = [
  `
  CREATE TABLE objects (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again: others may hold a number across transactions
    store_id BLOB NOT NULL UNIQUE CHECK (length(store_id) = 32),
    kind INTEGER NOT NULL,
    plain_id BLOB,
    stored_bytes INTEGER NOT NULL,
    session INTEGER NOT NULL,
    state INTEGER NOT NULL DEFAULT 0,
    tombstoned_ms INTEGER,
    tombstoned_session INTEGER
  ) STRICT;
  CREATE INDEX objects_by_plain_id ON objects (plain_id) WHERE plain_id IS NOT NULL;
  CREATE INDEX objects_tombstoned ON objects (tombstoned_ms) WHERE tombstoned_ms IS NOT NULL;
  CREATE TABLE refs (
    parent INTEGER NOT NULL,
    child INTEGER NOT NULL,
    PRIMARY KEY (parent, child)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX refs_by_child ON refs (child);
  CREATE TABLE files (
    object INTEGER PRIMARY KEY REFERENCES objects (id),
    kind INTEGER NOT NULL,
    name_tag BLOB NOT NULL,
    sealed BLOB NOT NULL,
    created_ms INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX files_by_name ON files (name_tag);
  CREATE INDEX files_by_time ON files (created_ms);
  CREATE TABLE sessions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    token TEXT NOT NULL UNIQUE,
    boot TEXT NOT NULL,
    started_ms INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value ANY
  ) STRICT, WITHOUT ROWID;
  `,
  `
  ALTER TABLE objects ADD COLUMN held INTEGER NOT NULL DEFAULT 0; -- 1: kept for the cluster, no file here needs it
  ALTER TABLE objects ADD COLUMN vault BLOB; -- whose, of held ones
  CREATE INDEX objects_held ON objects (vault) WHERE held = 1;
  CREATE TABLE nodes (
    id INTEGER PRIMARY KEY,
    node_id TEXT NOT NULL UNIQUE
  ) STRICT;
  CREATE TABLE copies (
    object INTEGER NOT NULL,
    node INTEGER NOT NULL,
    PRIMARY KEY (object, node)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE deletions (
    store_id BLOB PRIMARY KEY CHECK (length(store_id) = 32),
    vault BLOB NOT NULL,
    free_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE freed (
    store_id BLOB PRIMARY KEY CHECK (length(store_id) = 32),
    freed_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE vaults (
    id BLOB PRIMARY KEY CHECK (length(id) = 16),
    record TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  ALTER TABLE files ADD COLUMN path_tag BLOB; -- where it lay on its host; null for a stream
  ALTER TABLE files ADD COLUMN proven_ms INTEGER; -- when a restored sample of it was last found right
  CREATE INDEX files_by_path ON files (path_tag) WHERE path_tag IS NOT NULL;
  `,
  `
  CREATE TABLE withdrawals ( -- deletions that were taken back
    store_id BLOB PRIMARY KEY CHECK (length(store_id) = 32),
    vault BLOB NOT NULL,
    until_ms INTEGER NOT NULL -- orders that were signed up to then do not count
  ) STRICT, WITHOUT ROWID;
  `,
];

/** The `user_version` that this program writes. */
export const CATALOG_VERSION = STEPS.length;

/** Brings the tables up to date. @throws E_FORMAT_TOO_NEW, E_CATALOG_CORRUPT for another program's database */
export function migrate(database: Database): void {
  const version = checkVersion(database);
  for (let step = version; step < CATALOG_VERSION; step++) {
    database
      .transaction(() => {
        database.exec(STEPS[step] ?? '');
        database.pragma(`application_id = ${APPLICATION_ID}`);
        database.pragma(`user_version = ${step + 1}`);
      })
      .exclusive();
  }
}

/** @returns the version found, 0 for an empty file */
export function checkVersion(database: Database): number {
  const version = Number(database.pragma('user_version', { simple: true }));
  const application = Number(database.pragma('application_id', { simple: true }));
  const tables = Number(database.prepare('SELECT count(*) FROM sqlite_schema').pluck().get());
  if (version === 0 && tables === 0) return 0;
  if (application !== APPLICATION_ID) {
    throw integrityError('E_CATALOG_CORRUPT', 'catalog.db belongs to another program', {
      hint: 'move it away, then run `disktro rebuild`; no file is lost',
    });
  }
  if (version > CATALOG_VERSION) {
    throw new DisktroError(
      'E_FORMAT_TOO_NEW',
      `catalog version: expected at most ${CATALOG_VERSION}, got ${version}`,
      {
        hint: 'this home was used by a newer disktro; upgrade this one',
      },
    );
  }
  return version;
}
