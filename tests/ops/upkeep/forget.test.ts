// Thinning out by rules, on real homes: what goes, what stays, and that the space comes back. Sources:
// src/ops/upkeep/forget.ts, src/ops/files/file-filter.ts, src/ops/upkeep/gc.ts.
import fs from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import t, { type Test } from 'tap';
import type { FileId } from '../../../src/core/ids.js';
import { chunkFile, chunkStream } from '../../../src/ops/chunk/chunk.js';
import type { FileFilter } from '../../../src/ops/files/file-filter.js';
import { fits, NO_FILTER } from '../../../src/ops/files/file-filter.js';
import { listFiles } from '../../../src/ops/files/files.js';
import { resolveFileId } from '../../../src/ops/files/resolve.js';
import type { OpenVault } from '../../../src/ops/home/vault.js';
import { parseCalendarSpan } from '../../../src/ops/upkeep/calendar-span.js';
import type { ForgetOptions } from '../../../src/ops/upkeep/forget.js';
import { forgetFiles, planForget } from '../../../src/ops/upkeep/forget.js';
import { collectGarbage } from '../../../src/ops/upkeep/gc.js';
import type { KeepRules } from '../../../src/ops/upkeep/retention.js';
import { breaches } from '../expect-intact.js';
import { sampleBytes } from '../sample-bytes.js';
import { makeScratchHome, openScratch, scratchFolder, TINY_SIZES } from '../scratch-home.js';

process.env.TZ = 'UTC';

const DAY_MS = 24 * 60 * 60 * 1000;
const FIRST_MS = Date.parse('2023-01-01T02:30:00Z');
const NO_RULES: KeepRules = { counts: {}, within: {}, tags: [] };
const LAST_ONE: KeepRules = { ...NO_RULES, counts: { last: 1 } };

const options = (change: Partial<ForgetOptions> = {}): ForgetOptions => ({
  rules: LAST_ONE,
  filter: NO_FILTER,
  groupBy: ['host', 'path'],
  mayRemoveAll: false,
  ...change,
});

async function scratchVault(test: Test): Promise<{ vault: OpenVault; folder: string }> {
  const folder = scratchFolder(test);
  const vault = await openScratch(await makeScratchHome(folder), { sizes: TINY_SIZES });
  test.teardown(() => vault.close());
  return { vault, folder };
}

interface Stored {
  readonly name?: string;
  readonly tags?: readonly string[];
  readonly day?: number;
}

async function store(vault: OpenVault, content: Buffer, { day = 0, ...facts }: Stored): Promise<FileId> {
  const result = await chunkStream(vault, Readable.from([content]), {
    workers: 0,
    createdMs: FIRST_MS + day * DAY_MS,
    ...facts,
  });
  return result.id;
}

const removedOf = (groups: ReturnType<typeof planForget>): FileId[] =>
  groups.flatMap(({ files }) => files.filter(({ reasons }) => reasons.length === 0).map(({ id }) => id));

function objectBytes(vault: OpenVault): number {
  return vault.home.objects.totals().bytes;
}

t.test(
  '400 days thinned out by the usual rules keep what the rules say, and gc frees all the rest',
  async (t) => {
    const { vault, folder } = await scratchVault(t);
    const file = path.join(folder, 'documents.tar');
    const steady = sampleBytes('steady', 4_000);
    const contents = new Map<FileId, Buffer>();
    const days: FileId[] = [];
    for (let day = 0; day < 400; day++) {
      const bytes = Buffer.concat([steady, sampleBytes(`day ${day}`, 1_500)]);
      fs.writeFileSync(file, bytes);
      const { id } = await chunkFile(vault, file, { workers: 0, createdMs: FIRST_MS + day * DAY_MS });
      contents.set(id, bytes);
      days.push(id);
    }
    vault.home.endSession();
    const rules: KeepRules = { ...NO_RULES, counts: { daily: 7, weekly: 5, monthly: 12, yearly: 2 } };
    const groups = planForget(vault, options({ rules }));
    // By another way than the code: days that end a week, a month or a year, counted from the newest.
    const dates = days.map((_, day) => new Date(FIRST_MS + day * DAY_MS));
    const ends = (isLast: (date: Date, next: Date) => boolean, most: number): number[] =>
      dates
        .map((date, day) => (day === 399 || isLast(date, new Date(date.getTime() + DAY_MS)) ? day : -1))
        .filter((day) => day >= 0)
        .slice(-most);
    const expected = new Set([
      ...ends(() => true, 7),
      ...ends((date) => date.getUTCDay() === 0, 5),
      ...ends((date, next) => date.getUTCMonth() !== next.getUTCMonth(), 12),
      ...ends((date, next) => date.getUTCFullYear() !== next.getUTCFullYear(), 2),
    ]);
    const removed = removedOf(groups);
    t.same(
      removed.map((id) => days.indexOf(id)).sort((a, b) => a - b),
      days.map((_, day) => day).filter((day) => !expected.has(day)),
    );

    const before = objectBytes(vault);
    const kept = new Map([...contents].filter(([id]) => !removed.includes(id)));
    const { tombstonedBytes } = forgetFiles(vault, removed);
    const { freedBytes } = await collectGarbage(vault, { graceSeconds: 0 });
    t.ok(
      freedBytes >= 0.95 * tombstonedBytes,
      `frees ${freedBytes} of ${tombstonedBytes} bytes that nothing needs`,
    );
    t.equal(objectBytes(vault), before - freedBytes);
    const needed = new Set(
      [...kept.keys()].flatMap((id) => vault.home.objects.descendants(id).map(({ storeId }) => storeId)),
    );
    t.equal(vault.home.objects.totals().objects, needed.size, 'and nothing is left that no kept one needs');
    t.same(
      [...listFiles(vault)].map(({ id }) => id),
      [...kept.keys()],
    );
    t.same(await breaches(vault, kept), []);
    t.equal(removedOf(planForget(vault, options({ rules }))).length, 0, 'a second time nothing goes');
  },
);

t.test('groups are thinned out apart', async (t) => {
  const { vault, folder } = await scratchVault(t);
  const ids: FileId[] = [];
  for (const [index, place] of ['a', 'b', 'a', 'b'].entries()) {
    const file = path.join(folder, place);
    fs.writeFileSync(file, `${index}`);
    ids.push((await chunkFile(vault, file, { workers: 0, createdMs: FIRST_MS + index * DAY_MS })).id);
  }
  for (const [index, name] of ['x', 'y', 'x'].entries()) {
    ids.push(
      await store(vault, Buffer.from(`stream ${index}`), {
        name,
        day: 10 + index,
        tags: index === 0 ? ['k'] : [],
      }),
    );
  }
  const removed = (change: Partial<ForgetOptions>): number[] =>
    removedOf(planForget(vault, options(change)))
      .map((id) => ids.indexOf(id))
      .sort((a, b) => a - b);
  t.same(removed({}), [0, 1, 4], 'by path, and what lay nowhere by its name');
  t.same(removed({ groupBy: [] }), [0, 1, 2, 3, 4, 5], 'all in one');
  t.same(removed({ groupBy: ['host'] }), [0, 1, 2, 3, 4, 5], 'one host');
  t.same(removed({ groupBy: ['tags'] }), [0, 1, 2, 3, 5], 'by tags');
  t.same(
    removed({ filter: { ...NO_FILTER, paths: [path.join(folder, 'b')] } }),
    [1],
    'others are not looked at',
  );
  t.same(removed({ filter: { ...NO_FILTER, hosts: ['elsewhere'] } }), [], 'no group at all');
  t.same(
    removed({ groupBy: [], filter: { ...NO_FILTER, tags: [['']] } }),
    [0, 1, 2, 3, 5],
    'only what has no tag',
  );
});

t.test('refuses what would keep nothing, and then removes nothing', async (t) => {
  const { vault } = await scratchVault(t);
  const a = await store(vault, Buffer.from('a'), { name: 'a', tags: ['keep'] });
  const b = await store(vault, Buffer.from('b'), { name: 'b' });
  const keepTagged: KeepRules = { ...NO_RULES, tags: [['keep']] };
  const refuses = (change: Partial<ForgetOptions>, message: RegExp): void => {
    t.throws(() => planForget(vault, options(change)), { code: 'E_USAGE', message });
  };
  refuses({ rules: NO_RULES }, /expected a rule that keeps something, got none/);
  refuses({ rules: { ...NO_RULES, counts: { last: 0, daily: 0 } } }, /expected a rule that keeps something/);
  refuses(
    { rules: { ...NO_RULES, within: { all: parseCalendarSpan('0h', '') } } },
    /expected a rule that keeps something/,
  );
  refuses({ rules: keepTagged }, /the rules keep nothing of .*:b: nothing was removed/);
  refuses({ rules: NO_RULES, mayRemoveAll: true }, /expected a rule or a filter/);
  t.same(
    removedOf(planForget(vault, options({ rules: keepTagged, mayRemoveAll: true }))),
    [b],
    'unless asked to',
  );
  const filter: FileFilter = { ...NO_FILTER, tags: [['keep']] };
  t.same(removedOf(planForget(vault, options({ rules: NO_RULES, filter, mayRemoveAll: true }))), [a]);
  t.equal([...listFiles(vault)].length, 2);
});

t.test('what somebody else has removed meanwhile is no error, and the rest goes all the same', async (t) => {
  const { vault } = await scratchVault(t);
  const ids = [
    await store(vault, Buffer.from('1'), { name: 'n' }),
    await store(vault, Buffer.from('2'), { name: 'n', day: 1 }),
  ];
  await store(vault, Buffer.from('3'), { name: 'n', day: 2 });
  const removed = removedOf(planForget(vault, options()));
  t.same([...removed].sort(), [...ids].sort());
  forgetFiles(vault, ids.slice(0, 1));
  forgetFiles(vault, removed);
  t.equal([...listFiles(vault)].length, 1);
});

t.test('latest:PATH is the newest that lay there', async (t) => {
  const { vault, folder } = await scratchVault(t);
  const file = path.join(folder, 'a');
  fs.writeFileSync(file, 'new');
  const { id } = await chunkFile(vault, file, { workers: 0 });
  fs.writeFileSync(file, 'old');
  await chunkFile(vault, file, { workers: 0, createdMs: FIRST_MS });
  await store(vault, Buffer.from('later'), { name: 'a', day: 9_999 });
  t.equal(resolveFileId(vault, `latest:${file}`), id);
  t.equal(resolveFileId(vault, `latest:${path.relative(process.cwd(), file)}`), id, 'a relative path');
  t.equal(resolveFileId(vault, `latest:${file}/`), id, 'a slash at the end');
  t.equal(resolveFileId(vault, `latest:${folder}/x/../a`), id, 'a detour');
  t.throws(() => resolveFileId(vault, `latest:${folder}`), {
    code: 'E_NOT_FOUND',
    message: /nothing is stored that lay at/,
  });
  t.throws(() => resolveFileId(vault.home, `latest:${file}`), { code: 'E_NOT_FOUND' }, 'not without the key');
  const named = await store(vault, Buffer.from('odd'), { name: `latest:${file}` });
  t.equal(resolveFileId(vault, `latest:${file}`), named, 'an exact name comes first');
});

t.test('filters: all tags of a list, one of the lists; one host, one path', async (t) => {
  const facts = { tags: ['a', 'b'], host: 'nas', path: '/srv/x' };
  const isFit = (change: Partial<FileFilter>): boolean => fits(facts, { ...NO_FILTER, ...change });
  t.ok(isFit({}));
  t.ok(isFit({ tags: [['a']] }));
  t.ok(isFit({ tags: [['b', 'a']] }));
  t.ok(isFit({ tags: [['c'], ['b']] }));
  t.notOk(isFit({ tags: [['a', 'c']] }));
  t.notOk(isFit({ tags: [['']] }));
  t.ok(fits({ ...facts, tags: ['a,b'] }, { ...NO_FILTER, tags: [['a', 'b']] }), 'a tag with a comma in it');
  t.ok(isFit({ hosts: ['x', 'nas'] }));
  t.notOk(isFit({ hosts: ['na'] }));
  t.ok(isFit({ paths: ['/srv/x'] }));
  t.notOk(isFit({ paths: ['/srv'] }));
  t.notOk(isFit({ hosts: ['nas'], paths: ['/srv/y'] }), 'each kind has to fit');
  const bytes = new Uint8Array([0x2f, 0xff]);
  t.notOk(
    fits({ ...facts, path: bytes }, { ...NO_FILTER, paths: ['/\ufffd'] }),
    'by bytes, not by what they look like',
  );
  t.notOk(fits({ ...facts, path: undefined }, { ...NO_FILTER, paths: ['/srv/x'] }), 'a stream lay nowhere');
});
