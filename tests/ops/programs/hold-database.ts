// Holds a catalog's write lock until stdin ends: hold-database FILE
import { openDatabase } from '../../../src/catalog/database.js';

const [file = ''] = process.argv.slice(2);
const database = openDatabase(file);
database.exec('BEGIN IMMEDIATE');
process.stdout.write('held\n');
for await (const _ of process.stdin);
database.exec('ROLLBACK');
database.close();
