// The calls the store makes of the operating system, and small files written durably. Sources: src/store/file-system.ts.
import fs from 'node:fs';
import path from 'node:path';
import t from 'tap';
import {
  fillFrom,
  ignore,
  nodeFileSystem,
  readSmallFile,
  writeFileDurably,
} from '../../src/store/file-system.js';
import { FaultFileSystem } from '../ops/fault-file-system.js';
import { promptFileSystem } from '../ops/prompt-file-system.js';
import { sampleBytes } from '../ops/sample-bytes.js';
import { scratchFolder } from '../ops/scratch-home.js';

for (const [name, fileSystem] of Object.entries({ node: nodeFileSystem, prompt: promptFileSystem })) {
  t.test(`${name}: gives what every file system of the store must`, async (t) => {
    const folder = scratchFolder(t);
    const file = path.join(folder, 'file');
    const bytes = sampleBytes('file system', 10_000);
    const handle = await fileSystem.open(file, 'wx', 0o600);
    await handle.write(bytes.subarray(0, 6000), null);
    await handle.write(bytes.subarray(6000), null);
    await handle.write(bytes.subarray(0, 10), 0);
    await handle.sync();
    t.match(await handle.stat(), { bytes: 10_000, isFile: true, isDirectory: false });
    await handle.close();
    await t.rejects(fileSystem.open(file, 'wx'), { code: 'EEXIST' }, 'wx never opens what is there');
    await t.rejects(fileSystem.open(path.join(folder, 'none'), 'r'), { code: 'ENOENT' });
    const reading = await fileSystem.open(file, 'r');
    const target = Buffer.alloc(12_000);
    t.equal(await fillFrom(reading, target), 10_000);
    t.ok(target.subarray(0, 10_000).equals(bytes));
    t.equal(await reading.read(target, null), 0, '0 at the end');
    t.equal(await reading.read(target.subarray(0, 5), 9_998), 2);
    await reading.close();
    await fileSystem.link(file, path.join(folder, 'link'));
    await t.rejects(fileSystem.link(file, path.join(folder, 'link')), { code: 'EEXIST' });
    await fileSystem.rename(path.join(folder, 'link'), path.join(folder, 'other'));
    await fileSystem.makeFolder(path.join(folder, 'sub'));
    await fileSystem.makeFolder(path.join(folder, 'sub'));
    t.equal(fs.statSync(path.join(folder, 'sub')).mode & 0o777, 0o700);
    t.same((await fileSystem.readFolder(folder)).sort(), ['file', 'other', 'sub']);
    await fileSystem.unlink(path.join(folder, 'other'));
    t.equal(await fileSystem.stat(path.join(folder, 'other')), undefined);
    t.equal(await fileSystem.stat(path.join(file, 'below a file')), undefined);
    t.match(await fileSystem.stat(path.join(folder, 'sub')), { isFile: false, isDirectory: true });
    await fileSystem.syncFolder(folder);
    const { freeBytes, totalBytes } = await fileSystem.space(folder);
    t.ok(freeBytes > 0 && freeBytes <= totalBytes);
  });
}

t.test('a small file is the old one or the new one, whole, whichever step fails', async (t) => {
  const [before, after] = [Buffer.from('before'), sampleBytes('after', 5000)];
  const names = ['open', 'write', 'sync', 'close', 'rename', 'syncFolder'];
  for (const fault of ['EIO', 'kill'] as const) {
    for (const [at, name] of names.entries()) {
      const folder = scratchFolder(t);
      const file = path.join(folder, 'file');
      const temporary = path.join(folder, 'temporary');
      fs.writeFileSync(file, before);
      const faults = new FaultFileSystem(promptFileSystem, { fault, at });
      await t.rejects(writeFileDurably(faults, temporary, file, after), `${fault} at ${name}`);
      t.equal(faults.calls[at]?.name, name);
      const isNamed = at > names.indexOf('rename');
      t.ok(fs.readFileSync(file).equals(isNamed ? after : before), isNamed ? 'new' : 'old');
      if (fault === 'EIO') t.notOk(fs.existsSync(temporary), 'no temporary file is left');
    }
  }
  t.equal(names.length, 6, 'every step was failed');
});

t.test('a small file is synced before it gets its name, and its folder after', async (t) => {
  const folder = scratchFolder(t);
  const faults = new FaultFileSystem(promptFileSystem);
  await writeFileDurably(faults, path.join(folder, 'a'), path.join(folder, 'b'), Buffer.from('x'));
  t.same(
    faults.calls.map(({ name }) => name),
    ['open', 'write', 'sync', 'close', 'rename', 'syncFolder'],
  );
});

t.test('a small file is never read past its limit', async (t) => {
  const folder = scratchFolder(t);
  for (const [length, seen] of [
    [0, 0],
    [99, 99],
    [100, 100],
    [101, 101],
    [5_000_000, 101],
  ] as const) {
    const file = path.join(folder, String(length));
    fs.writeFileSync(file, Buffer.alloc(length, 1));
    t.equal((await readSmallFile(nodeFileSystem, file, 100))?.byteLength, seen, `${length} bytes`);
  }
  t.equal(await readSmallFile(nodeFileSystem, path.join(folder, 'none'), 100), undefined);
  t.equal(await readSmallFile(nodeFileSystem, path.join(folder, '100', 'below'), 100), undefined);
  await t.rejects(readSmallFile(nodeFileSystem, folder, 100), { code: 'EISDIR' });
});

t.test('ignore lets pass what it was told and nothing else', async (t) => {
  const error = Object.assign(new Error('x'), { code: 'EXDEV' });
  t.equal(ignore('ENOENT', 'EXDEV')(error), undefined);
  t.throws(() => ignore('ENOENT')(error), error);
  t.throws(() => ignore('ENOENT')(new Error('no code')), /no code/);
});
