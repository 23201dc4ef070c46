// Every step of a rebuild fails once, and the process dies at each: no file is lost, and the next rebuild brings back
// the same list. Sources: src/ops/upkeep/rebuild.ts, src/catalog/rebuilder.ts.
import type { Test } from 'tap';
import t from 'tap';
import { preparePasswordWork } from '../../src/core/password-work.js';
import { isDisktroError } from '../../src/errors.js';
import { chunkStream } from '../../src/ops/chunk/chunk.js';
import { listFiles, removeFiles } from '../../src/ops/files/files.js';
import { collectGarbage } from '../../src/ops/upkeep/gc.js';
import type { RebuildResult } from '../../src/ops/upkeep/rebuild.js';
import { rebuildCatalog } from '../../src/ops/upkeep/rebuild.js';
import type { FileSystem } from '../../src/store/file-system.js';
import { watchDirectCalls } from './direct-calls.js';
import { breaches, leftInTemporary } from './expect-intact.js';
import { FaultFileSystem } from './fault-file-system.js';
import type { Point } from './fault-sweep.js';
import { describePoint, pointsOf } from './fault-sweep.js';
import { promptFileSystem } from './prompt-file-system.js';
import { sampleBytes, sliced } from './sample-bytes.js';
import {
  HomeImage,
  makeScratchHome,
  openScratch,
  RECOVERY_CODE,
  scratchFolder,
  TINY_SIZES,
} from './scratch-home.js';

t.setTimeout(300_000);

interface Scene {
  readonly home: string;
  readonly before: HomeImage;
  readonly acknowledged: Map<string, Buffer>;
  readonly listing: unknown;
}

/** A home with three files, one of them with a list that has spilled, and a write-ahead log that was left behind. */
async function scene(test: Test): Promise<Scene> {
  const home = await makeScratchHome(scratchFolder(test), { withSlot: true });
  const vault = await openScratch(home, { sizes: TINY_SIZES });
  const acknowledged = new Map<string, Buffer>();
  const long = Array.from({ length: 900 }, (_, index) => sampleBytes(index % 5, 256));
  for (const [name, bytes] of [
    ['one', sampleBytes('one', 1000)],
    ['two', Buffer.concat([sampleBytes('one', 1000), sampleBytes('two', 500)])],
    ['long', Buffer.concat(long)],
  ] as const) {
    const options = { name, tags: [`tag of ${name}`], workers: 0, chunker: 'fixed' } as const;
    const { id } = await chunkStream(vault, sliced(bytes, [4096]), options);
    acknowledged.set(id, bytes);
  }
  const before = HomeImage.of(home);
  const listing = [...listFiles(vault)];
  await vault.close();
  return { home, before, acknowledged, listing };
}

const rebuild = (home: string, fileSystem: FileSystem): Promise<RebuildResult> => {
  preparePasswordWork();
  return rebuildCatalog({ home, password: RECOVERY_CODE, fileSystem });
};

/** What is wrong after a rebuild that ended like this, and after the next one. */
async function lookAfter(scene: Scene, outcome: RebuildResult | undefined): Promise<string[]> {
  const found: string[] = [];
  const options = { fileSystem: promptFileSystem, sizes: TINY_SIZES };
  try {
    const vault = await openScratch(scene.home, options);
    // A rebuild that says it could not read a manifest has not listed it; nothing of it may be taken for garbage.
    const isPartial = outcome !== undefined && outcome.damaged.length > 0;
    if (!isPartial) found.push(...(await breaches(vault, scene.acknowledged)));
    found.push(...leftInTemporary(vault).map((name) => `tmp/${name} is left`));
    await collectGarbage(vault, { graceSeconds: 0 });
    await vault.close();
  } catch (error) {
    if (!isDisktroError(error, 'E_CATALOG_CORRUPT')) found.push(`cannot be opened: ${String(error)}`);
  }
  const { files, damaged } = await rebuild(scene.home, promptFileSystem);
  if (files !== 3 || damaged.length > 0)
    found.push(`the next rebuild finds ${files} files, ${damaged.length} damaged`);
  const vault = await openScratch(scene.home, options);
  found.push(
    ...(await breaches(vault, scene.acknowledged)).map((breach) => `after the next rebuild: ${breach}`),
  );
  found.push(...leftInTemporary(vault).map((name) => `after the next rebuild: tmp/${name} is left`));
  if (JSON.stringify([...listFiles(vault)]) !== JSON.stringify(scene.listing))
    found.push('the list has changed');
  await vault.close();
  return found;
}

t.test('rebuild: whichever file operation fails', async (t) => {
  const place = await scene(t);
  place.before.restoreTo(place.home);
  const counting = new FaultFileSystem(promptFileSystem);
  await rebuild(place.home, counting);
  // They all only read: to die at one of them is much like dying at the next.
  const kills = pointsOf(counting.calls, 0, ['kill']).filter((_, index) => index % 8 === 0);
  // Each costs two rebuilds with a thread for the password: every third is enough to meet every kind of call.
  const errors = pointsOf(counting.calls, 0, ['EIO']).filter((_, index) => index % 3 === 0);
  const points = [...errors, ...kills];
  const failures: string[] = [];
  const tryPoint = async (point: Point & { readonly call: unknown }): Promise<void> => {
    place.before.restoreTo(place.home);
    const outcome = await rebuild(place.home, new FaultFileSystem(promptFileSystem, point)).catch(
      (error: unknown) => {
        if (point.fault === 'EIO' && !isDisktroError(error, 'E_IO'))
          failures.push(`${describePoint(point)}: ${error}`);
        return undefined;
      },
    );
    for (const breach of await lookAfter(place, outcome)) failures.push(`${describePoint(point)}: ${breach}`);
  };
  for (const point of points) if ('call' in point) await tryPoint(point);
  t.same(failures, [], `${points.length} points of ${counting.calls.length} operations`);
  t.ok(points.length >= 22, `${points.length} points`);
});

t.test('rebuild: dead before any of its direct calls', async (t) => {
  const place = await scene(t);
  place.before.restoreTo(place.home);
  const counting = watchDirectCalls();
  await rebuild(place.home, promptFileSystem).finally(counting.restore);
  t.ok(
    counting.calls.some((call) => /^renameSync .*-catalog\.db$/.test(call)),
    'the swap is among them',
  );
  const failures: string[] = [];
  for (const at of counting.calls.keys()) {
    place.before.restoreTo(place.home);
    const watched = watchDirectCalls(at);
    await rebuild(place.home, promptFileSystem).catch(() => {});
    watched.restore();
    // New files in place of those that the dead process still has open, with its locks on them.
    HomeImage.of(place.home).restoreTo(place.home);
    const moment = `dead before ${at}, ${counting.calls[at]}`;
    for (const breach of await lookAfter(place, undefined)) failures.push(`${moment}: ${breach}`);
  }
  t.same(failures, [], `${counting.calls.length} points`);
  t.ok(counting.calls.length >= 15, `${counting.calls.length} points`);
});

t.test('rebuild: files that were removed and are not yet freed come back', async (t) => {
  const { home, before, acknowledged } = await scene(t);
  before.restoreTo(home);
  const vault = await openScratch(home, { sizes: TINY_SIZES });
  await removeFiles(vault, [[...acknowledged.keys()][0] ?? '']);
  t.equal([...listFiles(vault)].length, 2);
  await vault.close();
  await rebuild(home, promptFileSystem);
  const after = await openScratch(home, { sizes: TINY_SIZES });
  t.equal(
    [...listFiles(after)].length,
    3,
    'their manifests are there, and nothing else tells that they were removed',
  );
  await after.close();
});
