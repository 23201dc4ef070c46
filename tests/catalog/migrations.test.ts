// The catalog's tables from nothing to now, and what is not ours to touch. Sources: src/catalog/migrations.ts.
import fs from 'node:fs';
import path from 'node:path';
import Sqlite from 'better-sqlite3';
import type { Test } from 'tap';
import t from 'tap';
import { Catalog } from '../../src/catalog/catalog.js';
import { openDatabase } from '../../src/catalog/database.js';
import { CATALOG_VERSION, checkVersion, migrate } from '../../src/catalog/migrations.js';
import { scratchFolder } from '../ops/scratch-home.js';

function newFile(test: Test): string {
  return path.join(scratchFolder(test), 'catalog.db');
}

/** Changes a database as another program would. */
function edit(file: string, sql: string): void {
  const database = new Sqlite(file);
  database.exec(sql);
  database.close();
}

t.test('an empty database gets all tables and the version', async (t) => {
  const database = openDatabase(newFile(t), { create: true });
  t.equal(checkVersion(database), 0);
  migrate(database);
  t.equal(checkVersion(database), CATALOG_VERSION);
  const tables = database.prepare(
    `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'`,
  );
  t.same(
    new Set(tables.pluck().all()),
    new Set([
      'objects',
      'refs',
      'files',
      'sessions',
      'meta',
      'nodes',
      'copies',
      'deletions',
      'freed',
      'vaults',
      'withdrawals',
    ]),
  );
  t.equal(database.pragma('application_id', { simple: true }), 0x44534b31, '"DSK1"');
  t.same(database.pragma('integrity_check', { simple: true }), 'ok');
  migrate(database);
  t.equal(checkVersion(database), CATALOG_VERSION, 'a second time changes nothing');
  database.close();
});

t.test('a catalog of version 1 keeps its rows', async (t) => {
  const file = newFile(t);
  Catalog.create(file).close();
  edit(
    file,
    `DROP TABLE nodes; DROP TABLE copies; DROP TABLE deletions; DROP TABLE freed; DROP TABLE vaults; DROP TABLE withdrawals;
     DROP INDEX objects_held; ALTER TABLE objects DROP COLUMN held; ALTER TABLE objects DROP COLUMN vault;
     DROP INDEX files_by_path; ALTER TABLE files DROP COLUMN path_tag; ALTER TABLE files DROP COLUMN proven_ms;
     INSERT INTO objects (store_id, kind, stored_bytes, session) VALUES (zeroblob(32), 1, 7, 1);
     PRAGMA user_version = 1`,
  );
  const catalog = Catalog.open(file);
  t.equal(checkVersion(catalog.database), CATALOG_VERSION);
  const rows = catalog.database.prepare('SELECT stored_bytes, held, vault FROM objects').all();
  t.same(rows, [{ stored_bytes: 7, held: 0, vault: null }], 'what was here is its own, not held for others');
  catalog.close();
});

t.test('row numbers of objects are never used twice', async (t) => {
  const { database } = Catalog.create(newFile(t));
  const insert = database.prepare(
    'INSERT INTO objects (store_id, kind, stored_bytes, session) VALUES (randomblob(32), 1, 1, 1)',
  );
  const first = insert.run().lastInsertRowid;
  database.exec('DELETE FROM objects');
  t.ok(
    Number(insert.run().lastInsertRowid) > Number(first),
    'someone may still hold the number of one that is gone',
  );
  database.close();
});

t.test('a catalog of a newer version is refused, not read and not changed', async (t) => {
  const file = newFile(t);
  Catalog.create(file).close();
  edit(file, `PRAGMA user_version = ${CATALOG_VERSION + 1}; CREATE TABLE later (x)`);
  const before = fs.readFileSync(file);
  t.throws(() => Catalog.open(file), { code: 'E_FORMAT_TOO_NEW', hint: /upgrade/ });
  t.throws(() => Catalog.open(file, { readOnly: true }), { code: 'E_FORMAT_TOO_NEW' });
  t.throws(() => Catalog.create(file), { code: 'E_FORMAT_TOO_NEW' });
  t.ok(fs.readFileSync(file).equals(before));
});

t.test('another program’s database is refused, not taken over', async (t) => {
  for (const [what, sql] of [
    ['with tables', 'CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)'],
    ['with a version', 'PRAGMA user_version = 1; CREATE TABLE theirs (x)'],
    ['with an application id', 'PRAGMA application_id = 252006673; CREATE TABLE theirs (x)'],
  ] as const) {
    const file = newFile(t);
    edit(file, sql);
    t.throws(() => Catalog.open(file), { code: 'E_CATALOG_CORRUPT', hint: /rebuild/ }, what);
    t.throws(() => Catalog.create(file), { code: 'E_CATALOG_CORRUPT' }, what);
    edit(file, 'SELECT x FROM theirs');
    t.pass('it is still theirs');
  }
});
