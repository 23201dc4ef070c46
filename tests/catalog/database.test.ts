// SQLite as it is opened here, and its errors as ours. Sources: src/catalog/database.ts.
import fs from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { Catalog } from '../../src/catalog/catalog.js';
import { openDatabase } from '../../src/catalog/database.js';
import { startProgram } from '../ops/program.js';
import { scratchFolder } from '../ops/scratch-home.js';

t.test('every open catalog writes ahead and syncs every commit', async (t) => {
  const file = path.join(scratchFolder(t), 'catalog.db');
  Catalog.create(file).close();
  for (const how of ['opened', 'opened for reading'] as const) {
    const { database } = Catalog.open(file, { readOnly: how === 'opened for reading' });
    const pragma = (name: string): unknown => database.pragma(name, { simple: true });
    t.equal(pragma('journal_mode'), 'wal', how);
    t.equal(pragma('synchronous'), 2, 'FULL: NORMAL may drop acknowledged commits when the power fails');
    t.equal(pragma('foreign_keys'), 1);
    t.equal(pragma('trusted_schema'), 0);
    t.equal(pragma('cell_size_check'), 1);
    t.equal(pragma('busy_timeout'), 5000);
    database.close();
  }
  t.equal(fs.statSync(file).mode & 0o777, 0o600);
});

t.test('a catalog that is made aside has no write-ahead log to forget', async (t) => {
  const folder = scratchFolder(t);
  const catalog = Catalog.create(path.join(folder, 'aside.db'), { journal: 'delete' });
  t.equal(catalog.database.pragma('journal_mode', { simple: true }), 'delete');
  t.equal(catalog.database.pragma('synchronous', { simple: true }), 2);
  catalog.close();
  t.same(fs.readdirSync(folder), ['aside.db']);
});

t.test('opening never makes a database unasked', async (t) => {
  const file = path.join(scratchFolder(t), 'none.db');
  t.throws(() => openDatabase(file), { code: 'E_IO' });
  t.notOk(fs.existsSync(file));
});

t.test('a database that another process holds is retried, then E_LOCKED', async (t) => {
  const file = path.join(scratchFolder(t), 'catalog.db');
  const catalog = Catalog.create(file);
  const holder = startProgram(t, 'hold-database', [file]);
  await holder.line('held');
  catalog.database.pragma('busy_timeout = 40');
  const startedMs = performance.now();
  t.throws(() => catalog.write(() => 0), { code: 'E_LOCKED', hint: /wait/ });
  const tookMs = performance.now() - startedMs;
  t.ok(tookMs >= 100, `three tries of 40 ms took ${tookMs.toFixed(0)} ms`);
  t.equal(
    catalog.read(() => catalog.database.prepare('SELECT 1').pluck().get()),
    1,
    'reading goes on',
  );
  setTimeout(() => holder.child.stdin.end(), 50);
  await holder.ended;
  t.equal(
    catalog.write(() => 7),
    7,
    'and writing too, once it is free',
  );
  catalog.close();
});

t.test('SQLite’s errors come with our codes', async (t) => {
  const file = path.join(scratchFolder(t), 'catalog.db');
  Catalog.create(file).close();
  const reading = Catalog.open(file, { readOnly: true });
  t.throws(() => reading.write(() => reading.database.exec('DELETE FROM meta')), { code: 'E_READ_ONLY' });
  reading.close();
  const full = Catalog.open(file);
  const pages = full.database.pragma('page_count', { simple: true });
  full.database.pragma(`max_page_count = ${String(pages)}`);
  const fill = (): unknown =>
    full.write(() => full.database.prepare(`INSERT INTO meta VALUES ('x', zeroblob(1000000))`).run());
  t.throws(fill, { code: 'E_NO_SPACE', hint: /gc/ });
  t.equal(full.database.prepare('SELECT count(*) FROM meta').pluck().get(), 0, 'and nothing half done');
  full.close();
});
