// A restore that is killed at any moment, and run again, gives the tree as it was and leaves nothing of its own.
// Sources: src/ops/restore/restore-mark.ts, src/ops/restore/restore-target.ts, src/ops/restore/restore-contents.ts.
import fs from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import t from 'tap';
import { restoreTree } from '../../../src/ops/restore/restore-tree.js';
import { startProgram } from '../program.js';
import { chance, runSeed, sampleBytes } from '../sample-bytes.js';
import { makeScratchHome, openScratch, scratchFolder } from '../scratch-home.js';
import type { LooseEntry } from '../tree-builder.js';
import { ROOT, snapshot, storeTree } from '../tree-builder.js';

t.setTimeout(600_000);

const KILLS = 50;

const CHUNKS = Array.from({ length: 12 }, (_, n) => sampleBytes(n, 60_000));

/** 96 small files, some large ones, links. */
function entries(): LooseEntry[] {
  const list: LooseEntry[] = [ROOT];
  for (let n = 0; n < 8; n++) {
    const folder = `d${String(n).padStart(2, '0')}`;
    list.push({ path: folder, type: 'directory', mode: 0o700 + (n % 8) });
    for (let m = 0; m < 12; m++) {
      const extents = [{ chunk: (n + m) % 12, offset: m * 10, length: 1_000 + m }];
      list.push({ path: `${folder}/f${String(m).padStart(2, '0')}`, extents });
    }
    list.push({ path: `${folder}/large`, extents: [{ chunk: 0, offset: 0, length: 700_000 }] });
    list.push({ path: `${folder}/link`, type: 'symlink', target: 'large' });
    list.push({ path: `${folder}/twin`, type: 'hardlink', target: `${folder}/f00` });
  }
  return list;
}

const seed = runSeed();

t.test(`killed at ${KILLS} random moments (seed ${seed}), it goes on where it stopped`, async (t) => {
  const home = await makeScratchHome(scratchFolder(t));
  const vault = await openScratch(home);
  const id = await storeTree(vault, { entries: entries(), chunks: CHUNKS });
  const whole = path.join(scratchFolder(t), 'whole');
  const all = await restoreTree(vault, id, { path: whole, workers: 0 });
  const expected = snapshot(whole);
  const random = chance(seed);
  const counting = startProgram(t, 'restore-tree', [home, id, path.join(scratchFolder(t), 'out')]);
  const calls = Number((await counting.line('calls'))?.slice('calls '.length));
  t.ok(calls > 500, `${calls} calls`);
  let skipped = 0;
  for (let n = 0; n < KILLS; n++) {
    const out = path.join(scratchFolder(t), 'out');
    const last = 1 + random.whole(calls - 1);
    const program = startProgram(t, 'restore-tree', [home, id, out, String(last)]);
    t.match(await program.ended, { signal: 'SIGKILL' }, `killed at call ${last}`);
    // Killed after its mark was gone, it has to be told that the folder is its own.
    const isMarked =
      fs.existsSync(out) && fs.readdirSync(out).some((name) => name.startsWith('.disktro-restore-'));
    const isEmpty = !fs.existsSync(out) || fs.readdirSync(out).every((name) => name.startsWith('.disktro-'));
    const overwrite = isMarked || isEmpty ? undefined : ('if-changed' as const);
    const result = await restoreTree(vault, id, { path: out, workers: 0, overwrite });
    skipped += result.skipped;
    t.equal(result.files + result.skipped, all.files, 'each entry is written or was there');
    t.same(snapshot(out), expected, `call ${last}: nothing lacks, nothing is left over`);
  }
  t.ok(skipped > 100, `${skipped} files were not written again`);
  await vault.close();
});

/** A tree that was written back whole. */
async function restored(test: Test) {
  const vault = await openScratch(await makeScratchHome(scratchFolder(test)));
  test.teardown(() => vault.close());
  const id = await storeTree(vault, { entries: entries(), chunks: CHUNKS });
  const out = path.join(scratchFolder(test), 'out');
  await restoreTree(vault, id, { path: out, workers: 0 });
  return { vault, id, out, expected: snapshot(out) };
}

t.test(
  'what was begun with another rule is not continued with one that would keep a file cut short',
  async (t) => {
    const { vault, id, out, expected } = await restored(t);
    const short = path.join(out, 'd03/f07');
    fs.truncateSync(short, 3);
    const boot = fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const mark = { id, inner: '', overwrite: 'if-changed', token: 'abcdefabcdef', boot };
    fs.writeFileSync(path.join(out, `.disktro-restore-${id.slice(0, 16)}`), JSON.stringify(mark));
    const never = restoreTree(vault, id, { path: out, workers: 0, overwrite: 'never' });
    await t.rejects(never, { code: 'E_OUTPUT_EXISTS', hint: /--overwrite if-changed/ });
    t.equal(fs.statSync(short).size, 3, 'nothing was done');
    t.match(await restoreTree(vault, id, { path: out, workers: 0 }), { files: 1 });
    t.same(snapshot(out), expected);
  },
);

t.test('with `never` no file has its name before it is whole', async (t) => {
  const home = await makeScratchHome(scratchFolder(t));
  const vault = await openScratch(home);
  const id = await storeTree(vault, { entries: entries(), chunks: CHUNKS });
  await vault.close();
  const out = path.join(scratchFolder(t), 'out');
  for (const last of ['40', '90', '91', '92', '93', '94']) {
    fs.rmSync(out, { recursive: true, force: true });
    const program = startProgram(t, 'restore-tree', [home, id, out, last, 'never']);
    t.match(await program.ended, { signal: 'SIGKILL' });
    const names = fs.readdirSync(out, { recursive: true, encoding: 'utf8' });
    for (const name of names.filter((each) => /\/f\d\d$/.test(each))) {
      t.equal(fs.statSync(path.join(out, name)).size, 1_000 + Number(name.slice(-2)), name);
    }
  }
});

t.test('what a crash of the machine may have cut short is written again', async (t) => {
  const { vault, id, out, expected } = await restored(t);
  const hollow = path.join(out, 'd03/f07');
  const { mtimeMs, size } = fs.statSync(hollow);
  fs.writeFileSync(hollow, Buffer.alloc(size));
  fs.utimesSync(hollow, (mtimeMs + 0.0005) / 1000, (mtimeMs + 0.0005) / 1000);
  const mark = { id, inner: '', overwrite: 'if-changed', token: 'abcdefabcdef', boot: 'another boot' };
  fs.writeFileSync(path.join(out, `.disktro-restore-${id.slice(0, 16)}`), JSON.stringify(mark));
  fs.writeFileSync(path.join(out, 'd03/.disktro-abcdefabcdef-9'), 'left over');
  fs.writeFileSync(path.join(out, 'd03/.disktro-000000000000-9'), "somebody else's");
  await restoreTree(vault, id, { path: out, workers: 0 });
  t.ok(fs.existsSync(path.join(out, 'd03/.disktro-000000000000-9')), 'a name that is not its own stays');
  fs.unlinkSync(path.join(out, 'd03/.disktro-000000000000-9'));
  const after = snapshot(out);
  t.equal(after['d03/f07'], expected['d03/f07']);
  t.same(Object.keys(after), Object.keys(expected));
});
