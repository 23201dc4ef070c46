// Stores what comes on stdin in chunks of 256 bytes: chunk-stdin HOME
// Says `taken BYTES` after each chunk, and at the end `stored ID`.
import { chunkDescriptor } from '../../../src/index.js';
import { openScratch, TINY_SIZES } from '../scratch-home.js';

const [home = ''] = process.argv.slice(2);
await using vault = await openScratch(home, { sizes: TINY_SIZES });
process.stdout.write('ready\n');
const { id } = await chunkDescriptor(vault, 0, {
  name: 'from stdin',
  workers: 0,
  chunker: 'fixed',
  onProgress: ({ bytes }) => process.stdout.write(`taken ${bytes}\n`),
});
process.stdout.write(`stored ${id}\n`);
