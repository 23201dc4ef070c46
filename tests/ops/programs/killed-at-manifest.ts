// Stores so many bytes of a seed and is killed when the manifest has its name and not yet its row:
//   killed-at-manifest HOME SEED BYTES COMMITS     which commit that of the file is
import { chunkStream } from '../../../src/ops/chunk/chunk.js';
import { sampleBytes, sliced } from '../sample-bytes.js';
import { openScratch, TINY_SIZES } from '../scratch-home.js';

const [home = '', seed = '', bytes = '0', last = '0'] = process.argv.slice(2);

let commits = 0;
const vault = await openScratch(home, {
  sizes: TINY_SIZES,
  commitObserver: (moment) => {
    if (moment === 'before-commit' && ++commits === Number(last)) process.kill(process.pid, 'SIGKILL');
  },
});
await chunkStream(vault, sliced(sampleBytes(seed, Number(bytes)), [1000]), { workers: 0, chunker: 'fixed' });
