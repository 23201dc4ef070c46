// A vault in a bucket goes there and back no faster than it may. Sources: src/ops/home/outer-store.ts,
// src/cli/context.ts.
import t from 'tap';
import { sampleBytes } from '../ops/sample-bytes.js';
import { MemoryEngine } from '../store/memory-engine.js';
import { emptyPlace } from './place.js';

t.test('the limits of chunk and reassemble hold for the bucket of a home', { timeout: 60_000 }, async (t) => {
  const engine = await MemoryEngine.start(t);
  const place = emptyPlace(t);
  Object.assign(place.env, { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' });
  const words = ['init', '--store', engine.url('p'), '--chunk-size', '65536'];
  t.equal((await place.runWith({ mayShowCode: true }, ...words)).status, 0);
  const bytes = sampleBytes('limited', 1_000_000);
  place.write('file', bytes);
  const stored = await place.run('chunk', '--limit-upload', '250000', 'file');
  t.equal(stored.status, 0, stored.stderr);
  t.ok(stored.seconds > 2.5, `${stored.seconds} s up`);
  const back = await place.run('reassemble', '--limit-download', '250000', 'file', '-o', '-');
  t.ok(back.bytes.equals(bytes));
  t.ok(back.seconds > 2.5, `${back.seconds} s down`);
});
