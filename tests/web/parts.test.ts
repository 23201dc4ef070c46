// The parts of the page that are plain arithmetic or text, without a browser.
import t from 'tap';
import { EventReader } from '../../src/web/api/event-stream.js';
import type { FileInfo } from '../../src/web/api/shapes.js';
import { makeUpOf } from '../../src/web/chunk/make-up.js';
import { placementOf } from '../../src/web/files/placement.js';
import { copiesTitle, safetyOf } from '../../src/web/text/copies.js';
import { matching, ordered } from '../../src/web/text/file-order.js';
import { nodeLetters } from '../../src/web/text/node-letters.js';
import { Pace } from '../../src/web/text/pace.js';
import { rowsInSight, stepOf } from '../../src/web/text/row-window.js';
import { agoText, countText, durationText, percentText, sizeText } from '../../src/web/text/units.js';

t.test('sizes, times and shares read as people say them', async (t) => {
  const sizes = {
    0: '0 B',
    999: '999 B',
    1024: '1 KiB',
    1536: '1.5 KiB',
    1023999: '1 MiB',
    1073741824: '1 GiB',
  };
  for (const [bytes, text] of Object.entries(sizes)) t.equal(sizeText(Number(bytes)), text);
  t.equal(sizeText(-5), '0 B', 'never below nothing');
  const times: [number, string][] = [
    [0.2, 'under 1 s'],
    [59, '59 s'],
    [59.6, '1 min'],
    [3600, '1 h'],
    [200_000, '2 days'],
    [Infinity, 'unknown'],
  ];
  for (const [seconds, text] of times) t.equal(durationText(seconds), text);
  t.equal(agoText(-30), 'just now', 'the clock of another machine may be ahead');
  t.equal(countText(1, 'file'), '1 file');
  t.equal(countText(100_000, 'file'), '100,000 files');
  t.equal(percentText(9_999, 10_000), '99 %', 'not all before all is done');
  t.equal(percentText(1, 10_000), '1 %', 'not nothing once there is something');
  t.equal(percentText(0, 0), '0 %');
});

t.test('copies are good, short or at risk', async (t) => {
  const cases: [number, number, string][] = [
    [3, 3, 'good'],
    [2, 3, 'short'],
    [1, 3, 'bad'],
    [0, 3, 'bad'],
    [1, 1, 'good'],
    [0, 1, 'bad'],
    [1, 2, 'bad'],
    [5, 3, 'good'],
  ];
  for (const [confirmed, wanted, safety] of cases)
    t.equal(safetyOf({ confirmed, wanted }), safety, `${confirmed}/${wanted}`);
  t.equal(copiesTitle({ confirmed: 2, wanted: 3 }), '2 of 3 copies: short of copies');
});

const file = (id: string, more: Partial<FileInfo> = {}): FileInfo => ({
  id,
  name: id,
  size: 0,
  replicas: 3,
  created_at: '2026-01-01T00:00:00.000Z',
  owner: null,
  compressed: true,
  encrypted: true,
  copies: { wanted: 3, confirmed: 3 },
  chunk_count: 1,
  kind: 'file',
  tags: [],
  ...more,
});
const ids = (files: readonly FileInfo[]): string => files.map(({ id }) => id).join();

t.test('files are found by each word, by tag, and by the beginning of the id', async (t) => {
  const files = [
    file('ab12', { name: 'Ümlaut film.MKV' }),
    file('cd34', { name: 'notes', tags: ['Weekly'] }),
    file('ef56', { name: null, tags: null }),
  ];
  t.equal(ids(matching(files, 'mkv ÜML')), 'ab12');
  t.equal(ids(matching(files, 'weekly')), 'cd34');
  t.equal(ids(matching(files, 'ef5')), 'ef56', 'also while names are hidden');
  t.equal(ids(matching(files, 'f56')), 'ef56', 'a nameless file goes by its id');
  t.equal(ids(matching(files, 'd34')), '', 'not by the middle of the id');
  t.equal(ids(matching(files, '  ')), 'ab12,cd34,ef56');
});

t.test('files stand in the order that was asked for, also 100,000 of them', async (t) => {
  const files = [
    file('b', { name: 'part 10', size: 5 }),
    file('a', { name: 'Part 9', size: 5 }),
    file('c', { name: 'part 1', size: 9 }),
  ];
  t.equal(ids(ordered(files, 'name', false)), 'c,a,b', 'numbers count as numbers');
  t.equal(ids(ordered(files, 'size', true)), 'c,a,b', 'equal ones by their ids');
  t.equal(ids(files), 'b,a,c', 'the list given is left alone');
  const many = Array.from({ length: 100_000 }, (_, index) => file(`f${(index * 7919) % 100_000}`));
  const byName = ordered(many, 'name', false);
  t.equal(byName.length, many.length);
  t.ok(byName.every(({ id }, index) => index === 0 || (byName[index - 1]?.id ?? '') <= id));
});

t.test('only rows in sight are drawn, and the one with the focus', async (t) => {
  const sight = { top: 4_400_000 - 440, height: 440, rowHeight: 44, count: 100_000, active: 3 };
  const rows = rowsInSight(sight);
  t.equal(rows[0], 3, 'the focus is not lost when its row is scrolled away');
  t.equal(rows.at(-1), 99_999);
  t.ok(rows.length < 30, `${rows.length} rows`);
  t.same(rowsInSight({ ...sight, count: 0 }), []);
  t.equal(
    rowsInSight({ ...sight, count: 5, active: 0 }).at(-1),
    4,
    'a list that became shorter than where one has scrolled',
  );
  t.equal(
    new Set(rowsInSight({ ...sight, top: 0 })).size,
    rowsInSight({ ...sight, top: 0 }).length,
    'none twice',
  );
  t.equal(stepOf('PageDown', 0, 5, 10), 4);
  t.equal(stepOf('ArrowUp', 0, 5, 10), 0);
  t.equal(stepOf('x', 0, 5, 10), undefined);
});

t.test('events are read whole, however they are cut', async (t) => {
  const text =
    'retry: 3\n\n: heartbeat\n\nid: 7\nevent: task\ndata: {"a":\ndata: 1}\n\nevent: log\r\ndata: x\r\n\r\ndata: cut off';
  for (let at = 0; at <= text.length; at++) {
    const reader = new EventReader();
    const events = [...reader.read(text.slice(0, at)), ...reader.read(text.slice(at))];
    const wanted = [
      { id: '7', event: 'task', data: '{"a":\n1}' },
      { id: '7', event: 'log', data: 'x' },
    ];
    if (JSON.stringify(events) !== JSON.stringify(wanted)) t.same(events, wanted, `cut at ${at}`);
  }
  t.pass('at each place');
});

t.test('a rate follows what was done, and starts anew when it goes back', async (t) => {
  const pace = new Pace();
  t.equal(pace.rate(0), 0);
  t.equal(pace.secondsLeft(100, 0), Infinity);
  for (let ms = 0; ms <= 2_000; ms += 100) pace.note(ms, ms);
  t.equal(pace.rate(2_000), 1_000);
  t.equal(pace.secondsLeft(12_000, 2_000), 10);
  t.ok(pace.rate(4_000) < 600, 'a stall shows');
  pace.note(10, 4_000);
  t.equal(pace.rate(4_000), 0, 'a second try');
});

t.test('strips draw many chunks together, and lose none', async (t) => {
  const chunks = Array.from({ length: 1_000 }, (_, index) => ({
    id: `${index}`,
    bytes: 1,
    nodes: index < 505 ? ['a', 'x'] : ['a'],
  }));
  const { cells, holders } = placementOf(chunks, ['a', 'b'], 100);
  t.equal(cells, 100);
  t.same(holders, [
    { node: 'a', held: 1_000, runs: [{ from: 0, length: 100, look: 'held' }] },
    { node: 'b', held: 0, runs: [] },
    {
      node: 'x',
      held: 505,
      runs: [
        { from: 0, length: 50, look: 'held' },
        { from: 50, length: 1, look: 'part' },
      ],
    },
  ]);
  t.same(placementOf([], ['a'], 100).holders, [{ node: 'a', held: 0, runs: [] }]);
});

t.test('what became of the bytes never goes below nothing', async (t) => {
  t.same(makeUpOf({ bytes: 100, dedupedBytes: 30, storedBytes: 40 }), { known: 30, stored: 40, saved: 30 });
  t.same(makeUpOf({ bytes: 10, dedupedBytes: 0, storedBytes: 300 }), { known: 0, stored: 10, saved: 0 });
  t.same(makeUpOf({ bytes: 13, dedupedBytes: 13, storedBytes: 300 }), { known: 13, stored: 0, saved: 0 });
  t.same(makeUpOf(undefined), { known: 0, stored: 0, saved: 0 });
});

t.test('machines are told apart by what stands in their circles', async (t) => {
  const lettersOf = (...names: string[]): string =>
    [...nodeLetters(names.map((name, index) => ({ id: `${index}abcdef`, name }))).values()].join();
  t.equal(lettersOf('attic', 'barn'), 'A,B');
  t.equal(lettersOf('nas-attic', 'nas-barn'), 'A,B', 'the first letter that differs');
  t.equal(lettersOf('node-1', 'node-2', 'node-3'), '1,2,3');
  t.equal(lettersOf('n1a', 'n1b', 'n2c'), 'A,B,C', 'the last letter');
  t.equal(lettersOf('same', 'same'), '0AB,1AB', 'the id');
  t.equal(lettersOf('nas', 'nas2'), 'S,2', 'a name may be the beginning of another');
  t.equal(lettersOf('alone'), 'A');
});
