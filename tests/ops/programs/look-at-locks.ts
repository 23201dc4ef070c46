// Looks at every lock in a folder, over and over, until stdin ends: look-at-locks FOLDER
import fs from 'node:fs';
import path from 'node:path';
import { isLocked } from '../../../src/catalog/lock.js';

const [folder = ''] = process.argv.slice(2);
let isOver = false;
process.stdin.resume().on('end', () => {
  isOver = true;
});
process.stdout.write('looking\n');
while (!isOver) {
  for (const name of fs.readdirSync(folder)) isLocked(path.join(folder, name));
  await new Promise((resolve) => setImmediate(resolve));
}
