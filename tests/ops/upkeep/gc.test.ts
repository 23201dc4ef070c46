// gc frees what no file needs, when its grace is over, and never what a file or a running chunk needs.
// Sources: src/ops/upkeep/gc.ts, src/catalog/garbage.ts, src/ops/home/crash-recovery.ts.
import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import type { Test } from 'tap';
import t from 'tap';
import { chunkStream } from '../../../src/ops/chunk/chunk.js';
import { listFiles, removeFiles } from '../../../src/ops/files/files.js';
import { openHome } from '../../../src/ops/home/home.js';
import type { OpenVault } from '../../../src/ops/home/vault.js';
import type { GcOptions, GcResult } from '../../../src/ops/upkeep/gc.js';
import { collectGarbage } from '../../../src/ops/upkeep/gc.js';
import { breaches, expectIntact, leftInTemporary, restored, unmatched } from '../expect-intact.js';
import { startProgram } from '../program.js';
import { runSeed, sampleBytes, sliced } from '../sample-bytes.js';
import { filesOf, makeScratchHome, openScratch, scratchFolder, TINY_SIZES } from '../scratch-home.js';

t.setTimeout(120_000);

const DAY_MS = 24 * 60 * 60 * 1000;
const block = (name: string): Buffer => sampleBytes(name, 256);
const blocks = (...names: string[]): Buffer => Buffer.concat(names.map(block));

const open = (home: string): Promise<OpenVault> => openScratch(home, { sizes: TINY_SIZES });

async function store(vault: OpenVault, bytes: Buffer): Promise<string> {
  const options = { workers: 0, chunker: 'fixed', name: 'file' } as const;
  return (await chunkStream(vault, sliced(bytes, [1000]), options)).id;
}

/** Runs `work` in a session of its own, which has ended when this resolves. */
async function inSession<T>(home: string, work: (vault: OpenVault) => Promise<T>): Promise<T> {
  await using vault = await open(home);
  return await work(vault);
}

const gc = (home: string, options: GcOptions = {}): Promise<GcResult> =>
  inSession(home, (vault) => collectGarbage(vault, options));

/** Stores a file and removes it again. */
async function makeGarbage(home: string, bytes: Buffer): Promise<void> {
  await inSession(home, async (vault) => void (await removeFiles(vault, [await store(vault, bytes)])));
}

function setTombstones(home: string, ms: number): Promise<void> {
  return inSession(home, async ({ home: { catalog } }) => {
    catalog.database.prepare('UPDATE objects SET tombstoned_ms = ? WHERE tombstoned_ms IS NOT NULL').run(ms);
  });
}

const objectsIn = (home: string): string[] => filesOf(path.join(home, 'objects'));

async function newHome(test: Test): Promise<string> {
  return makeScratchHome(scratchFolder(test));
}

t.test('frees nothing before the grace is over, and all of it after', async (t) => {
  const home = await newHome(t);
  await makeGarbage(home, blocks('a', 'b', 'c'));
  t.match(await gc(home), { freed: 0, waiting: 4 }, 'young');
  await setTombstones(home, Date.now() - DAY_MS + 60_000);
  t.match(await gc(home), { freed: 0, waiting: 4 }, 'a minute too young');
  t.equal(objectsIn(home).length, 4);
  await setTombstones(home, Date.now() - DAY_MS - 1);
  const bytes = objectsIn(home).reduce(
    (sum, file) => sum + fs.statSync(path.join(home, 'objects', file)).size,
    0,
  );
  t.match(await gc(home), { freed: 4, freedBytes: bytes, waiting: 0, incomplete: false }, 'old enough');
  t.same(objectsIn(home), []);
  t.match(await gc(home), { freed: 0, tombstoned: 0, waiting: 0 }, 'nothing the second time');
});

t.test('a grace of 0 frees at once what is not shared', async (t) => {
  const home = await newHome(t);
  const kept = blocks('shared', 'kept', 'shared');
  const id = await inSession(home, (vault) => store(vault, kept));
  await makeGarbage(home, blocks('shared', 'gone'));
  t.match(await gc(home, { graceSeconds: 0 }), { freed: 2, waiting: 0 });
  await inSession(home, async (vault) => {
    t.same(unmatched(vault), []);
    await expectIntact(t, vault, new Map([[id, kept]]), 'what is kept');
  });
});

t.test('a dry run counts what a run would free and changes nothing', async (t) => {
  const home = await newHome(t);
  await makeGarbage(home, blocks('a', 'b'));
  const before = objectsIn(home);
  const dry = await gc(home, { graceSeconds: 0, dryRun: true });
  t.same(objectsIn(home), before);
  const { freed, freedBytes } = await gc(home, { graceSeconds: 0 });
  t.match(dry, { freed, freedBytes });
  t.equal(freed, 3);
});

t.test('needs no key', async (t) => {
  const home = await newHome(t);
  await makeGarbage(home, blocks('a'));
  await using locked = await openHome({ home });
  t.match(await collectGarbage(locked, { graceSeconds: 0 }), { freed: 2 });
});

t.test('is refused on a home that is open for reading only', async (t) => {
  await using vault = await openScratch(await newHome(t), { readOnly: true });
  await t.rejects(collectGarbage(vault), { code: 'E_READ_ONLY' });
  await t.rejects(removeFiles(vault, ['latest']), { code: 'E_READ_ONLY' });
});

t.test('storing the same bytes again takes their tombstones off', async (t) => {
  const home = await newHome(t);
  const bytes = blocks('a', 'b', 'c');
  await makeGarbage(home, bytes);
  const again = await inSession(home, async (vault) => {
    const { id, newChunks } = await chunkStream(vault, sliced(bytes, [99]), { workers: 0, chunker: 'fixed' });
    t.equal(newChunks, 0, 'nothing is stored anew');
    return id;
  });
  t.match(await gc(home, { graceSeconds: 0 }), { freed: 1 }, 'only the old manifest goes');
  await inSession(home, (vault) => expectIntact(t, vault, new Map([[again, bytes]]), 'after gc'));
});

t.test('a clock that was set back does not keep garbage for ever, nor free it early', async (t) => {
  const home = await newHome(t);
  await makeGarbage(home, blocks('a'));
  await setTombstones(home, Date.now() + 400 * DAY_MS);
  t.match(await gc(home), { freed: 0, waiting: 2 }, 'its grace begins now');
  await inSession(home, async ({ home: { catalog } }) => {
    const latest = catalog.database.prepare('SELECT max(tombstoned_ms) FROM objects').pluck().get();
    t.ok(Number(latest) <= Date.now());
  });
  t.match(await gc(home, { graceSeconds: 0 }), { freed: 2 });
});

t.test('a running chunk of another process keeps what it has found known', async (t) => {
  const home = await newHome(t);
  const names = Array.from({ length: 40 }, (_, index) => `known ${index}`);
  const bytes = blocks(...names);
  const id = await inSession(home, (vault) => store(vault, bytes));
  const program = startProgram(t, 'chunk-stdin', [home]);
  await program.line('ready');
  program.child.stdin.write(bytes);
  t.ok(await program.line(`taken ${30 * 256}`), 'it has found them known');
  await inSession(home, async (vault) => {
    await removeFiles(vault, [id]);
    t.match(await collectGarbage(vault, { graceSeconds: 0 }), { freed: 0, waiting: 41 });
  });
  program.child.stdin.end(block('last'));
  const [, stored = ''] = (await program.line('stored '))?.split(' ') ?? [];
  await program.ended;
  t.match(await gc(home, { graceSeconds: 0 }), { freed: 1 }, 'then only the removed manifest goes');
  await inSession(home, async (vault) => {
    await expectIntact(t, vault, new Map([[stored, Buffer.concat([bytes, block('last')])]]), 'at the end');
  });
});

t.test('a running chunk of another process takes the tombstones off what it has found', async (t) => {
  const home = await newHome(t);
  const bytes = sampleBytes('revived', 40 * 256);
  await makeGarbage(home, bytes);
  const program = startProgram(t, 'chunk-stdin', [home]);
  await program.line('ready');
  program.child.stdin.write(bytes);
  t.ok(await program.line(`taken ${30 * 256}`));
  // These tombstones are older than its session, which alone would not keep gc from freeing them.
  const { freed } = await gc(home, { graceSeconds: 0 });
  t.ok(freed <= 11, `${freed} freed`);
  program.child.stdin.end();
  const [, stored = ''] = (await program.line('stored '))?.split(' ') ?? [];
  t.equal((await program.ended).status, 0);
  await inSession(home, (vault) => expectIntact(t, vault, new Map([[stored, bytes]]), 'at the end'));
});

t.test('what a killed chunk left behind goes away', async (t) => {
  const home = await newHome(t);
  const kept = blocks('kept', 'also kept');
  const id = await inSession(home, (vault) => store(vault, kept));
  const before = objectsIn(home).length;
  const program = startProgram(t, 'chunk-stdin', [home]);
  await program.line('ready');
  // Two full batches are committed, and their file is not.
  program.child.stdin.write(sampleBytes('of the dead', 700 * 256));
  t.ok(await program.line(`taken ${600 * 256}`));
  program.child.kill('SIGKILL');
  t.equal((await program.ended).signal, 'SIGKILL');
  fs.writeFileSync(path.join(home, 'objects/chunks/ff', 'f'.repeat(64)), 'renamed, but its row never came');
  t.ok(objectsIn(home).length > before + 200, `${objectsIn(home).length} objects`);
  await inSession(home, async (vault) => t.same(leftInTemporary(vault), [], 'opening the home empties tmp/'));
  await gc(home, { graceSeconds: 0 });
  t.equal(objectsIn(home).length, before);
  await inSession(home, async (vault) => {
    t.same(unmatched(vault), []);
    await expectIntact(t, vault, new Map([[id, kept]]), 'what was acknowledged');
  });
});

t.test('strays younger than the grace stay', async (t) => {
  const home = await newHome(t);
  const stray = path.join(home, 'objects/chunks/ee', 'e'.repeat(64));
  fs.mkdirSync(path.dirname(stray), { recursive: true });
  fs.writeFileSync(stray, 'a stray');
  await gc(home);
  t.ok(fs.existsSync(stray));
  fs.utimesSync(stray, 1, 1);
  t.match(await gc(home), { freed: 1, freedBytes: 7 });
  t.notOk(fs.existsSync(stray));
});

t.test('an abort frees no more, loses nothing, and the next run goes on', async (t) => {
  const home = await newHome(t);
  const id = await inSession(home, (vault) => store(vault, blocks('kept')));
  await makeGarbage(home, sampleBytes('garbage', 600 * 256));
  const abort = new AbortController();
  const stopped = gc(home, { graceSeconds: 0, signal: abort.signal, onProgress: () => abort.abort() });
  await t.rejects(stopped, { code: 'E_ABORTED' });
  t.ok(objectsIn(home).length > 2, `${objectsIn(home).length} objects left`);
  await gc(home, { graceSeconds: 0 });
  t.equal(objectsIn(home).length, 2);
  await inSession(home, (vault) => expectIntact(t, vault, new Map([[id, blocks('kept')]]), 'after both'));
});

type Step =
  | { readonly do: 'chunk'; readonly pieces: readonly number[] }
  | { readonly do: 'rm'; readonly which: number }
  | { readonly do: 'gc'; readonly graceSeconds: number; readonly isBeside: boolean }
  | { readonly do: 'reopen' };

const steps = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('chunk' as const),
        pieces: fc.array(fc.nat(9), { maxLength: 12 }),
      }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('rm' as const), which: fc.nat(20) }) },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('gc' as const),
        graceSeconds: fc.constantFrom(0, 0, 3600),
        isBeside: fc.boolean(),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('reopen' as const) }) },
  ),
  { minLength: 6, maxLength: 24 },
);

/** Carries the steps out on a new home. @returns what is wrong at the end, in words */
async function wrongAfter(folder: string, sequence: readonly Step[]): Promise<string[]> {
  const home = await makeScratchHome(folder);
  const kept = new Map<string, Buffer>();
  let vault = await open(home);
  for (const step of sequence) {
    if (step.do === 'chunk') {
      const bytes = blocks(...step.pieces.map((piece) => `piece ${piece}`));
      kept.set(await store(vault, bytes), bytes);
    } else if (step.do === 'rm') {
      const id = [...kept.keys()][step.which % Math.max(1, kept.size)];
      if (id !== undefined) await removeFiles(vault, [id]);
      if (id !== undefined) kept.delete(id);
    } else {
      // Beside a session that has not ended, or after it.
      const isBeside = step.do === 'gc' && step.isBeside;
      if (!isBeside) await vault.close();
      if (step.do === 'gc') await gc(home, { graceSeconds: step.graceSeconds });
      if (!isBeside) vault = await open(home);
    }
  }
  await vault.close();
  await gc(home, { graceSeconds: 0 });
  return inSession(home, async (last) => {
    const listed = [...listFiles(last)].length;
    const needed = new Set([...kept.values()].flatMap((bytes) => blocksOf(bytes))).size + kept.size;
    return [
      ...(await breaches(last, kept)),
      ...unmatched(last),
      ...(listed === kept.size ? [] : [`${listed} files are listed, expected ${kept.size}`]),
      ...(objectsIn(home).length === needed
        ? []
        : [`${objectsIn(home).length} objects, needed are ${needed}`]),
    ];
  });
}

function blocksOf(bytes: Buffer): string[] {
  return Array.from({ length: bytes.byteLength / 256 }, (_, at) =>
    bytes.toString('hex', at * 256, at * 256 + 256),
  );
}

const seed = runSeed();
t.test(
  `whatever is stored, removed and freed in whatever order, what is listed restores (seed ${seed})`,
  async (t) => {
    const folder = scratchFolder(t);
    let run = 0;
    const property = fc.asyncProperty(steps, async (sequence) => {
      const own = path.join(folder, String(run++));
      fs.mkdirSync(own);
      const wrong = await wrongAfter(own, sequence);
      fs.rmSync(own, { recursive: true });
      if (wrong.length > 0) throw new Error(wrong.join('\n'));
    });
    const result = await fc.check(property, { seed, numRuns: 20, interruptAfterTimeLimit: 30_000 });
    t.notOk(result.failed, fc.defaultReportMessage(result) ?? `held ${result.numRuns} times`);
    t.ok(result.numRuns > 0, 'it ran');
  },
);

t.test('one file of an id restores while gc runs beside it', async (t) => {
  const home = await newHome(t);
  await makeGarbage(home, sampleBytes('garbage', 300 * 256));
  const bytes = sampleBytes('kept', 300 * 256);
  await using vault = await open(home);
  const id = await store(vault, bytes);
  const [same] = await Promise.all([restored(vault, id), gc(home, { graceSeconds: 0 })]);
  t.ok(same.equals(bytes));
});
