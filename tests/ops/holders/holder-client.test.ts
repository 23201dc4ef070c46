// A store as members are spoken to: what its disk does wrong is told as its own, and limits hold for all that is moved.
// Sources: src/ops/holders/holder-client.ts.
import t, { type Test } from 'tap';
import type { NodeId } from '../../../src/core/ids.js';
import { BandwidthLimit } from '../../../src/net/rate-limit.js';
import { HolderClient } from '../../../src/ops/holders/holder-client.js';
import { type FileSystem, nodeFileSystem } from '../../../src/store/file-system.js';
import { FolderStore } from '../../../src/store/folder-store.js';
import { sampleObject } from '../../store/object-store-contract.js';
import { scratchFolder } from '../scratch-home.js';

const NODE = 'holder' as NodeId;
const NOTE = Buffer.from(JSON.stringify({ v: 1, record: { id: NODE } }));

async function folder(t: Test, fileSystem: FileSystem): Promise<FolderStore> {
  const path = scratchFolder(t);
  const whole = new FolderStore(nodeFileSystem, path);
  await whole.makeFolders();
  await whole.writeNote('holder.json', NOTE);
  return new FolderStore(fileSystem, path);
}

t.test('what a disk refuses is told with its place', async (t) => {
  const refuse = (code: string) => async (file: string, flags: 'r' | 'wx', mode?: number) => {
    if (flags === 'wx') throw Object.assign(new Error(code), { code });
    return nodeFileSystem.open(file, flags, mode);
  };
  for (const [errno, code] of [
    ['EROFS', 'E_PEER_REFUSED'],
    ['ENOSPC', 'E_NO_SPACE'],
    ['EIO', 'E_PEER_UNREACHABLE'],
  ] as const) {
    const store = await folder(t, { ...nodeFileSystem, open: refuse(errno) });
    const { id, bytes } = sampleObject(errno, 500);
    const error = await new HolderClient(NODE, store).putObject('chunk', id, bytes).catch((reason) => reason);
    t.match(error, { code, details: { node: NODE } });
    t.ok(error.message.startsWith(`${store.where}: writing object`), error.message);
    t.notMatch(error.hint, /home/, 'it is not the home that is to be looked at');
  }
});

t.test('limits hold for what is read to be checked, and for what is replaced', async (t) => {
  const store = await folder(t, nodeFileSystem);
  const { id, bytes } = sampleObject('limits', 3000);
  await store.put('chunk', id, bytes);
  const sleptMs = { upload: 0, download: 0 };
  const limit = (way: 'upload' | 'download') =>
    new BandwidthLimit(1000, {
      now: () => 0,
      sleep: async (ms) => {
        sleptMs[way] += ms;
      },
    });
  const client = new HolderClient(NODE, store, { upload: limit('upload'), download: limit('download') });
  for (let round = 0; round < 2; round++) {
    t.equal(await client.readObject('chunk', id, Buffer.alloc(4000)), 3000);
    await client.replaceObject('chunk', id, bytes);
  }
  t.ok(sleptMs.download > 2_000 && sleptMs.upload > 2_000, JSON.stringify(sleptMs));
});
