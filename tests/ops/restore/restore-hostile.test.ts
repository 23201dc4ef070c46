// Manifests made to break out: nothing appears outside the target, and each is refused with its code, or harmless.
// Sources: src/ops/read/tree-source.ts, src/core/tree-order.ts, src/ops/restore/restore-tree.ts,
// src/store/safe-folder.ts.
import fs from 'node:fs';
import path from 'node:path';
import t from 'tap';
import type { ErrorCode } from '../../../src/errors.js';
import { isDisktroError } from '../../../src/errors.js';
import { restoreTree } from '../../../src/ops/restore/restore-tree.js';
import { makeScratchHome, openScratch, scratchFolder } from '../scratch-home.js';
import type { LooseEntry, TreeContent } from '../tree-builder.js';
import { entryOf, looseValue, ROOT, snapshot, storeTree } from '../tree-builder.js';

t.setTimeout(120_000);

interface Attack extends TreeContent {
  readonly title: string;
  /** undefined: it may be restored, but only below the target. */
  readonly code?: ErrorCode;
}

const CHUNK = Buffer.from('the bytes of an attacker');
const WHOLE = [{ chunk: 0, offset: 0, length: CHUNK.byteLength }];
const chunks = [CHUNK];

const file = (name: string | Uint8Array): LooseEntry => ({ path: name, extents: WHOLE });
const folder = (name: string): LooseEntry => ({ path: name, type: 'directory' });
const link = (name: string, target: string): LooseEntry => ({ path: name, type: 'symlink', target });
const hard = (name: string, target: string): LooseEntry => ({ path: name, type: 'hardlink', target });

/** Ways to write a path that leads out, or is none. */
const BAD_PATHS: readonly (string | Uint8Array)[] = [
  '..',
  '../escaped',
  'a/../../escaped',
  'a/..',
  '/escaped',
  '//escaped',
  '/',
  'a//b',
  'a/',
  './a',
  'a/./b',
  'a/.',
  '',
  'a\0b',
  '\0',
  '..\0',
  'a/../b',
  '../../../../../../etc/escaped',
  '../outside/escaped',
  Buffer.from('../escaped'),
  Buffer.from('/escaped'),
  Buffer.from([0xff, 0x2f, 0x2e, 0x2e, 0x2f, 0x61]),
  Buffer.from([0x61, 0x00]),
  new Uint8Array(0),
  'x'.repeat(40_000),
  `${'../'.repeat(500)}escaped`,
  `${'a/'.repeat(500)}../escaped`,
  '...//..',
  'a/b/../../..',
  './/a',
];

function badPathAttacks(): Attack[] {
  const shapes: [string, (name: string | Uint8Array) => LooseEntry][] = [
    ['a file', file],
    ['a folder', (name) => ({ path: name, type: 'directory' })],
    ['a link', (name) => ({ path: name, type: 'symlink', target: 'x' })],
    ['a fifo', (name) => ({ path: name, type: 'fifo' })],
    ['a hard link', (name) => ({ path: name, type: 'hardlink', target: 'a' })],
  ];
  return BAD_PATHS.flatMap((name) =>
    shapes.map(([shape, make]) => ({
      title: `${shape} at ${JSON.stringify(Buffer.from(name).toString().slice(0, 40))}`,
      entries: [ROOT, make(name)],
      chunks,
      code: 'E_MANIFEST_PATH' as const,
    })),
  );
}

const OUTSIDE_TARGETS = [
  '/etc/passwd',
  '../outside/secret',
  '../outside',
  'a/../../outside/secret',
  '.',
  '..',
  '/',
  'missing',
  'z',
  '',
  'l\0',
];

function linkAttacks(): Attack[] {
  const code = 'E_MANIFEST_INVALID' as const;
  return [
    ...OUTSIDE_TARGETS.map((target) => ({
      title: `a hard link to ${JSON.stringify(target)}`,
      entries: [ROOT, hard('h', target)],
      code,
    })),
    ...['../outside', '/tmp', '.', '..', '/proc/self/root'].flatMap((target) => [
      {
        title: `a file through a link to ${target}`,
        entries: [ROOT, link('l', target), file('l/escaped')],
        chunks,
        code,
      },
      { title: `a folder over a link to ${target}`, entries: [ROOT, link('l', target), folder('l')], code },
      { title: `a link over a folder, to ${target}`, entries: [ROOT, folder('l'), link('l', target)], code },
      {
        title: `a file in a folder that is also a link to ${target}`,
        entries: [ROOT, folder('l'), file('l/escaped'), link('l', target)],
        chunks,
        code,
      },
      { title: `a link to ${target} by itself`, entries: [ROOT, link('l', target)] },
      {
        title: `a hard link to a link to ${target}`,
        entries: [ROOT, link('l', target), hard('m', 'l')],
        code,
      },
    ]),
    { title: 'a hard link to a folder', entries: [ROOT, folder('a'), hard('b', 'a')], code },
    { title: 'a hard link to itself', entries: [ROOT, hard('b', 'b')], code },
    { title: 'a hard link to a later file', entries: [ROOT, hard('a', 'b'), file('b')], chunks, code },
    {
      title: 'a hard link to a hard link',
      entries: [ROOT, file('a'), hard('b', 'a'), hard('c', 'b')],
      chunks,
      code,
    },
    { title: 'a link without a target', entries: [ROOT, { path: 'l', type: 'symlink' }], code },
    { title: 'a link to nothing', entries: [ROOT, link('l', '')], code },
    { title: 'a link whose target has a NUL', entries: [ROOT, link('l', 'a\0b')], code },
    { title: 'a file with a target', entries: [ROOT, { ...file('a'), target: '/etc' }], chunks, code },
    {
      title: 'a folder with a target',
      entries: [ROOT, { path: 'a', type: 'directory', target: '/etc' }],
      code,
    },
  ];
}

function orderAttacks(): Attack[] {
  const code = 'E_MANIFEST_INVALID' as const;
  const deep = 'a/'.repeat(10_000);
  return [
    { title: 'no entries', entries: [], code },
    { title: 'no root', entries: [file('a')], chunks, code },
    { title: 'the root twice', entries: [ROOT, ROOT], code },
    { title: 'the root last', entries: [file('a'), ROOT], chunks, code },
    {
      title: 'a root that is a file',
      entries: [{ path: '.', extents: WHOLE }],
      chunks,
      code: 'E_MANIFEST_PATH',
    },
    { title: 'a root that is a link', entries: [link('.', '/etc')], code: 'E_MANIFEST_PATH' },
    { title: 'a root called ..', entries: [folder('..')], code: 'E_MANIFEST_PATH' },
    { title: 'the same file twice', entries: [ROOT, file('a'), file('a')], chunks, code },
    {
      title: 'the same path as text and as bytes',
      entries: [ROOT, file('a'), file(Buffer.from('a'))],
      chunks,
      code,
    },
    { title: 'the same folder twice', entries: [ROOT, folder('a'), folder('a')], code },
    { title: 'a file under a file', entries: [ROOT, file('a'), file('a/b')], chunks, code },
    { title: 'a file under a fifo', entries: [ROOT, { path: 'a', type: 'fifo' }, file('a/b')], chunks, code },
    {
      title: 'a file under a hard link',
      entries: [ROOT, file('a'), hard('b', 'a'), file('b/c')],
      chunks,
      code,
    },
    { title: 'a file in no folder', entries: [ROOT, file('a/b')], chunks, code },
    { title: 'a file whose folder comes later', entries: [ROOT, file('a/b'), folder('a')], chunks, code },
    { title: 'entries out of order', entries: [ROOT, file('b'), file('a')], chunks, code },
    {
      title: 'a folder left and entered again',
      entries: [ROOT, folder('a'), file('a-'), file('a/b')],
      chunks,
      code,
    },
    { title: 'a path of 10,000 parts', entries: [ROOT, file(`${deep}b`)], chunks, code },
    {
      title: 'a path of 20,000 parts',
      entries: [ROOT, file(`${deep}${deep}b`)],
      chunks,
      code: 'E_MANIFEST_PATH',
    },
  ];
}

function extentAttacks(): Attack[] {
  const code = 'E_MANIFEST_INVALID' as const;
  const length = CHUNK.byteLength;
  const huge = Number.MAX_SAFE_INTEGER;
  const extents = (...list: [number, number, number][]): LooseEntry => ({
    path: 'a',
    extents: list.map(([chunk, offset, of]) => ({ chunk, offset, length: of })),
  });
  const outside: [number, number, number][] = [
    [1, 0, 1],
    [0, 0, length + 1],
    [0, length, 1],
    [0, 1, length],
    [0, huge, 1],
    [huge, 0, 1],
    [0, 0, huge],
    [2, 0, 0],
    [0, length + 5, 1],
    [huge, huge, 0],
  ];
  return [
    ...outside.map((extent) => ({
      title: `an extent ${extent.join(' ')}`,
      entries: [ROOT, extents(extent)],
      chunks,
      code,
    })),
    { title: 'an extent where there are no chunks', entries: [ROOT, extents([0, 0, 1])], code },
    {
      title: 'a size that its extents do not have',
      entries: [ROOT, { ...file('a'), sizeBytes: 5 }],
      chunks,
      code,
    },
    { title: 'a huge size of nothing', entries: [ROOT, { path: 'a', sizeBytes: huge }], code },
    {
      title: 'a manifest that says less than its files have',
      entries: [ROOT, file('a')],
      chunks,
      bytes: 1,
      code,
    },
    {
      title: 'a manifest that says more than its files have',
      entries: [ROOT, file('a')],
      chunks,
      bytes: 10 ** 12,
      code,
    },
    {
      title: 'a folder with extents',
      entries: [ROOT, { path: 'a', type: 'directory', extents: WHOLE }],
      chunks,
      code,
    },
    { title: 'a link with extents', entries: [ROOT, { ...link('a', 'b'), extents: WHOLE }], chunks, code },
    { title: 'a device without numbers', entries: [ROOT, { path: 'a', type: 'character' }], code },
    {
      title: 'a file with device numbers',
      entries: [ROOT, { ...file('a'), device: [1, 3] as const }],
      chunks,
      code,
    },
    { title: 'overlapping extents', entries: [ROOT, extents([0, 0, 10], [0, 5, 10])], chunks },
    { title: 'an empty extent', entries: [ROOT, extents([0, 3, 0])], chunks },
  ];
}

function shapeAttacks(): Attack[] {
  const code = 'E_MANIFEST_INVALID' as const;
  const good = looseValue(entryOf(file('z'))) as Record<string, never>;
  const { mode: _mode, ...withoutMode } = good;
  const broken: [string, unknown][] = [
    ['an unknown type', { ...good, type: 'socket' }],
    ['an unknown field', { ...good, exec: true }],
    ['no mode', withoutMode],
    ['a mode of 17 bits', { ...good, mode: 0o200000 }],
    ['a negative owner', { ...good, uid: -1 }],
    ['an owner of 33 bits', { ...good, uid: 2 ** 32 }],
    ['a time that is text', { ...good, mtimeNs: 'now' }],
    ['an extent of two numbers', { ...good, extents: [[0, 0]] }],
    ['a negative extent', { ...good, extents: [[0, -1, 25]] }],
    ['extents that are text', { ...good, extents: 'all' }],
    ['a path that is a number', { ...good, path: 7 }],
    ['device numbers that are text', { ...good, device: ['1', '3'] }],
    ['xattrs that are text', { ...good, xattrs: { 'user.a': 'text' } }],
    ['text in place of an entry', 'z'],
    ['a list in place of an entry', []],
    ['nothing in place of an entry', null],
  ];
  return [
    ...broken.map(([title, value]) => ({ title, entries: [ROOT], raw: [value as never], chunks, code })),
    {
      title: 'attributes with odd names',
      entries: [
        ROOT,
        {
          ...file('a'),
          xattrs: new Map([
            ['user.fine', Buffer.from('1')],
            ['security.capability', Buffer.alloc(20)],
            ['', Buffer.alloc(1)],
            ['a', Buffer.alloc(1)],
            ['trusted.../../x', Buffer.alloc(1)],
            [`user.${'n'.repeat(3_000)}`, Buffer.alloc(1)],
            ['user.\0x', Buffer.alloc(1)],
          ]),
        },
      ],
      chunks,
    },
    {
      title: 'owners of names that lead elsewhere',
      entries: [ROOT, { ...file('a'), user: '../root', group: 'x:0' }],
      chunks,
    },
    { title: 'a setuid file of root', entries: [ROOT, { ...file('a'), mode: 0o6755, uid: 0 }], chunks },
    { title: 'a device', entries: [ROOT, { path: 'a', type: 'block', device: [8, 0] as const }] },
    {
      title: 'names that a shell would run',
      entries: [ROOT, { path: '$(touch escaped)', type: 'fifo' }, { path: '-m', type: 'fifo' }],
    },
    { title: 'a name of 300 bytes', entries: [ROOT, file('n'.repeat(300))], chunks },
    {
      title: 'times before and after all calendars',
      entries: [ROOT, { ...file('a'), mtimeNs: -(2n ** 62n) }, { ...file('b'), mtimeNs: 2n ** 62n }],
      chunks,
    },
  ];
}

const ATTACKS = [
  ...badPathAttacks(),
  ...linkAttacks(),
  ...orderAttacks(),
  ...extentAttacks(),
  ...shapeAttacks(),
];

t.test(`${ATTACKS.length} hostile manifests leave the world outside the target as it was`, async (t) => {
  t.ok(ATTACKS.length >= 200, 'at least 200');
  const vault = await openScratch(await makeScratchHome(scratchFolder(t)));
  t.teardown(() => vault.close());
  for (const { title, code, ...content } of ATTACKS) {
    const world = scratchFolder(t);
    fs.mkdirSync(path.join(world, 'outside'));
    fs.writeFileSync(path.join(world, 'outside/secret'), 'kept');
    fs.mkdirSync(path.join(world, 'in'));
    const before = snapshot(world);
    const id = await storeTree(vault, content);
    let failure: unknown;
    try {
      await restoreTree(vault, id, { path: path.join(world, 'in/out'), workers: 0, include: undefined });
    } catch (error) {
      failure = error;
    }
    if (code === undefined) t.ok(failure === undefined || isDisktroError(failure), `${title}: is no bug`);
    else {
      t.equal(isDisktroError(failure) ? failure.code : failure, code, title);
      t.notOk(fs.existsSync(path.join(world, 'in/out')), `${title}: refused before anything is written`);
    }
    fs.rmSync(path.join(world, 'in/out'), { recursive: true, force: true });
    fs.utimesSync(path.join(world, 'in'), 1, 1);
    const after = snapshot(world);
    t.same({ ...after, in: '' }, { ...before, in: '' }, `${title}: the rest is as it was`);
    fs.rmSync(world, { recursive: true });
  }
  t.notOk(fs.existsSync('/escaped') || fs.existsSync('/etc/escaped') || fs.existsSync('/tmp/escaped'));
});

t.test('a setuid bit, a capability and a device do not come back unasked', async (t) => {
  const vault = await openScratch(await makeScratchHome(scratchFolder(t)));
  t.teardown(() => vault.close());
  const id = await storeTree(vault, {
    entries: [ROOT, { ...file('suid'), mode: 0o6755 }, { path: 'x', type: 'character', device: [1, 3] }],
    chunks,
  });
  const out = path.join(scratchFolder(t), 'out');
  const notices: string[] = [];
  await restoreTree(vault, id, { path: out, workers: 0, onNotice: (notice) => notices.push(notice) });
  t.equal(fs.statSync(path.join(out, 'suid')).mode & 0o7777, 0o755);
  t.notOk(fs.existsSync(path.join(out, 'x')));
  t.match(notices, [/device x/]);
  const kept = path.join(scratchFolder(t), 'out');
  await restoreTree(vault, id, { path: kept, workers: 0, keepSetuid: true });
  t.equal(fs.statSync(path.join(kept, 'suid')).mode & 0o7777, 0o6755);
});
