// The durable write, step by step, with each step failing. Sources: src/store/file-batch.ts.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import t from 'tap';
import { FileStore } from '../../src/store/file-store.js';
import type { FileSystem, OpenFile } from '../../src/store/file-system.js';
import { nodeFileSystem } from '../../src/store/file-system.js';
import type { HomePaths } from '../../src/store/paths.js';
import { homePaths } from '../../src/store/paths.js';
import { FaultFileSystem } from '../ops/fault-file-system.js';
import { promptFileSystem } from '../ops/prompt-file-system.js';
import { filesOf, scratchFolder } from '../ops/scratch-home.js';
import { sampleObject } from './object-store-contract.js';

async function storeIn(
  folder: string,
  fileSystem: FileSystem,
): Promise<{ store: FileStore; paths: HomePaths }> {
  const paths = homePaths(folder);
  fs.mkdirSync(paths.temporary, { mode: 0o700 });
  await new FileStore(nodeFileSystem, paths, 'setup').makeFolders();
  return { store: new FileStore(fileSystem, paths, 'token'), paths };
}

const three = [1, 2, 3].map((seed) => sampleObject(`three ${seed}`, 500 * seed));

/** Writes three objects and commits; any failure ends in an abort, as every caller does. */
async function writeThree(store: FileStore): Promise<void> {
  const batch = store.batch();
  try {
    for (const { id, bytes } of three) await batch.write('chunk', id, bytes);
  } catch (error) {
    await batch.abort();
    throw error;
  }
  await batch.commit();
}

t.test('a batch writes whole files, syncs them, gives names, then syncs each folder once', async (t) => {
  const faults = new FaultFileSystem(promptFileSystem);
  const { store, paths } = await storeIn(scratchFolder(t), faults);
  await writeThree(store);
  const calls = faults.calls.map(({ name, path: file }) => `${name} ${path.relative(paths.home, file)}`);
  const place = (pattern: RegExp): number[] =>
    calls.flatMap((call, index) => (pattern.test(call) ? [index] : []));
  const lastOf = (pattern: RegExp): number => Math.max(...place(pattern));
  const firstOf = (pattern: RegExp): number => Math.min(...place(pattern));
  t.equal(place(/^open tmp/).length, 3);
  t.equal(place(/^sync tmp/).length, 3);
  t.equal(place(/^rename objects.chunks/).length, 3);
  const folders = new Set(three.map(({ id }) => id.slice(0, 2)));
  t.equal(place(/^syncFolder objects.chunks/).length, folders.size);
  t.ok(lastOf(/^write tmp/) < lastOf(/^sync tmp/), 'each file is synced after it is written');
  t.ok(lastOf(/^sync tmp/) < firstOf(/^rename/), 'all files are synced before the first gets its name');
  t.ok(lastOf(/^rename/) < firstOf(/^syncFolder/), 'all names are there before the first folder is synced');
});

t.test('a temporary file is its owner’s alone, and never replaces another', async (t) => {
  const opened: { file: string; flags: string; mode: number | undefined }[] = [];
  const watching: FileSystem = {
    ...nodeFileSystem,
    open(file, flags, mode) {
      opened.push({ file, flags, mode });
      return nodeFileSystem.open(file, flags, mode);
    },
  };
  const { store, paths } = await storeIn(scratchFolder(t), watching);
  await writeThree(store);
  t.equal(new Set(opened.map(({ file }) => file)).size, 3, 'names are not used twice');
  for (const { file, flags, mode } of opened) {
    t.match(
      { folder: path.dirname(file), flags, mode },
      { folder: paths.temporary, flags: 'wx', mode: 0o600 },
    );
  }
});

t.test('a failing step of a batch is an error with its code, and leaves no temporary file', async (t) => {
  const counting = new FaultFileSystem(promptFileSystem);
  const { store: clean } = await storeIn(scratchFolder(t), counting);
  await writeThree(clean);
  const steps = counting.calls;
  for (const fault of ['EIO', 'ENOSPC'] as const) {
    for (const [at, { name }] of steps.entries()) {
      const faults = new FaultFileSystem(promptFileSystem);
      const { store, paths } = await storeIn(scratchFolder(t), faults);
      faults.plan({ fault, at });
      const failure = await writeThree(store).then(
        () => undefined,
        (error: unknown) => error as { code: string },
      );
      const isHit = fault === 'EIO' || ['open', 'write', 'sync', 'rename', 'syncFolder'].includes(name);
      const code = isHit ? (fault === 'EIO' ? 'E_IO' : 'E_NO_SPACE') : undefined;
      t.equal(failure?.code, code, `${fault} at step ${at}, ${name}`);
      t.same(filesOf(paths.temporary), []);
      for (const file of filesOf(paths.objects)) {
        const object = three.find(({ id }) => id === path.basename(file));
        t.ok(
          object?.bytes.equals(fs.readFileSync(path.join(paths.objects, file))),
          'what has a name is whole',
        );
      }
      await t.resolves(writeThree(store), 'and the same batch goes through afterwards');
    }
  }
});

t.test('a failed fsync is final: not tried again, and the object never gets its name', async (t) => {
  const synced: number[] = [];
  let descriptors = 0;
  const failing: FileSystem = {
    ...nodeFileSystem,
    async open(file, flags, mode): Promise<OpenFile> {
      const handle = await nodeFileSystem.open(file, flags, mode);
      const number = descriptors++;
      return {
        ...handle,
        async sync() {
          synced.push(number);
          // Only the first try fails, as on Linux, where the second says all is well though the pages are gone.
          if (number === 1 && synced.filter((each) => each === 1).length === 1) {
            throw Object.assign(new Error('EIO: injected'), { code: 'EIO' });
          }
          await handle.sync();
        },
      };
    },
  };
  const { store, paths } = await storeIn(scratchFolder(t), failing);
  await t.rejects(writeThree(store), { code: 'E_IO' });
  t.equal(synced.filter((number) => number === 1).length, 1, 'one fsync on that descriptor');
  t.same(filesOf(paths.objects), [], 'nothing of the batch is under its name');
  t.same(filesOf(paths.temporary), []);
});

t.test('a commit waits for every fsync, however late', async (t) => {
  let unsynced = 0;
  const slow: FileSystem = {
    ...nodeFileSystem,
    async open(file, flags, mode) {
      const handle = await nodeFileSystem.open(file, flags, mode);
      return {
        ...handle,
        async sync() {
          unsynced++;
          await new Promise((resolve) => setTimeout(resolve, 30));
          await handle.sync();
          unsynced--;
        },
      };
    },
    async rename(from, to) {
      t.equal(unsynced, 0, 'when a name is given all files are synced');
      await nodeFileSystem.rename(from, to);
    },
  };
  const { store } = await storeIn(scratchFolder(t), slow);
  await writeThree(store);
});

/** A disk of two megabytes, really full when it is: a tmpfs where that can be mounted. */
function smallDisk(test: Test): string | undefined {
  const folder = scratchFolder(test);
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return undefined;
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'none', folder], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  test.teardown(() => execFileSync('umount', ['-l', folder]));
  return folder;
}

t.test('a disk that fills up while a batch is written loses nothing and leaves nothing', async (t) => {
  const disk = smallDisk(t);
  const folder = disk ?? scratchFolder(t);
  const faults = new FaultFileSystem(nodeFileSystem);
  const { store, paths } = await storeIn(folder, faults);
  const kept = sampleObject('kept', 100_000);
  await store.put('chunk', kept.id, kept.bytes);
  const batch = store.batch();
  const first = sampleObject('first', 100_000);
  await batch.write('chunk', first.id, first.bytes);
  const filler = path.join(folder, 'filler');
  if (disk === undefined) faults.plan({ fault: 'ENOSPC', at: 1 });
  else fillUp(filler);
  const second = sampleObject('second', 300_000);
  await t.rejects(batch.write('chunk', second.id, second.bytes), { code: 'E_NO_SPACE', hint: /gc/ });
  await batch.abort();
  t.same(filesOf(paths.temporary), []);
  t.ok((await store.get('chunk', kept.id)).equals(kept.bytes), 'what was stored before is whole');
  fs.rmSync(filler, { force: true });
  t.equal(await store.put('chunk', second.id, second.bytes), true, 'with room again it goes on');
});

t.test(
  'a disk that would be filled to the last byte is refused with what is needed and what is free',
  async (t) => {
    const folder = scratchFolder(t);
    const MIB = 1024 * 1024;
    const small = {
      ...nodeFileSystem,
      space: async () => ({ freeBytes: 33.5 * MIB, totalBytes: 2000 * MIB }),
    };
    const { store } = await storeIn(folder, small as FileSystem);
    const large = sampleObject('large', 2 * MIB);
    await t.rejects(store.put('chunk', large.id, large.bytes), {
      code: 'E_NO_SPACE',
      message: `not enough space on the disk of ${folder}: 2 MiB more, 33 MiB free, of which 32 MiB are never used`,
      details: { path: folder, neededBytes: 2 * MIB },
    });
  },
);

/** Another program takes all the space that is left. */
function fillUp(file: string): void {
  const descriptor = fs.openSync(file, 'w');
  try {
    for (;;) fs.writeSync(descriptor, Buffer.alloc(4096, 1));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  } finally {
    fs.closeSync(descriptor);
  }
}
