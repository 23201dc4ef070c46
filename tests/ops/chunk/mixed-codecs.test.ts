// One vault, several codecs: what is here already is not stored again, and all of it comes back.
// Sources: src/ops/chunk/chunk-writer.ts, src/core/codecs.ts.
import fs from 'node:fs';
import type { Test } from 'tap';
import t from 'tap';
import type { Compression } from '../../../src/core/codec.js';
import type { ChunkResult } from '../../../src/ops/chunk/chunk.js';
import { chunkStream } from '../../../src/ops/chunk/chunk.js';
import { fileInfo, listFiles } from '../../../src/ops/files/files.js';
import type { OpenVault } from '../../../src/ops/home/vault.js';
import { rebuildCatalog } from '../../../src/ops/upkeep/rebuild.js';
import { verify } from '../../../src/ops/upkeep/verify.js';
import { restored } from '../expect-intact.js';
import { sampleBytes, sampleText, sliced } from '../sample-bytes.js';
import { filesOf, makeScratchHome, openScratch, RECOVERY_CODE, scratchFolder } from '../scratch-home.js';

const ALL: readonly Compression[] = ['auto', 'lz4', 'zstd', 'zstd:1', 'zstd:19', 'none'];
const MIB = 1024 ** 2;

async function openNew(test: Test): Promise<OpenVault> {
  const vault = await openScratch(await makeScratchHome(scratchFolder(test)));
  test.teardown(() => vault.close());
  return vault;
}

function store(vault: OpenVault, bytes: Buffer, compression: Compression, workers = 0): Promise<ChunkResult> {
  return chunkStream(vault, sliced(bytes, [70_001, 4096]), { compression, workers, name: compression });
}

for (const first of ALL) {
  t.test(`what was stored with ${first} is known, whatever is asked for next`, async (t) => {
    const vault = await openNew(t);
    const bytes = sampleText(first, 300_000);
    const { newChunks } = await store(vault, bytes, first);
    t.ok(newChunks > 1);
    for (const second of ALL) {
      const again = await store(vault, bytes, second);
      t.same([again.newChunks, again.dedupedBytes], [0, bytes.byteLength], second);
      t.ok(again.storedBytes < 2000, 'only a manifest is new');
      t.ok((await restored(vault, again.id)).equals(bytes));
    }
  });
}

for (const workers of [0, 2]) {
  t.test(`a vault of every codec comes back, and its catalog from it, with ${workers} threads`, async (t) => {
    const folder = scratchFolder(t);
    const home = await makeScratchHome(folder, { withSlot: true });
    const contents = new Map(
      ALL.map((compression) => [
        compression as string,
        Buffer.concat([
          sampleText(compression, 2 * MIB),
          sampleBytes(compression, MIB),
          Buffer.alloc(MIB, compression),
        ]),
      ]),
    );
    {
      await using vault = await openScratch(home);
      for (const [name, bytes] of contents) await store(vault, bytes, name as Compression, workers);
      const found = await verify(vault, { readData: true, workers });
      t.same([found.corrupt, found.missing], [[], []]);
    }
    for (const suffix of ['', '-wal', '-shm']) fs.rmSync(`${home}/catalog.db${suffix}`, { force: true });
    t.match(await rebuildCatalog({ home, password: RECOVERY_CODE }), { files: ALL.length, damaged: [] });
    await using vault = await openScratch(home);
    const listed = [...listFiles(vault)];
    t.equal(listed.length, ALL.length);
    for (const { id, name } of listed)
      t.ok((await restored(vault, id)).equals(contents.get(name) ?? Buffer.alloc(0)), name);
  });
}

t.test(
  'zstd takes less room than LZ4 where there is something to gain, and none more where not',
  async (t) => {
    const vault = await openNew(t);
    const stored = async (bytes: Buffer, compression: Compression): Promise<number> =>
      (await store(vault, bytes, compression)).storedBytes;
    const of = (seed: string): Buffer => sampleText(seed, MIB);
    const sizes = [
      await stored(of('a'), 'auto'),
      await stored(of('b'), 'zstd'),
      await stored(of('c'), 'zstd:19'),
    ];
    const [lz4 = 0, zstd = 0, most = 0] = sizes;
    t.ok(zstd < 0.8 * lz4, `${sizes}`);
    t.ok(most < zstd, `${sizes}`);
    const noise = await stored(sampleBytes('noise', MIB), 'zstd');
    t.ok(noise > MIB && noise < 1.04 * MIB, 'noise is stored as it is');
    const { id } = await store(vault, of('b'), 'zstd');
    t.equal((await fileInfo(vault, id)).bytes, MIB);
  },
);

t.test('a zstd object that has changed on disk is found', async (t) => {
  const home = await makeScratchHome(scratchFolder(t));
  await using vault = await openScratch(home);
  const { id } = await store(vault, sampleText('damage', 30_000), 'zstd');
  const file = `${home}/${filesOf(home).find((name) => name.startsWith('objects/chunks/'))}`;
  const bytes = fs.readFileSync(file);
  bytes.writeUInt8(bytes.readUInt8(200) ^ 1, 200);
  fs.writeFileSync(file, bytes);
  await t.rejects(restored(vault, id), { code: 'E_OBJECT_ID' });
  t.equal((await verify(vault, { workers: 0 })).corrupt.length, 1);
});

t.test('what is no compression is refused before anything is read, and nothing is listed', async (t) => {
  const vault = await openNew(t);
  const unread = async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.alloc(1);
    t.fail('it is read');
  };
  for (const compression of ['zstd:0', 'zstd:20', 'gzip'] as Compression[]) {
    const message = `compression: expected auto, lz4, zstd, zstd:LEVEL with a level from 1 to 19, or none, got "${compression}"`;
    await t.rejects(chunkStream(vault, unread(), { compression }), { code: 'E_USAGE', message });
  }
  t.same([...listFiles(vault)], []);
});
