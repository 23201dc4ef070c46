// Opening, writing and closing a catalog, also when it is damaged. Sources: src/catalog/catalog.ts.
import fs from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import t from 'tap';
import { Catalog } from '../../src/catalog/catalog.js';
import { eachFile } from '../../src/catalog/files.js';
import { getMeta, setMeta } from '../../src/catalog/meta.js';
import { chunkStream } from '../../src/ops/chunk/chunk.js';
import { chance, sampleBytes, sliced } from '../ops/sample-bytes.js';
import { makeScratchHome, openScratch, scratchFolder } from '../ops/scratch-home.js';

const FILES = 40;

/** The bytes of a catalog with some files in it, closed in good order. */
async function filledCatalog(test: Test): Promise<Buffer> {
  const home = await makeScratchHome(scratchFolder(test));
  const vault = await openScratch(home);
  for (let file = 0; file < FILES; file++) {
    await chunkStream(vault, sliced(sampleBytes(file, 200), [200]), { name: `file ${file}`, workers: 0 });
  }
  await vault.close();
  return fs.readFileSync(path.join(home, 'catalog.db'));
}

/** Opens and reads everything, as any command would. @returns the number of files, or the error's code */
function tryToRead(file: string): number | string {
  let catalog: Catalog | undefined;
  try {
    catalog = Catalog.open(file);
    catalog.check();
    return [...eachFile(catalog)].length;
  } catch (error) {
    return String((error as { code?: string }).code);
  } finally {
    catalog?.close();
  }
}

t.test('a damaged catalog is E_CATALOG_CORRUPT: never a crash, never silently empty', async (t) => {
  const whole = await filledCatalog(t);
  const folder = scratchFolder(t);
  const read = (bytes: Uint8Array | undefined, title: string): number | string => {
    const file = path.join(folder, title.replaceAll(/\W/g, '-'));
    if (bytes !== undefined) fs.writeFileSync(file, bytes);
    return tryToRead(file);
  };
  t.equal(read(whole, 'whole'), FILES);
  t.equal(read(undefined, 'missing'), 'E_CATALOG_CORRUPT', 'missing');
  t.equal(read(Buffer.alloc(0), 'empty'), 'E_CATALOG_CORRUPT', 'no bytes');
  t.equal(read(Buffer.alloc(whole.byteLength), 'zeros'), 'E_CATALOG_CORRUPT', 'zeros');
  t.equal(read(sampleBytes('garbage', whole.byteLength), 'garbage'), 'E_CATALOG_CORRUPT', 'garbage');
  t.equal(read(Buffer.from('not a database\n'), 'text'), 'E_CATALOG_CORRUPT', 'text');

  const choices = chance(1);
  const lengths = [1, 15, 16, 99, 100, 511, 512, 4095, 4096, 4097, 8192];
  while (lengths.length < 60) lengths.push(1 + choices.whole(whole.byteLength - 1));
  const truncated = lengths.map(
    (length) => [length, read(whole.subarray(0, length), `cut-${length}`)] as const,
  );
  t.same(
    truncated.filter(([, outcome]) => outcome !== 'E_CATALOG_CORRUPT'),
    [],
    `${lengths.length} truncations`,
  );

  const pages = whole.byteLength / 4096;
  const outcomes = Array.from({ length: pages }, (_, page) => {
    const damaged = Buffer.from(whole);
    damaged.set(sampleBytes(page, 4096), page * 4096);
    return read(damaged, `page-${page}`);
  });
  const wrong = outcomes.filter((outcome) => outcome !== 'E_CATALOG_CORRUPT' && outcome !== FILES);
  t.same(wrong, [], `${pages} pages overwritten, one at a time: found, or without an effect`);
  t.ok(outcomes.filter((outcome) => outcome === 'E_CATALOG_CORRUPT').length > pages / 2);
});

t.test('the hint of a damaged catalog is rebuild', async (t) => {
  t.throws(() => Catalog.open(path.join(scratchFolder(t), 'none')), {
    code: 'E_CATALOG_CORRUPT',
    hint: /disktro rebuild/,
  });
});

t.test('a write is all there or not at all', async (t) => {
  const moments: string[] = [];
  const file = path.join(scratchFolder(t), 'catalog.db');
  const catalog = Catalog.create(file, { observer: (moment) => moments.push(moment) });
  catalog.write(() => setMeta(catalog.database, 'last_gc_ms', 1));
  t.same(moments, ['before-commit', 'after-commit']);
  const half = (): void =>
    catalog.write(() => {
      setMeta(catalog.database, 'last_gc_ms', 2);
      throw new Error('half way');
    });
  t.throws(half, { message: 'half way' }, 'the error stays what it is');
  t.equal(getMeta(catalog, 'last_gc_ms'), 1);
  t.equal(catalog.database.inTransaction, false, 'the next one can begin');
  catalog.write(() => setMeta(catalog.database, 'last_gc_ms', 3));
  catalog.close();
  const again = Catalog.open(file);
  t.equal(getMeta(again, 'last_gc_ms'), 3);
  t.equal(getMeta(again, 'last_verify_ms'), undefined);
  again.close();
});

t.test('a write that is stopped before its commit leaves nothing', async (t) => {
  const file = path.join(scratchFolder(t), 'catalog.db');
  let isStopped = true;
  const catalog = Catalog.create(file, {
    observer: (moment) => {
      if (isStopped && moment === 'before-commit') throw Object.assign(new Error('EIO'), { code: 'EIO' });
    },
  });
  t.throws(() => catalog.write(() => setMeta(catalog.database, 'last_gc_ms', 1)), { code: 'E_IO' });
  isStopped = false;
  t.equal(getMeta(catalog, 'last_gc_ms'), undefined);
  catalog.close();
});

t.test('the first write makes the catalog’s name durable, and says so when that fails', async (t) => {
  const folder = scratchFolder(t);
  const catalog = Catalog.create(path.join(folder, 'catalog.db'));
  const synced: string[] = [];
  const { openSync, fsyncSync } = fs;
  const names = new Map<number, string>();
  let isBroken = true;
  fs.openSync = ((...args: Parameters<typeof openSync>) => {
    const descriptor = openSync(...args);
    names.set(descriptor, String(args[0]));
    return descriptor;
  }) as typeof openSync;
  fs.fsyncSync = (descriptor) => {
    synced.push(names.get(descriptor) ?? '');
    if (isBroken) throw Object.assign(new Error('EIO'), { code: 'EIO' });
    fsyncSync(descriptor);
  };
  t.teardown(() => Object.assign(fs, { openSync, fsyncSync }));
  t.throws(() => catalog.write(() => setMeta(catalog.database, 'last_gc_ms', 1)), { code: 'E_IO' });
  isBroken = false;
  catalog.write(() => setMeta(catalog.database, 'last_gc_ms', 2));
  t.same(synced, [folder, folder], 'it was not taken for done after the failure');
  catalog.write(() => setMeta(catalog.database, 'last_gc_ms', 3));
  t.equal(synced.length, 2, 'once is enough');
  catalog.close();
});
