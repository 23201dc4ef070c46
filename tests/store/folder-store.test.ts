// A folder as a holder. Sources: src/store/folder-store.ts.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { nodeFileSystem } from '../../src/store/file-system.js';
import { FolderStore } from '../../src/store/folder-store.js';
import { eventually } from '../cli/command.js';
import { filesOf, scratchFolder } from '../ops/scratch-home.js';
import { testHolderStore } from './holder-store-contract.js';
import { sampleObject } from './object-store-contract.js';

testHolderStore('a folder store', async (test) => {
  const folder = scratchFolder(test);
  const store = new FolderStore(nodeFileSystem, folder);
  await store.makeFolders();
  return {
    store,
    tamper: async (key, bytes) => fs.writeFileSync(path.join(folder, key), bytes),
    peek: async (key) => fs.readFileSync(path.join(folder, key)),
  };
});

t.test('a folder store leaves nothing in tmp/, and sha256sum checks what it holds', async (t) => {
  const folder = scratchFolder(t);
  const store = new FolderStore(nodeFileSystem, folder);
  await store.makeFolders();
  const { id, bytes } = sampleObject('sum', 3000);
  await store.put('chunk', id, bytes);
  await store.writeNote('holder.json', Buffer.from('{}'));
  t.same(filesOf(path.join(folder, 'tmp')), []);
  const file = path.join(folder, 'chunks', id.slice(0, 2), id);
  t.match(execFileSync('sha256sum', [file], { encoding: 'utf8' }), new RegExp(`^${id} `));
});

t.test('a folder store is not made where there is no folder: its disk may not be mounted', async (t) => {
  const folder = path.join(scratchFolder(t), 'usb');
  await t.rejects(new FolderStore(nodeFileSystem, folder).makeFolders(), { code: 'E_NOT_FOUND' });
  t.notOk(fs.existsSync(folder));
});

t.test('what killed processes have left in tmp/ goes after a day, and nothing else', async (t) => {
  const folder = scratchFolder(t);
  await new FolderStore(nodeFileSystem, folder).makeFolders();
  const [old, note, young, foreign] = [
    '0123456789abcdef-7',
    'note-0123456789abcdef',
    'fedcba9876543210-0',
    'mine',
  ];
  const twoDaysAgo = new Date(Date.now() - 48 * 60 * 60 * 1000);
  for (const name of [old, note, young, foreign]) {
    const file = path.join(folder, 'tmp', name ?? '');
    fs.writeFileSync(file, 'half an object');
    if (name !== young) fs.utimesSync(file, twoDaysAgo, twoDaysAgo);
  }
  const store = new FolderStore(nodeFileSystem, folder);
  const { id, bytes } = sampleObject('tidy');
  await store.put('chunk', id, bytes);
  const names = () => fs.readdirSync(path.join(folder, 'tmp')).sort();
  await eventually('tmp/ is tidy', () => names().length === 2);
  t.same(names(), [young, foreign].sort());
});
