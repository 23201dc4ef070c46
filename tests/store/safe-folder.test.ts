// Folders are reached without following a link, whoever moves things about meanwhile.
// Sources: src/store/safe-folder.ts.
import fs from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { SafeFolder } from '../../src/store/safe-folder.js';
import { scratchFolder } from '../ops/scratch-home.js';

t.test('a link, also one to a folder, and a file are not entered', async (t) => {
  const world = scratchFolder(t);
  fs.mkdirSync(path.join(world, 'real'));
  fs.symlinkSync('real', path.join(world, 'link'));
  fs.writeFileSync(path.join(world, 'file'), '');
  const root = SafeFolder.open(world);
  t.teardown(() => root.close());
  t.throws(() => root.enter('link'), { code: /ELOOP|ENOTDIR/ });
  t.throws(() => root.enter('file'), { code: 'ENOTDIR' });
  t.throws(() => root.make('link'), { code: 'EEXIST' });
  t.ok(root.enter('real'));
});

t.test('a folder that was closed for a while and is another one, or a link, is refused', async (t) => {
  const world = scratchFolder(t);
  const root = SafeFolder.open(world);
  t.teardown(() => root.close());
  const [moved, linked, kept] = [root.make('moved'), root.make('linked'), root.make('kept')];
  fs.mkdirSync(path.join(world, 'outside'));
  // More than are kept open: the first ones are closed.
  for (let n = 0; n < 300; n++) root.make(`f${n}`);
  fs.renameSync(path.join(world, 'moved'), path.join(world, 'gone'));
  fs.mkdirSync(path.join(world, 'moved'));
  fs.renameSync(path.join(world, 'linked'), path.join(world, 'gone-too'));
  fs.symlinkSync('outside', path.join(world, 'linked'));
  t.throws(() => moved.at('x'), { code: 'ESTALE' });
  t.throws(() => linked.at('x'), { code: /ELOOP|ENOTDIR|ESTALE/ });
  fs.writeFileSync(kept.at('x'), 'here');
  t.equal(fs.readFileSync(path.join(world, 'kept/x'), 'utf8'), 'here');
  t.same(fs.readdirSync(path.join(world, 'outside')), []);
});

t.test('what is written into an open folder lands in it, though a link has taken its name', async (t) => {
  const world = scratchFolder(t);
  const root = SafeFolder.open(world);
  t.teardown(() => root.close());
  const folder = root.make('a');
  fs.mkdirSync(path.join(world, 'outside'));
  fs.renameSync(path.join(world, 'a'), path.join(world, 'b'));
  fs.symlinkSync('outside', path.join(world, 'a'));
  if (process.platform === 'linux') {
    fs.writeFileSync(folder.at('x'), 'x');
    t.ok(fs.existsSync(path.join(world, 'b/x')));
  } else t.throws(() => folder.at('x'));
  t.same(fs.readdirSync(path.join(world, 'outside')), []);
});
