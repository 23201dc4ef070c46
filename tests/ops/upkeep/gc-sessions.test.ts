// A session that begins while gc is at work, at every commit of gc: what it has found known stays.
// Sources: src/ops/upkeep/gc.ts, src/catalog/garbage.ts.
import t from 'tap';
import type { PlainId } from '../../../src/core/ids.js';
import { chunkStream } from '../../../src/ops/chunk/chunk.js';
import { removeFiles } from '../../../src/ops/files/files.js';
import { collectGarbage } from '../../../src/ops/upkeep/gc.js';
import { promptFileSystem } from '../prompt-file-system.js';
import { sampleBytes, sliced } from '../sample-bytes.js';
import { HomeImage, makeScratchHome, openScratch, scratchFolder } from '../scratch-home.js';

t.test('what a session relies on stays, at whichever commit of gc it begins', async (t) => {
  const home = await makeScratchHome(scratchFolder(t));
  const setup = await openScratch(home);
  const kept = await chunkStream(setup, sliced(sampleBytes('removed', 500), [500]), { workers: 0 });
  await chunkStream(setup, sliced(sampleBytes('orphan', 500), [500]), { workers: 0 });
  const { database } = setup.home.catalog;
  await removeFiles(setup, [kept.id]);
  database.exec(`DELETE FROM refs WHERE parent NOT IN (SELECT id FROM objects WHERE tombstoned_ms > 0);
    DELETE FROM files;
    UPDATE objects SET session = 0;`);
  const chunks = database
    .prepare('SELECT lower(hex(plain_id)) FROM objects WHERE kind = 1')
    .pluck()
    .all() as PlainId[];
  t.equal(chunks.length, 2);
  await setup.close();
  const before = HomeImage.of(home);
  let isOver = false;
  for (let at = 0; !isOver; at++) {
    before.restoreTo(home);
    const chunker = await openScratch(home, { fileSystem: promptFileSystem });
    const relied = new Map<string, boolean>();
    let seen = 0;
    const collector = await openScratch(home, {
      fileSystem: promptFileSystem,
      commitObserver: (moment) => {
        if (moment !== 'after-commit' || seen++ !== at) return;
        chunker.home.session();
        for (const plainId of chunks) {
          const row = chunker.home.objects.findPlain(plainId);
          if (row !== undefined) relied.set(row.storeId, row.isTombstoned);
        }
      },
    });
    await collectGarbage(collector, { graceSeconds: 0 });
    for (const [id, isTombstoned] of relied) {
      const row = chunker.home.objects.find(id as never);
      // One that was found under a tombstone is taken off it, or found too late; the other must not go.
      if (!isTombstoned) t.equal(row?.state, 'present', `begun after commit ${at}`);
    }
    isOver = seen <= at;
    await collector.close();
    await chunker.close();
  }
});
