// Damage of every kind is found, told apart, never restored, and mended by storing the same bytes again.
// Sources: src/ops/upkeep/verify.ts, src/ops/read/object-reader.ts, src/ops/chunk/chunk-writer.ts.
import fs from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import t from 'tap';
import type { ObjectRow } from '../../../src/catalog/objects.js';
import { chunkStream } from '../../../src/ops/chunk/chunk.js';
import { openHome } from '../../../src/ops/home/home.js';
import type { OpenVault } from '../../../src/ops/home/vault.js';
import { reassembleFile } from '../../../src/ops/read/reassemble.js';
import type { Finding } from '../../../src/ops/upkeep/verify.js';
import { verify } from '../../../src/ops/upkeep/verify.js';
import { objectPath } from '../../../src/store/paths.js';
import { restored } from '../expect-intact.js';
import { sampleBytes, sliced } from '../sample-bytes.js';
import { filesOf, makeScratchHome, openScratch, scratchFolder, TINY_SIZES } from '../scratch-home.js';

t.setTimeout(60_000);

const BYTES = sampleBytes('of one file', 8 * 256);
const CLEAN = { corrupt: [], missing: [], repaired: [] };

async function openNew(test: Test): Promise<OpenVault> {
  const vault = await openScratch(await makeScratchHome(scratchFolder(test)), { sizes: TINY_SIZES });
  test.teardown(() => vault.close());
  return vault;
}

async function stored(vault: OpenVault, bytes: Buffer): Promise<string> {
  const options = { workers: 0, chunker: 'fixed', name: 'file' } as const;
  return (await chunkStream(vault, sliced(bytes, [500]), options)).id;
}

/** The objects of a file: its manifest first, then its chunks. */
function objectsOf(vault: OpenVault, id: string): ObjectRow[] {
  const rows = vault.home.objects.descendants(id as never);
  return [...rows].sort((a, b) => (a.kind === b.kind ? a.row - b.row : a.kind === 'manifest' ? -1 : 1));
}

function fileOf(vault: OpenVault, row: ObjectRow | undefined): string {
  if (row === undefined) throw new Error('no such object');
  return objectPath(vault.home.paths.objects, row.kind, row.storeId);
}

function flipBit(file: string, bit: number): void {
  const bytes = fs.readFileSync(file);
  bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  fs.writeFileSync(file, bytes);
}

async function codeOfRestoring(vault: OpenVault, id: string): Promise<unknown> {
  const folder = fs.mkdtempSync(path.join(path.dirname(vault.path), 'out-'));
  try {
    await reassembleFile(vault, id, { path: path.join(folder, 'out'), workers: 0 });
    return 'restored';
  } catch (error) {
    if (fs.readdirSync(folder).length > 0) return 'left something behind';
    return (error as { code?: unknown }).code;
  }
}

t.test('a whole vault is clean, hashed or read, with workers or without', async (t) => {
  const vault = await openNew(t);
  await stored(vault, BYTES);
  for (const readData of [false, true]) {
    for (const workers of [0, 2]) {
      t.match(await verify(vault, { readData, workers }), { ...CLEAN, objects: 9, ok: 9 });
    }
  }
});

t.test('one flipped bit anywhere in a chunk or a manifest is found, and nothing is restored', async (t) => {
  const vault = await openNew(t);
  const id = await stored(vault, BYTES);
  const [manifest, , chunk] = objectsOf(vault, id);
  for (const row of [manifest, chunk]) {
    const file = fileOf(vault, row);
    const bits = fs.statSync(file).size * 8;
    for (const bit of [0, 4 * 8, 20 * 8, 52 * 8, Math.floor(bits / 2), bits - 1]) {
      flipBit(file, bit);
      // Magic and vault id are looked at before the hash.
      const code = { 0: 'E_OBJECT_MAGIC', 32: 'E_OBJECT_VAULT' }[bit] ?? 'E_OBJECT_ID';
      t.equal(await codeOfRestoring(vault, id), code, `${row?.kind}, bit ${bit}: restoring`);
      for (const readData of [false, true]) {
        const findings: Finding[] = [];
        const result = await verify(vault, {
          readData,
          workers: 0,
          onFinding: (each) => findings.push(each),
        });
        t.match(result, { ...CLEAN, corrupt: [row?.storeId], ok: 8 }, `bit ${bit}, reading ${readData}`);
        t.match(findings, [{ id: row?.storeId, code: readData ? code : 'E_OBJECT_ID' }]);
      }
      flipBit(file, bit);
      t.match(await verify(vault, { workers: 0 }), { ...CLEAN, ok: 9 }, 'clean when it is put right');
      t.equal(await codeOfRestoring(vault, id), 'restored');
    }
  }
});

t.test('truncated, longer and emptied objects are found', async (t) => {
  const vault = await openNew(t);
  const id = await stored(vault, BYTES);
  for (const row of objectsOf(vault, id).slice(0, 2)) {
    const file = fileOf(vault, row);
    const good = fs.readFileSync(file);
    for (const bad of [
      Buffer.alloc(0),
      good.subarray(0, 51),
      good.subarray(0, -1),
      Buffer.concat([good, good]),
    ]) {
      fs.writeFileSync(file, bad);
      t.match(
        await codeOfRestoring(vault, id),
        /^E_OBJECT_(ID|LENGTH)$/,
        `${row.kind} of ${bad.byteLength} bytes`,
      );
      t.match(await verify(vault, { workers: 0 }), { ...CLEAN, corrupt: [row.storeId] });
    }
    fs.writeFileSync(file, good);
  }
  t.match(await verify(vault, { workers: 0 }), { ...CLEAN, ok: 9 });
});

t.test('a deleted object is missing, not corrupt', async (t) => {
  const vault = await openNew(t);
  const id = await stored(vault, BYTES);
  for (const row of objectsOf(vault, id).slice(0, 2)) {
    const file = fileOf(vault, row);
    const good = fs.readFileSync(file);
    fs.unlinkSync(file);
    t.equal(await codeOfRestoring(vault, id), 'E_OBJECT_MISSING');
    t.match(await verify(vault, { readData: true, workers: 0 }), { ...CLEAN, missing: [row.storeId] });
    fs.writeFileSync(file, good);
    t.match(await verify(vault, { workers: 0 }), { ...CLEAN, ok: 9 });
  }
});

t.test('two objects of equal length that were swapped are both found', async (t) => {
  const vault = await openNew(t);
  const id = await stored(vault, BYTES);
  const [, one, other] = objectsOf(vault, id);
  const [first, second] = [fileOf(vault, one), fileOf(vault, other)];
  fs.renameSync(first, `${first}.aside`);
  fs.renameSync(second, first);
  fs.renameSync(`${first}.aside`, second);
  t.equal(await codeOfRestoring(vault, id), 'E_OBJECT_ID');
  const { corrupt, missing } = await verify(vault, { readData: true, workers: 0 });
  t.same([...corrupt].sort(), [one?.storeId, other?.storeId].sort());
  t.same(missing, []);
});

t.test('exactly the damaged and the missing ones among many are named', async (t) => {
  const vault = await openNew(t);
  const id = await stored(vault, sampleBytes('many', 200 * 256));
  const chunks = objectsOf(vault, id).filter(({ kind }) => kind === 'chunk');
  const corrupt = [3, 77, 150].map((at) => chunks[at]);
  const missing = [0, 120, 199].map((at) => chunks[at]);
  for (const row of corrupt) flipBit(fileOf(vault, row), 999);
  for (const row of missing) fs.unlinkSync(fileOf(vault, row));
  for (const workers of [0, 2]) {
    const found = await verify(vault, { workers });
    t.same([...found.corrupt].sort(), corrupt.map((row) => row?.storeId).sort());
    t.same([...found.missing].sort(), missing.map((row) => row?.storeId).sort());
    t.equal(found.ok, found.objects - 6);
  }
});

t.test('storing the same bytes again makes the old id whole', async (t) => {
  for (const damage of ['missing', 'corrupt'] as const) {
    const vault = await openNew(t);
    const id = await stored(vault, BYTES);
    const [, chunk] = objectsOf(vault, id);
    const file = fileOf(vault, chunk);
    if (damage === 'missing') fs.unlinkSync(file);
    else flipBit(file, 1000);
    // What is gone is noticed at once; flipped bits only by reading.
    if (damage === 'corrupt') await verify(vault, { workers: 0 });
    const again = await stored(vault, BYTES);
    t.ok((await restored(vault, again)).equals(BYTES), `${damage}: the new id`);
    t.ok((await restored(vault, id)).equals(BYTES), `${damage}: the old id`);
    const repaired = await verify(vault, { repair: true, workers: 0 });
    t.match(repaired, { corrupt: [], missing: [], repaired: [chunk?.storeId] });
    t.match(await verify(vault, { readData: true, workers: 0 }), CLEAN, `${damage}: clean from then on`);
    t.ok((await restored(vault, id)).equals(BYTES), `${damage}: and the old id still restores`);
  }
});

t.test('repair moves damaged objects away, so that storing again mends them', async (t) => {
  const vault = await openNew(t);
  const id = await stored(vault, BYTES);
  const [, chunk] = objectsOf(vault, id);
  flipBit(fileOf(vault, chunk), 1000);
  t.match(await verify(vault, { repair: true, workers: 0 }), { ...CLEAN, corrupt: [chunk?.storeId] });
  t.notOk(fs.existsSync(fileOf(vault, chunk)));
  t.match(filesOf(vault.home.paths.quarantine), [new RegExp(chunk?.storeId ?? '-')]);
  t.equal(await codeOfRestoring(vault, id), 'E_OBJECT_MISSING');
  await stored(vault, BYTES);
  t.ok((await restored(vault, id)).equals(BYTES));
});

t.test('read only, it finds the same and changes nothing', async (t) => {
  const vault = await openNew(t);
  const id = await stored(vault, BYTES);
  const [, chunk] = objectsOf(vault, id);
  flipBit(fileOf(vault, chunk), 1000);
  const reader = await openScratch(vault.path, { sizes: TINY_SIZES, readOnly: true });
  t.teardown(() => reader.close());
  const before = filesOf(path.join(vault.path, 'objects')).sort();
  t.match(await verify(reader, { repair: true, workers: 0 }), { corrupt: [chunk?.storeId] });
  t.same(filesOf(path.join(vault.path, 'objects')).sort(), before);
  t.equal(vault.home.objects.find(chunk?.storeId as never)?.state, 'present');
});

t.test('without a password objects are hashed, and reading the data is refused', async (t) => {
  const vault = await openNew(t);
  const id = await stored(vault, BYTES);
  const [, chunk] = objectsOf(vault, id);
  flipBit(fileOf(vault, chunk), 1000);
  await using home = await openHome({ home: vault.path });
  t.match(await verify(home, { workers: 0 }), { ...CLEAN, corrupt: [chunk?.storeId], ok: 8 });
  await t.rejects(verify(home, { readData: true }), { code: 'E_PASSWORD_NEEDED' });
});

t.test('ids restrict it to what these files need', async (t) => {
  const vault = await openNew(t);
  const id = await stored(vault, BYTES);
  const other = await stored(vault, sampleBytes('another', 4 * 256));
  const [, chunk] = objectsOf(vault, id);
  flipBit(fileOf(vault, chunk), 1000);
  t.match(await verify(vault, { ids: [other], workers: 0 }), { ...CLEAN, objects: 5, ok: 5 });
  t.match(await verify(vault, { ids: [id], workers: 0 }), { corrupt: [chunk?.storeId], objects: 9 });
  await t.rejects(verify(vault, { ids: ['0'.repeat(64)] }), { code: 'E_NOT_FOUND' });
});

t.test('progress never falls and ends at the total; an abort stops it', async (t) => {
  const vault = await openNew(t);
  await stored(vault, sampleBytes('progress', 100 * 256));
  const seen: number[] = [];
  const result = await verify(vault, { workers: 2, onProgress: ({ bytes }) => seen.push(bytes) });
  t.same(
    seen,
    [...seen].sort((a, b) => a - b),
  );
  t.equal(seen.at(-1), result.bytes);
  const abort = new AbortController();
  const run = verify(vault, { workers: 0, signal: abort.signal, onProgress: () => abort.abort() });
  await t.rejects(run, { code: 'E_ABORTED' });
});
