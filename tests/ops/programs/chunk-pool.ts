// Stores inputs that overlap, one after another, as a user of the library does: chunk-pool HOME CODE SEED TURNS
// Says `ready`, and after each `stored TURN ID`.
import { chunkStream, openVault } from '../../../src/index.js';
import { poolInput } from '../pool-input.js';
import { sliced } from '../sample-bytes.js';

const [home = '', password = '', seed = '0', turns = '0'] = process.argv.slice(2);
await using vault = await openVault({ home, password });
process.stdout.write('ready\n');
for (let turn = 0; turn < Number(turns); turn++) {
  const bytes = poolInput(Number(seed), turn);
  const { id } = await chunkStream(vault, sliced(bytes, [65_537]), { name: `${seed} ${turn}`, workers: 0 });
  process.stdout.write(`stored ${turn} ${id}\n`);
}
