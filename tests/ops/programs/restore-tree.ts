// Restores a tree, to be killed while it does.
import { restoreTree } from '../../../src/ops/restore-tree.js';
import { openScratch } from '../scratch-home.js';

const [home = '', id = '', out = ''] = process.argv.slice(2);
const vault = await openScratch(home, { readOnly: true });
process.stdout.write('begun\n');
await restoreTree(vault, id as never, { path: out, workers: 0 });
await vault.close();
