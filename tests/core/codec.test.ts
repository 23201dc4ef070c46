// What can be asked for, and the sample that tells whether it pays. Source: src/core/codec.ts, src/core/codecs.ts.
import t from 'tap';
import { type Compression, isCompression, isWorthCompressing, zstdLevelOf } from '../../src/core/codec.js';
import { checkCompression, codecFor } from '../../src/core/codecs.js';
import { lz4Codecs, zstdCodecs } from './codecs.js';
import { noise, text } from './samples.js';

t.test('what is no compression is told from what is', async (t) => {
  const levels = Array.from({ length: 19 }, (_, index) => `zstd:${index + 1}`);
  for (const good of ['auto', 'lz4', 'none', 'zstd', ...levels]) t.ok(isCompression(good), good);
  const bad = [
    '',
    'LZ4',
    'gzip',
    'zstd:',
    'zstd:0',
    'zstd:20',
    'zstd:03',
    'zstd:-1',
    'zstd:1.5',
    'zstd:3 ',
    'zstd3',
  ];
  for (const text of [...bad, 'lz4:1', 'auto:3', 'zstd:3:3', 'zstd:999999999999']) {
    t.notOk(isCompression(text), JSON.stringify(text));
    t.throws(() => checkCompression(text as Compression), {
      code: 'E_USAGE',
      message: /^compression: expected /,
    });
  }
});

t.test('zstd is at level 3 unless told', async (t) => {
  const cases = [
    ['zstd', 3],
    ['zstd:1', 1],
    ['zstd:19', 19],
    ['auto', undefined],
    ['none', undefined],
  ] as const;
  for (const [compression, level] of cases) t.equal(zstdLevelOf(compression), level, compression);
});

t.test('each name finds its codec', async (t) => {
  t.equal(codecFor('none'), undefined);
  t.same([codecFor('auto')?.byte, codecFor('lz4')?.byte], [1, 1]);
  if (zstdCodecs(3).length > 0) t.same([codecFor('zstd')?.byte, codecFor('zstd:19')?.byte], [2, 2]);
  else t.throws(() => checkCompression('zstd'), { code: 'E_CONFIG' });
});

for (const codec of [...lz4Codecs, ...zstdCodecs(3), ...zstdCodecs(19)]) {
  t.test(`the sample tells with ${codec.name} what is worth compressing`, async (t) => {
    const random = noise('sample', 1 << 20);
    t.equal(isWorthCompressing(codec, random), false, 'noise is not');
    t.equal(isWorthCompressing(codec, text('sample', 1 << 18)), true, 'text is');
    t.equal(isWorthCompressing(codec, Buffer.alloc(1 << 20)), true, 'zeros are');
    t.equal(
      isWorthCompressing(codec, random.subarray(0, 32_768)),
      true,
      'what is as short as the sample is tried',
    );
    t.equal(isWorthCompressing(codec, random.subarray(0, 32_769)), false, 'one byte longer is sampled');
    t.equal(isWorthCompressing(codec, Buffer.alloc(0)), true, 'nothing is tried');
    const half = Buffer.concat([random.subarray(0, 1 << 19), Buffer.alloc(1 << 19)]);
    t.equal(isWorthCompressing(codec, half), true, 'noise with zeros behind it is');
  });
}
