// Stores a folder and says how much memory that took at most: chunk-tree HOME CODE FOLDER
import { openVault } from '../../../src/index.js';
import { chunkTree } from '../../../src/ops/tree/chunk-tree.js';

const [home = '', password = '', folder = ''] = process.argv.slice(2);
await using vault = await openVault({ home, password });
for (let turn = 0; turn < 2; turn++) {
  const { files, unchanged } = await chunkTree(vault, folder, { startedMs: Date.now() + 3_600_000 });
  process.stdout.write(`stored ${files} ${unchanged} ${process.resourceUsage().maxRSS}\n`);
}
