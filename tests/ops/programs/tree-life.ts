// A day in the life of a tree, to be killed: tree-life day HOME FOLDER DAY KEPT, or trees forgotten and freed until stdin
// ends: tree-life forget HOME KEPT
import { openScratch } from '../scratch-home.js';
import { keepNewest, storeDay } from '../tree-life.js';

const [what = '', home = '', ...rest] = process.argv.slice(2);
const vault = await openScratch(home);
process.stdout.write('ready\n');
if (what === 'day') {
  const [folder = '', day = '', kept = ''] = rest;
  await storeDay(vault, folder, Number(day));
  await keepNewest(vault, Number(kept));
} else {
  let isOver = false;
  process.stdin.on('end', () => {
    isOver = true;
  });
  process.stdin.resume();
  let freed = 0;
  while (!isOver) {
    freed += (await keepNewest(vault, Number(rest[0]))).freed;
    await new Promise((resolve) => setImmediate(resolve));
  }
  process.stdout.write(`freed ${freed}\n`);
}
process.stdout.write('done\n');
await vault.close();
