// What the catalog gives away, what it says when the program itself is wrong, and lists that are spelt another way.
// Sources: src/catalog/catalog.ts, src/ops/chunk/manifest-writer.ts, src/core/list.ts.
import t from 'tap';
import { encodeCbor } from '../../src/core/cbor.js';
import { encodeEntry } from '../../src/core/entry.js';
import type { StoreId } from '../../src/core/ids.js';
import { encodeRef } from '../../src/core/list.js';
import { preparePasswordWork } from '../../src/core/password-work.js';
import { chunkStream } from '../../src/ops/chunk/chunk.js';
import { ChunkWriter } from '../../src/ops/chunk/chunk-writer.js';
import { storeManifest } from '../../src/ops/chunk/manifest-writer.js';
import { listFiles } from '../../src/ops/files/files.js';
import type { OpenVault } from '../../src/ops/home/vault.js';
import { rebuildCatalog } from '../../src/ops/upkeep/rebuild.js';
import { verify } from '../../src/ops/upkeep/verify.js';
import { restored } from './expect-intact.js';
import { sampleBytes, sliced } from './sample-bytes.js';
import { makeScratchHome, openScratch, RECOVERY_CODE, scratchFolder, TINY_SIZES } from './scratch-home.js';

type Row = Readonly<Record<string, unknown>>;

const TABLES = ['objects', 'refs', 'files', 'meta'];
const TIMES = ['created_ms', 'last_chunk_ms', 'started_ms'];

/** Every value of every table; of ids and sealed bytes only the length, of times nothing. */
function outsidersView(vault: OpenVault): unknown {
  const blind = ([key, value]: [string, unknown]): unknown => {
    if (TIMES.includes(key)) return [key];
    return [key, value instanceof Uint8Array ? `${value.byteLength} bytes` : value];
  };
  const rowsOf = (table: string): unknown => {
    const rows = vault.home.catalog.database.prepare(`SELECT * FROM ${table}`).all() as Row[];
    const timeless = rows.map((row) => (TIMES.includes(String(row.key)) ? { key: row.key } : row));
    return timeless.map((row) => Object.entries(row).map(blind));
  };
  return TABLES.map((table) => [table, rowsOf(table)]);
}

for (const [which, lengths, sizes] of [
  ['one chunk', [60_001, 60_900], undefined],
  ['many chunks', [256 * 40 + 129, 256 * 40 + 130], TINY_SIZES],
  ['a list that has spilled', [256 * 1000 + 129, 256 * 1000 + 130], TINY_SIZES],
] as const) {
  t.test(`the catalog holds no exact sizes: ${which}`, async (t) => {
    const views: unknown[] = [];
    for (const length of lengths) {
      const home = await makeScratchHome(scratchFolder(t));
      const vault = await openScratch(home, sizes === undefined ? {} : { sizes });
      // Many times the same, so that the same batches are filled whatever the threads do.
      const unit = sampleBytes('unit', 256);
      const bytes =
        sizes === undefined
          ? sampleBytes('one', length)
          : Buffer.concat(Array(1001).fill(unit)).subarray(0, length);
      const options = { name: 'name', workers: 0, chunker: 'fixed', compression: 'none' } as const;
      const { chunks } = await chunkStream(vault, sliced(bytes, [65_536]), options);
      t.match([...listFiles(vault)], [{ bytes: length, chunks }], 'the list shows them');
      views.push(outsidersView(vault));
      await vault.close();
    }
    t.same(views[0], views[1], `of ${lengths.join(' and ')} bytes`);
  });
}

t.test('an error of the program inside a transaction stays what it is', async (t) => {
  const vault = await openScratch(await makeScratchHome(scratchFolder(t)));
  const { catalog } = vault.home;
  for (const error of [new TypeError('a bug'), new RangeError('another'), 'thrown text']) {
    const mistake = (): never => {
      catalog.database.exec("INSERT INTO meta VALUES ('half', 1)");
      throw error;
    };
    let caught: unknown;
    try {
      catalog.write(mistake);
    } catch (thrown) {
      caught = thrown;
    }
    t.equal(caught, error);
    t.notOk(catalog.database.inTransaction);
    t.equal(
      catalog.database.prepare("SELECT count(*) FROM meta WHERE key = 'half'").pluck().get(),
      0,
      'rolled back',
    );
  }
  const full = Object.assign(new Error('no space'), { code: 'ENOSPC' });
  const unlucky = (): never => {
    throw full;
  };
  t.throws(() => catalog.write(unlucky), { code: 'E_NO_SPACE' }, 'what the system says is translated');
  await vault.close();
});

/** The same item, spelt as the encoder never does. */
const spellings: Readonly<Record<string, (item: Uint8Array) => Uint8Array>> = {
  // A list of 3 as 0x83; here its length stands in a byte of its own, and in two.
  'a length in one byte too many': (item) => Buffer.concat([Buffer.of(0x98, 3), item.subarray(1)]),
  'a length in two bytes too many': (item) => Buffer.concat([Buffer.of(0x99, 0, 3), item.subarray(1)]),
  'a number in more bytes than it takes': (item) =>
    Buffer.concat([item.subarray(0, item.byteLength - 3), Buffer.of(0x1a, 0, 0), item.subarray(-2)]),
  // 300 as a half-precision float.
  'a whole number as a float': (item) =>
    Buffer.concat([item.subarray(0, item.byteLength - 3), Buffer.of(0xf9, 0x5c, 0xb0)]),
};

t.test('a list chunk whose items are not in deterministic form is refused', async (t) => {
  const bytes = sampleBytes('data', 300);
  const store = async (vault: OpenVault, respell: (item: Uint8Array) => Uint8Array): Promise<string> => {
    vault.home.session();
    const writer = new ChunkWriter(vault, vault.engine(0), 'none');
    const pending = await writer.write({ bytes });
    writer.flush();
    const ref = await pending.ref;
    const pendingList = await writer.write({
      bytes: respell(encodeCbor(encodeRef(ref))),
      children: [ref.storeId],
    });
    writer.flush();
    const list = await pendingList.ref;
    const { id } = await storeManifest(vault, writer, {
      kind: 'file',
      name: 'name',
      tags: [],
      host: 'host',
      bytes: bytes.byteLength,
      chunks: { depth: 1, count: 1, items: [encodeRef(list)] },
      entries: {
        depth: 0,
        count: 1,
        items: [
          encodeEntry({
            path: 'name',
            type: 'file',
            mode: 0o600,
            uid: 0,
            gid: 0,
            mtimeNs: 0n,
            sizeBytes: bytes.byteLength,
            extents: [{ chunk: 0, offset: 0, length: bytes.byteLength }],
          }),
        ],
      },
      createdMs: 0,
    });
    await writer.close();
    return id;
  };
  const home = await makeScratchHome(scratchFolder(t), { withSlot: true });
  const vault = await openScratch(home);
  const right = await store(vault, (item) => item);
  t.ok((await restored(vault, right)).equals(bytes), 'this is how one is made by hand');
  const bad = new Set<StoreId>();
  for (const [title, respell] of Object.entries(spellings)) {
    const id = await store(vault, respell);
    await t.rejects(restored(vault, id), { code: 'E_CBOR_INVALID' }, title);
    bad.add(id as StoreId);
  }
  const { corrupt } = await verify(vault, { readData: true, workers: 0 });
  t.same(new Set(corrupt), bad, 'verify that reads the data finds them');
  await vault.close();
  preparePasswordWork();
  const { damaged } = await rebuildCatalog({ home, password: RECOVERY_CODE });
  t.same(new Set(damaged), bad, 'and so does rebuild');
});
