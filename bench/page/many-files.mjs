// Fills the catalog of a home with rows of files that have no objects on the disk: what the page shows of 100,000 files
// does not need their bytes. For measuring only; `verify` would rightly complain.
import { createHash, randomBytes } from 'node:crypto';
import Database from 'better-sqlite3';
import { nameTag, sealRecord } from '../../dist/src/core/sealed-record.js';
import { opened, openVault } from '../../dist/src/ops/home/vault.js';

const saltBytes = 32;
const endings = ['jpg', 'txt', 'pdf', 'mkv', 'tar.gz'];

/** The vault must be there; nobody else may have it open. */
export async function addFileRows(home, password, count) {
  const vault = await openVault({ home, password });
  const { name: key } = opened(vault).keys;
  const database = new Database(`${home}/catalog.db`);
  const addObject = database.prepare(
    'INSERT INTO objects (store_id, kind, plain_id, stored_bytes, session) VALUES (?, 2, NULL, ?, 0)',
  );
  const addFile = database.prepare(
    'INSERT INTO files (object, kind, name_tag, sealed, created_ms) VALUES (?, 1, ?, ?, ?)',
  );
  database.transaction(() => {
    for (let index = 0; index < count; index++) {
      const id = createHash('sha256').update(`file ${index}`).digest();
      const name = `archive/${2000 + (index % 26)}/${id.toString('hex', 0, 4)} ${index}.${endings[index % 5]}`;
      const told = { name, host: '', tags: [], bytes: id.readUInt32LE(4), chunks: 3 };
      const { lastInsertRowid } = addObject.run(id, 2_500);
      const sealed = sealRecord(key, randomBytes(saltBytes), told);
      addFile.run(lastInsertRowid, nameTag(key, name), sealed, Date.now() - index * 60_000);
    }
  })();
  database.close();
  await vault.close();
}
