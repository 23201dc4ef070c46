// Restores a tree and kills itself at the nth call that it makes of the file system; tells how many it made if it lives.
import fs from 'node:fs';
import { restoreTree } from '../../../src/ops/restore/restore-tree.js';
import { openScratch } from '../scratch-home.js';

const [home = '', id = '', out = '', last = '', overwrite] = process.argv.slice(2);
const vault = await openScratch(home, { readOnly: true });
let calls = 0;
const counted = [
  'openSync',
  'writeSync',
  'closeSync',
  'renameSync',
  'mkdirSync',
  'symlinkSync',
  'linkSync',
  'unlinkSync',
  'fchmodSync',
  'futimesSync',
  'fsyncSync',
  'rmSync',
] as const;
const calling = fs as unknown as Record<string, (...args: unknown[]) => unknown>;
for (const name of counted) {
  const call = calling[name];
  calling[name] = (...args) => {
    if (++calls === Number(last)) process.kill(process.pid, 'SIGKILL');
    return call?.(...args);
  };
}
await restoreTree(vault, id as never, {
  path: out,
  workers: 0,
  overwrite: overwrite === 'never' ? overwrite : undefined,
});
process.stdout.write(`calls ${calls}\n`);
await vault.close();
