// Disks that do not read: one object that cannot be read locks no home, and stops a rebuild before it harms.
// Sources: src/ops/home/crash-recovery.ts, src/ops/upkeep/rebuild.ts.
import fs from 'node:fs';
import type { Test } from 'tap';
import t from 'tap';
import type { StoreId } from '../../src/core/ids.js';
import { preparePasswordWork } from '../../src/core/password-work.js';
import { chunkStream } from '../../src/ops/chunk/chunk.js';
import { rebuildCatalog } from '../../src/ops/upkeep/rebuild.js';
import { verify } from '../../src/ops/upkeep/verify.js';
import type { FileSystem, OpenFile } from '../../src/store/file-system.js';
import { homePaths, objectPath } from '../../src/store/paths.js';
import { expectIntact } from './expect-intact.js';
import { promptFileSystem } from './prompt-file-system.js';
import { sampleBytes, sliced } from './sample-bytes.js';
import {
  filesOf,
  HomeImage,
  makeScratchHome,
  openScratch,
  RECOVERY_CODE,
  scratchFolder,
  TINY_SIZES,
} from './scratch-home.js';

const LONG = Buffer.concat(Array.from({ length: 1000 }, (_, index) => sampleBytes(index % 7, 256)));
const SMALL = sampleBytes('small', 1000);

/** A home with a file whose list has spilled and a small one; `chunk` is a chunk and `list` a list chunk. */
async function scene(test: Test) {
  const home = await makeScratchHome(scratchFolder(test), { withSlot: true });
  const vault = await openScratch(home, { sizes: TINY_SIZES });
  const files = new Map<string, Buffer>();
  for (const [name, bytes] of Object.entries({ long: LONG, small: SMALL })) {
    const options = { name, workers: 0, chunker: 'fixed' } as const;
    const { id } = await chunkStream(vault, sliced(bytes, [65_536]), options);
    files.set(id, bytes);
  }
  const firstOf = (where: string): StoreId =>
    vault.home.catalog.database
      .prepare(`SELECT lower(hex(store_id)) FROM objects WHERE ${where} ORDER BY id`)
      .pluck()
      .get() as StoreId;
  const paths = homePaths(home);
  const chunk = firstOf('kind = 1');
  const places = {
    chunk: objectPath(paths.objects, 'chunk', chunk),
    list: objectPath(paths.objects, 'chunk', firstOf('kind = 1 AND id IN (SELECT parent FROM refs)')),
    manifest: objectPath(paths.objects, 'manifest', firstOf('kind = 2')),
  };
  await vault.close();
  return { home, files, chunk, places };
}

/** A disk on which one file opens, and fails when it is read. */
function unreadable(place: string): FileSystem {
  const read = async (): Promise<never> => {
    throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' });
  };
  return {
    ...promptFileSystem,
    async open(file, flags, mode): Promise<OpenFile> {
      const handle = await promptFileSystem.open(file, flags, mode);
      return file === place ? { ...handle, read } : handle;
    },
  };
}

/** The session of a process that ran before the machine stopped, and that added everything. */
async function losePower(home: string): Promise<void> {
  const vault = await openScratch(home);
  vault.home.catalog.database.exec(`
    INSERT INTO sessions (id, token, boot, started_ms) VALUES (99, '00000000000000aa', 'another boot', 0);
    UPDATE objects SET session = 99`);
  await vault.close();
}

for (const how of ['fails to read', 'is a folder'] as const) {
  t.test(`after a power loss, an object that ${how} is noted as lost and the home opens`, async (t) => {
    const { home, files, chunk, places } = await scene(t);
    await losePower(home);
    const good = fs.readFileSync(places.chunk);
    if (how === 'is a folder') {
      fs.rmSync(places.chunk);
      fs.mkdirSync(places.chunk);
    }
    const notices: string[] = [];
    const fileSystem = how === 'fails to read' ? unreadable(places.chunk) : promptFileSystem;
    const vault = await openScratch(home, { fileSystem, onNotice: (notice) => notices.push(notice) });
    t.match(notices, [/lost 1 objects.*verify/]);
    t.equal(vault.home.objects.find(chunk)?.state, 'lost');
    t.equal(vault.home.objects.totals().lost, 1, 'and nothing else');
    await vault.close();

    if (how === 'is a folder') fs.rmdirSync(places.chunk);
    fs.writeFileSync(places.chunk, good);
    const again = await openScratch(home, { sizes: TINY_SIZES, onNotice: (notice) => notices.push(notice) });
    t.equal(notices.length, 1, 'it is looked at once');
    await verify(again, { workers: 0 });
    t.equal(again.home.objects.find(chunk)?.state, 'present', 'verify finds it when it can be read');
    await expectIntact(t, again, files, 'then');
    await again.close();
  });
}

for (const which of ['list', 'manifest'] as const) {
  t.test(
    `a rebuild stops at a ${which} that the disk does not read, and leaves the old catalog`,
    async (t) => {
      const { home, files, places } = await scene(t);
      const before = HomeImage.of(home);
      preparePasswordWork();
      const stopped = rebuildCatalog({
        home,
        password: RECOVERY_CODE,
        fileSystem: unreadable(places[which]),
      });
      await t.rejects(stopped, { code: 'E_IO' });
      t.same(filesOf(home).sort(), [...before.files.keys()].sort(), 'nothing is left behind');
      t.ok(
        fs.readFileSync(homePaths(home).catalog).equals(before.files.get('catalog.db') ?? Buffer.alloc(0)),
      );
      const vault = await openScratch(home, { sizes: TINY_SIZES });
      await expectIntact(t, vault, files, 'with the old catalog');
      await vault.close();
    },
  );
}
