// Limits of names and tags: what is over them is refused before anything is stored, and what is not restores.
// Sources: src/limits.ts, src/ops/chunk/manifest-writer.ts.
import fs from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { preparePasswordWork } from '../../../src/core/password-work.js';
import { chunkFile, chunkStream } from '../../../src/ops/chunk/chunk.js';
import { fileInfo, listFiles } from '../../../src/ops/files/files.js';
import { rebuildCatalog } from '../../../src/ops/upkeep/rebuild.js';
import { expectIntact } from '../expect-intact.js';
import { sampleBytes, sliced } from '../sample-bytes.js';
import { filesOf, makeScratchHome, openScratch, RECOVERY_CODE, scratchFolder } from '../scratch-home.js';

const NAME_LIMIT = 4096;
const TAG_LIMIT = 64;
const TOGETHER_LIMIT = 32 * 1024;
/** A reference to a 256-byte chunk is 72 bytes: so many stand in the manifest itself, one more and the list spills. */
const MOST_INLINE = Math.floor((64 * 1024) / 72);
/** The smallest vault's largest chunk, which is what a manifest has to fit in, but chunks of 256 bytes. */
const SIZES = { min: 128, average: 256, max: 4 * 65_536 };

/** As few tags as have `bytes` together. */
function tagsOf(bytes: number): string[] {
  const tags: string[] = [];
  for (let rest = bytes; rest > 0; rest -= NAME_LIMIT) tags.push('t'.repeat(Math.min(rest, NAME_LIMIT)));
  return tags;
}

const longest = 'n'.repeat(NAME_LIMIT);
const cases: readonly (readonly [title: string, name: string, tags: readonly string[], isFine: boolean])[] = [
  ['no name', '', [], false],
  ['a name of the limit', longest, [], true],
  ['a name of one byte more', `${longest}n`, [], false],
  ['a name whose bytes are over, not its characters', 'ä'.repeat(NAME_LIMIT / 2 + 1), [], false],
  ['a tag of the limit', 'name', ['t'.repeat(NAME_LIMIT)], true],
  ['a tag of one byte more', 'name', ['t'.repeat(NAME_LIMIT + 1)], false],
  ['as many tags as there may be', 'name', Array.from({ length: TAG_LIMIT }, String), true],
  ['one tag more', 'name', Array.from({ length: TAG_LIMIT + 1 }, String), false],
  ['name and tags one byte below', longest, tagsOf(TOGETHER_LIMIT - NAME_LIMIT - 1), true],
  ['name and tags of the limit together', longest, tagsOf(TOGETHER_LIMIT - NAME_LIMIT), true],
  ['name and tags of one byte more', longest, tagsOf(TOGETHER_LIMIT - NAME_LIMIT + 1), false],
  ['one byte more in one of many tags', 'n', [...tagsOf(TOGETHER_LIMIT - NAME_LIMIT), longest], false],
  ['all tags at the limit of each', 'n', Array.from({ length: TAG_LIMIT }, () => longest), false],
];

t.test('names and tags at their limits', async (t) => {
  const folder = scratchFolder(t);
  const home = await makeScratchHome(folder);
  const file = path.join(folder, 'input');
  const bytes = sampleBytes('input', 500);
  fs.writeFileSync(file, bytes);
  const vault = await openScratch(home);
  const stored = new Map<string, Buffer>();
  for (const [title, name, tags, isFine] of cases) {
    const options = { name, tags, workers: 0 };
    const before = filesOf(home);
    const inputs = {
      file: () => chunkFile(vault, file, options),
      stream: () => chunkStream(vault, sliced(bytes, [100]), options),
    };
    for (const [kind, store] of Object.entries(inputs)) {
      if (!isFine) {
        await t.rejects(store(), { code: 'E_USAGE' }, `${title}, ${kind}`);
        t.same(filesOf(home), before, `${title}, ${kind}: nothing is stored`);
        continue;
      }
      const { id } = await store();
      stored.set(id, bytes);
      t.match(await fileInfo(vault, id), { name, tags }, `${title}, ${kind}`);
    }
  }
  await expectIntact(t, vault, stored, 'all that were stored');
  t.equal([...listFiles(vault)].length, stored.size);
  await vault.close();
});

t.test(
  'the longest name and tags with the longest list beside them, in the vault of the smallest chunks',
  async (t) => {
    const home = await makeScratchHome(scratchFolder(t), { withSlot: true, averageChunkBytes: 65_536 });
    const vault = await openScratch(home, { sizes: SIZES });
    const stored = new Map<string, Buffer>();
    const tags = tagsOf(TOGETHER_LIMIT - NAME_LIMIT);
    for (const chunks of [MOST_INLINE, MOST_INLINE + 1]) {
      const pieces = Array.from({ length: chunks }, (_, index) => sampleBytes(index % 5, 256));
      const bytes = Buffer.concat(pieces);
      const options = { name: longest, tags, workers: 0, chunker: 'fixed' } as const;
      const { id } = await chunkStream(vault, sliced(bytes, [65_536]), options);
      stored.set(id, bytes);
      t.match(await fileInfo(vault, id), { name: longest, tags, chunks });
    }
    const lists = vault.home.catalog.database
      .prepare('SELECT count(*) FROM objects WHERE kind = 1 AND id IN (SELECT parent FROM refs)')
      .pluck();
    t.ok(Number(lists.get()) >= 1, 'the longer list has spilled');
    await expectIntact(t, vault, stored, 'as stored');
    await vault.close();

    preparePasswordWork();
    t.match(await rebuildCatalog({ home, password: RECOVERY_CODE }), { files: 2, damaged: [] });
    const after = await openScratch(home);
    await expectIntact(t, after, stored, 'after a rebuild');
    for (const { name, tags: found } of listFiles(after)) t.same([name, found], [longest, tags]);
    await after.close();
  },
);
