// --compression and the key compression, with the real command, also where zstd cannot be written. Sources:
// src/cli/commands/chunk.ts, src/core/codecs.ts, src/core/codec-zstd.ts.
import { existsSync } from 'node:fs';
import t from 'tap';
import { sampleBytes, sampleText } from '../ops/sample-bytes.js';
import { ID_LINE, oneJson, type RunOptions } from './command.js';
import { emptyPlace, type Place, placeWithVault } from './place.js';

/** As on a machine where the package zstd-napi is not installed and Node is older than 22.15; threads load it too. */
const WITHOUT_ZSTD = `
  const Module = require('node:module');
  const zlib = require('node:zlib');
  const resolve = Module._resolveFilename;
  Module._resolveFilename = function (name, ...rest) {
    if (/^zstd-napi/.test(name)) throw Object.assign(new Error('not installed'), { code: 'MODULE_NOT_FOUND' });
    return resolve.call(this, name, ...rest);
  };
  delete zlib.zstdCompressSync;
  delete zlib.zstdDecompressSync;
`;

function withoutZstd(place: Place): { readonly through: readonly string[] } {
  const hook = place.path(place.write('without-zstd.cjs', WITHOUT_ZSTD));
  return { through: ['env', `NODE_OPTIONS=--require ${hook}`] };
}

/** What `chunk --json` says of the bytes it has stored. */
async function storedBytes(place: Place, options: RunOptions, ...words: string[]): Promise<number> {
  const { status, stdout, stderr } = await place.runWith(options, 'chunk', '--json', ...words);
  if (status !== 0) throw new Error(`chunk ${words.join(' ')}: ${status} ${stderr}`);
  return Number(oneJson(stdout).storedBytes);
}

t.test('chunk --compression zstd stores less, and all that reads can read it', async (t) => {
  const place = await placeWithVault(t);
  const content = sampleText('text', 600_000);
  place.write('a.txt', content);
  place.write('b.txt', sampleText('other', 600_000));
  const lz4 = await storedBytes(place, {}, 'b.txt');
  const zstd = await storedBytes(place, {}, '--compression', 'zstd:9', 'a.txt');
  t.ok(zstd < 0.8 * lz4, `${zstd} against ${lz4}`);
  const info = oneJson((await place.run('info', 'a.txt', '--json')).stdout);
  t.match(info, { bytes: 600_000, name: 'a.txt' });
  t.ok(Number(info.storedBytes) <= zstd && Number(info.storedBytes) > 0, 'info counts what is stored');
  t.match((await place.run('chunk', '--stats', '-q', 'a.txt')).stderr, / bytes=600000 new=0 /, 'stats');
  t.ok((await place.run('reassemble', 'a.txt', '-o', '-')).bytes.equals(content));
  await place.expectGood();
  t.equal((await place.run('drill', '--sample', '100%')).status, 0);
});

t.test('a flag wins over the environment, and --no-compress is none', async (t) => {
  const place = await placeWithVault(t);
  const sizeOf = (name: string, ...flags: string[]): Promise<number> => {
    place.write(name, sampleText(name, 200_000));
    return storedBytes(place, { env: { DISKTRO_COMPRESSION: 'zstd:19' } }, ...flags, name);
  };
  const [zstd, lz4] = [await sizeOf('a'), await sizeOf('b', '--compression', 'lz4')];
  t.ok(zstd < 0.8 * lz4, `${zstd} against ${lz4}`);
  t.ok((await sizeOf('c', '--compression', 'none')) > 200_000);
  t.ok((await sizeOf('d', '--no-compress')) > 200_000);
});

t.test('what is no compression is refused before a vault is made', async (t) => {
  const place = emptyPlace(t);
  place.write('a', 'a');
  const expected = 'expected auto, lz4, zstd, zstd:LEVEL with a level from 1 to 19, or none, got';
  const cases: [words: string[], message: string][] = [
    [['--compression', 'zstd:20'], `--compression: ${expected} "zstd:20"`],
    [['--compression', 'ZSTD'], `--compression: ${expected} "ZSTD"`],
    [['--compression', ''], `--compression: ${expected} ""`],
    [['--compression', 'zstd', '--no-compress'], 'expected --compression or --no-compress, got both'],
  ];
  for (const [words, message] of cases) {
    const { status, stdout, stderr } = await place.run('chunk', ...words, 'a');
    t.same([status, stdout], [2, '']);
    t.match(stderr, `disktro: error: ${message}\n`);
  }
  const { status, stderr } = await place.runWith({ env: { DISKTRO_COMPRESSION: 'zstd:x' } }, 'chunk', 'a');
  t.equal(status, 2);
  t.match(stderr, `$DISKTRO_COMPRESSION: ${expected} "zstd:x"`);
  t.notOk(existsSync(place.home));
});

t.test('without a zstd encoder zstd is refused with what to install, and nothing is made', async (t) => {
  const place = emptyPlace(t);
  place.write('a', 'a');
  const { status, stdout, stderr } = await place.runWith(
    withoutZstd(place),
    'chunk',
    '--compression',
    'zstd',
    'a',
  );
  t.same([status, stdout], [2, '']);
  t.match(stderr, /^disktro: error: compression zstd: no encoder for it loads here\n/);
  t.match(stderr, /^disktro: hint: install the npm package zstd-napi .+ or use Node 22\.15 or later/m);
  t.notOk(existsSync(place.home));
});

t.test('without a zstd encoder what others have stored with zstd is read, known and checked', async (t) => {
  const place = await placeWithVault(t);
  // Enough for threads, which have to load the decoder too.
  const content = Buffer.concat([sampleText('big', 5_000_000), sampleBytes('big', 100_000)]);
  place.write('big', content);
  place.write('little', content.subarray(0, 100_000));
  for (const name of ['big', 'little'])
    t.equal((await place.run('chunk', '--compression', 'zstd', name)).status, 0);
  const options = withoutZstd(place);
  for (const workers of ['0', '2']) {
    const env = { DISKTRO_WORKERS: workers };
    for (const name of ['big', 'little']) {
      const back = await place.runWith({ ...options, env }, 'reassemble', name, '-o', '-');
      t.equal(back.status, 0, back.stderr);
      t.ok(back.bytes.equals(place.read(name)), `${name} with ${workers} threads`);
    }
    const verified = await place.runWith({ ...options, env }, 'verify', '--read-data');
    t.same([verified.status, verified.stderr], [0, '']);
    t.match(verified.stdout, /: all good\n$/);
  }
  const again = await place.runWith(options, 'chunk', '--json', 'big');
  t.match(oneJson(again.stdout), { newChunks: 0, dedupedBytes: content.byteLength });
  t.match((await place.runWith(options, 'chunk', '-q', 'without-zstd.cjs')).stdout, ID_LINE, 'LZ4 goes on');
});
