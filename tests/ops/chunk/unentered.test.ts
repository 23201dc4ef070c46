// A file whose entry into the catalog fails leaves nothing that is in the way. Source:
// src/ops/chunk/manifest-writer.ts.
import type { Test } from 'tap';
import t from 'tap';
import type { CommitObserver } from '../../../src/catalog/catalog.js';
import { chunkStream } from '../../../src/ops/chunk/chunk.js';
import { listFiles } from '../../../src/ops/files/files.js';
import { collectGarbage } from '../../../src/ops/upkeep/gc.js';
import { expectIntact, unmatched } from '../expect-intact.js';
import { promptFileSystem } from '../prompt-file-system.js';
import { sampleBytes, sliced } from '../sample-bytes.js';
import { makeScratchHome, openScratch, scratchFolder } from '../scratch-home.js';

/** Fails at commit number `at`, 0 being the first, and at no other. */
function failingOnce(moment: 'before-commit' | 'after-commit', at: number): CommitObserver {
  let seen = 0;
  return (now) => {
    if (now === moment && seen++ === at) throw Object.assign(new Error('EIO: injected'), { code: 'EIO' });
  };
}

/** The commits of a chunk: its session, its batch, its file. */
const COMMITS = ['session', 'batch', 'file'];

async function chunkWith(test: Test, observer: CommitObserver): Promise<string> {
  const home = await makeScratchHome(scratchFolder(test));
  const vault = await openScratch(home, { fileSystem: promptFileSystem, commitObserver: observer });
  const bytes = sampleBytes('unentered', 1000);
  await test.rejects(chunkStream(vault, sliced(bytes, [300]), { workers: 0 }));
  const { id } = await chunkStream(vault, sliced(bytes, [300]), { workers: 0 });
  await expectIntact(test, vault, new Map([[id, bytes]]), 'the same vault goes on');
  await vault.close();
  return home;
}

for (const [at, what] of COMMITS.entries()) {
  t.test(`a failed commit of the ${what} is taken back whole`, async (t) => {
    const home = await chunkWith(t, failingOnce('before-commit', at));
    const vault = await openScratch(home);
    t.equal([...listFiles(vault)].length, 1);
    t.match(await collectGarbage(vault, { graceSeconds: 0 }), { incomplete: false }, 'gc is not held up');
    t.same(unmatched(vault), [], 'and leaves nothing over');
    await vault.close();
  });

  t.test(`an error right after the commit of the ${what} loses nothing that was committed`, async (t) => {
    const home = await chunkWith(t, failingOnce('after-commit', at));
    const vault = await openScratch(home);
    t.equal([...listFiles(vault)].length, what === 'file' ? 2 : 1, 'what was committed is listed');
    await collectGarbage(vault, { graceSeconds: 0 });
    await expectIntact(t, vault, new Map(), 'all that is listed restores');
    t.same(unmatched(vault), []);
    await vault.close();
  });
}
