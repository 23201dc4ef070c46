// A process killed between its manifest's name and its row: gc with keys enters the file, gc without keeps what it
// needs. Sources: src/ops/upkeep/unknown-manifests.ts, manifest-entry.ts, gc.ts, src/catalog/garbage.ts.
import fs from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import t from 'tap';
import { chunkStream } from '../../../src/ops/chunk/chunk.js';
import { listFiles, removeFiles } from '../../../src/ops/files/files.js';
import type { OpenVault } from '../../../src/ops/home/vault.js';
import { collectGarbage } from '../../../src/ops/upkeep/gc.js';
import { expectIntact, unmatched } from '../expect-intact.js';
import { runProgram } from '../program.js';
import { sampleBytes, sliced } from '../sample-bytes.js';
import { filesOf, makeScratchHome, openScratch, scratchFolder, TINY_SIZES } from '../scratch-home.js';

t.setTimeout(120_000);

const BYTES = 3_000;
const KILLED = sampleBytes('killed', BYTES);
const CHUNKS = Math.ceil(BYTES / 256);

const open = (home: string): Promise<OpenVault> => openScratch(home, { sizes: TINY_SIZES });
const manifestsIn = (home: string): string[] => filesOf(path.join(home, 'objects/manifests'));

/** @param commits one of the session, one of the chunks when there are new ones, one of the file */
async function killOne(test: Test, home: string, seed = 'killed', commits = 3): Promise<void> {
  const args = [home, seed, String(BYTES), String(commits)];
  const { signal } = await runProgram(test, 'killed-at-manifest', args);
  test.equal(signal, 'SIGKILL');
}

for (const isNode of [false, true]) {
  t.test(`gc with keys needs no rebuild after such a kill${isNode ? ', on a node too' : ''}`, async (t) => {
    const home = await makeScratchHome(scratchFolder(t));
    if (isNode) fs.mkdirSync(path.join(home, 'node'));
    await killOne(t, home);
    t.equal(manifestsIn(home).length, 1, 'its manifest is there');
    const locked = await open(home);
    t.same([...listFiles(locked)], [], 'and not in the catalog');
    const dry = await collectGarbage(locked, { graceSeconds: 0, dryRun: true });
    t.match(dry, { incomplete: true, entered: 0, unknown: 1 });
    const without = await collectGarbage(locked.home, { graceSeconds: 0 });
    t.match(without, { freed: 0, incomplete: true, entered: 0, unknown: 1 }, 'without keys all of it stays');
    await locked.close();
    await using vault = await open(home);
    const collected = await collectGarbage(vault, { graceSeconds: 0 });
    t.match(collected, { freed: 0, waiting: 0, incomplete: false, entered: 1, unknown: 0 });
    const [{ id = '' } = {}] = listFiles(vault);
    await expectIntact(t, vault, new Map([[id, KILLED]]), 'it is a file like any other');
    t.same(unmatched(vault), []);
    await removeFiles(vault, [id]);
    t.match(await collectGarbage(vault, { graceSeconds: 0 }), { freed: CHUNKS + 1, entered: 0 });
  });
}

t.test('one that is about to be entered by a live process is left to it', async (t) => {
  const home = await makeScratchHome(scratchFolder(t));
  await using collector = await open(home);
  await using writer = await open(home);
  const { store } = writer.home;
  const put = store.put.bind(store);
  let seen: unknown;
  store.put = async (kind, id, bytes) => {
    const isNew = await put(kind, id, bytes);
    if (kind === 'manifest') seen = await collectGarbage(collector, { graceSeconds: 0 });
    return isNew;
  };
  const { id } = await chunkStream(writer, sliced(KILLED, [1000]), { workers: 0, chunker: 'fixed' });
  t.match(seen, { freed: 0, incomplete: false, entered: 0, unknown: 0 });
  await expectIntact(t, writer, new Map([[id, KILLED]]), 'the writer has entered it');
});

/** Stores {@link KILLED} with a manifest that never gets its row, in an open vault, which is then closed. */
async function leaveUnknown(test: Test, writer: OpenVault): Promise<void> {
  const { store } = writer.home;
  const put = store.put.bind(store);
  store.put = async (kind, id, bytes) => {
    await put(kind, id, bytes);
    throw new Error('stopped');
  };
  const options = { workers: 0, chunker: 'fixed' } as const;
  await test.rejects(chunkStream(writer, sliced(KILLED, [1000]), options), { message: 'stopped' });
  await writer.close();
}

for (const moment of ['after gc began', 'before'] as const) {
  t.test(`a process that began ${moment} and ends while gc looks loses nothing to it`, async (t) => {
    const home = await makeScratchHome(scratchFolder(t));
    const vault = await open(home);
    const { id } = await chunkStream(vault, sliced(KILLED, [1000]), { workers: 0, chunker: 'fixed' });
    await vault.close();
    const writer = await open(home);
    if (moment === 'before') writer.home.session();
    const collector = await open(home);
    const { store } = collector.home;
    const list = store.list.bind(store);
    let looks = 0;
    store.list = async (kind, options) => {
      const page = await list(kind, options);
      if (kind !== 'manifest' || page.length > 0 || ++looks > 1) return page;
      await leaveUnknown(t, writer);
      if (moment === 'after gc began') await killOne(t, home, 'another');
      await using other = await open(home);
      await removeFiles(other, [id]);
      return page;
    };
    await collectGarbage(collector.home, { graceSeconds: 0 });
    t.ok(looks > 0);
    await collector.close();
    await using after = await open(home);
    const entered = moment === 'before' ? 1 : 2;
    t.match(await collectGarbage(after, { graceSeconds: 0 }), { incomplete: false, entered });
    await expectIntact(t, after, new Map(), 'all restores');
    t.equal([...listFiles(after)].length, entered, 'what was left is known, and what was removed stays so');
    t.same(unmatched(after), []);
  });
}
