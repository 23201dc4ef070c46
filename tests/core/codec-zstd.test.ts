// Every zstd library that is here, held against the reference tool, against each other and against what is no frame of
// ours. Source: src/core/codec-zstd.ts, src/core/codec-zstd-portable.ts, src/core/zstd-frame.ts. Vectors: zstd.json.
import fc from 'fast-check';
import t from 'tap';
import type { BlockDecoder } from '../../src/core/codec.js';
import { zstdAddon, zstdCodec, zstdDecoder } from '../../src/core/codec-zstd.js';
import { compressed, decompressed, guarded, zstdCodecs, zstdDecoders } from './codecs.js';
import { type ZstdFrame, zstdFrame } from './forge.js';
import { bytes, holds } from './properties.js';
import { contents, noise, text } from './samples.js';
import { readFixture, readVectors } from './vectors.js';

interface ZstdVectors {
  readonly frames: readonly { frame: string; content: string; options: string; refused?: string }[];
}

const LEVELS = [1, 3, 9, 19];
const { frames } = readVectors<ZstdVectors>('zstd');

for (const { frame, content, options, refused } of frames) {
  const claim = refused === undefined ? 'reads' : 'refuses';
  t.test(`${claim} ${frame}, made by the reference tool with ${options}`, async (t) => {
    const plaintext = readFixture(content);
    for (const decoder of zstdDecoders) {
      const got = decompressed(decoder, readFixture(frame), plaintext.byteLength);
      if (refused === undefined) t.ok(got?.equals(plaintext), decoder.name);
      else t.equal(got, undefined, `${decoder.name}: ${refused}`);
    }
  });
}

t.test('the addon is the one in use where it loads, and it is looked for once', async (t) => {
  t.equal(zstdDecoder(), zstdDecoder());
  if (zstdAddon() === undefined) return t.comment('it does not load here');
  t.equal(zstdDecoder()?.name, 'zstd-napi');
  t.equal(zstdCodec(3).name, 'zstd-napi');
});

/** Where a library does not give back what it, or another one, has written of `source`. */
function failures(source: Buffer, levels: readonly number[] = [3]): string[] {
  const failed: string[] = [];
  for (const level of levels) {
    for (const writer of zstdCodecs(level)) {
      const block = compressed(writer, source);
      for (const reader of zstdDecoders) {
        if (decompressed(reader, block, source.byteLength)?.equals(source) === true) continue;
        failed.push(
          `${writer.name}:${level} to ${reader.name}, ${source.byteLength} bytes: ${block.toString('hex', 0, 60)}`,
        );
      }
    }
  }
  return failed;
}

for (const [name, make] of Object.entries(contents)) {
  t.test(`each reads the others at every level: ${name} of every length`, async (t) => {
    const lengths = [2, 3, 255, 256, 257, 1000, 65_535, 65_536, 65_791, 65_792, 131_072, 131_073, 300_000];
    t.same(
      lengths.flatMap((length) => failures(make(length), LEVELS)),
      [],
    );
  });
}

t.test('a chunk longer than the window of 8 MiB is written within it', async (t) => {
  const source = Buffer.concat([
    noise('far', 5000),
    Buffer.alloc(9 << 20, text('far', 1 << 16)),
    noise('far', 5000),
  ]);
  t.same(failures(source, [1, 3, 19]), []);
});

const pieces = fc.array(
  fc.oneof(
    bytes(20),
    fc.tuple(fc.nat({ max: 255 }), fc.nat({ max: 300 })).map(([byte, count]) => Buffer.alloc(count, byte)),
    fc.nat({ max: 300 }).map((length) => text('piece', length)),
  ),
  { minLength: 1, maxLength: 12 },
);
holds(
  'each reads the others: inputs put together of runs, text and noise',
  [pieces, fc.constantFrom(...LEVELS)],
  (parts, level) => failures(Buffer.concat(parts), [level]).length === 0,
  500,
);

for (const codec of zstdCodecs(3)) {
  t.test(`${codec.name} gives 0 when the result does not fit, and touches nothing else`, async (t) => {
    const source = text('fit', 5000);
    const needed = compressed(codec, source).byteLength;
    for (const room of [0, 1, 10, needed - 1]) {
      const { written, isGuardIntact } = guarded(room, (target) => codec.compress(source, target));
      t.same({ written, isGuardIntact }, { written: 0, isGuardIntact: true }, `${room} of ${needed} bytes`);
    }
    // The library wants a few bytes more than it writes.
    const { written, target, isGuardIntact } = guarded(needed + 16, (room) => codec.compress(source, room));
    t.same({ written, isGuardIntact }, { written: needed, isGuardIntact: true }, 'hardly more than enough');
    t.ok(decompressed(codec, target.subarray(0, written), 5000)?.equals(source), 'also after it has failed');
    for (const length of [1, 12, 100, 5000]) {
      const short = Buffer.alloc(length - 1);
      t.equal(codec.compress(noise('short', length), short), 0, `${length} bytes of noise`);
    }
  });

  t.test(`${codec.name} works on shared memory`, async (t) => {
    const source = Buffer.from(new SharedArrayBuffer(100_000)).fill(text('shared', 5000));
    const block = Buffer.from(new SharedArrayBuffer(100_000));
    const length = codec.compress(source, block);
    for (const decoder of zstdDecoders) {
      const target = new Uint8Array(new SharedArrayBuffer(100_000));
      t.equal(decoder.decompress(block.subarray(0, length), target), 100_000, decoder.name);
      t.ok(source.equals(target));
    }
  });

  t.test(`${codec.name} gives less at a higher level`, async (t) => {
    const source = text('levels', 300_000);
    const sizes = LEVELS.map((level) => zstdCodecs(level).find(({ name }) => name === codec.name)).map(
      (at) => at && compressed(at, source).byteLength,
    );
    t.ok(Number(sizes.at(-1)) < 0.95 * Number(sizes[0]), `${sizes}`);
  });
}

/** Reads a body that may be anything; says what went wrong, if anything did. */
function misbehaves(decoder: BlockDecoder, body: Buffer, length: number): string | undefined {
  const { written, isGuardIntact } = guarded(length, (target) => decoder.decompress(body, target));
  if (!isGuardIntact) return `${decoder.name} wrote outside the target: ${body.toString('hex')}`;
  if (written !== -1 && written !== length)
    return `${decoder.name} returned ${written}: ${body.toString('hex')}`;
  return undefined;
}

const damaged = readFixture('zstd/licence-19.zst');
const damagedLength = readFixture('lz4/licence.txt').byteLength;

t.test('every truncation of a frame is refused, and every byte behind it', async (t) => {
  for (const decoder of zstdDecoders) {
    for (let length = 0; length < damaged.byteLength; length++) {
      const cut = damaged.subarray(0, length);
      if (decompressed(decoder, cut, damagedLength) !== undefined) t.fail(`${decoder.name}: ${length} bytes`);
      t.notOk(misbehaves(decoder, Buffer.from(cut), damagedLength));
    }
    for (const more of [
      Buffer.alloc(1),
      damaged,
      zstdFrame({ raw: 0 }),
      Buffer.from('502a4d1800000000', 'hex'),
    ]) {
      t.equal(decompressed(decoder, Buffer.concat([damaged, more]), damagedLength), undefined);
      t.equal(decompressed(decoder, Buffer.concat([more, damaged]), damagedLength), undefined);
    }
  }
});

t.test('no flipped bit of a frame makes a decoder leave its target or give another length', async (t) => {
  const wrong: (string | undefined)[] = [];
  const changed = Buffer.from(damaged);
  for (let bit = 0; bit < damaged.byteLength * 8; bit++) {
    changed[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    for (const decoder of zstdDecoders) wrong.push(misbehaves(decoder, changed, damagedLength));
    changed[bit >> 3] = damaged[bit >> 3] ?? 0;
  }
  t.same(wrong.filter(Boolean), []);
});

holds(
  'noise inside a frame does not either',
  [fc.uint8Array({ minLength: 1, maxLength: 60 }), fc.nat({ max: 200 })],
  (block, raw) => {
    const body = zstdFrame({ raw, blocks: [{ type: 2, bytes: Buffer.from(block) }] });
    return zstdDecoders.every((decoder) => misbehaves(decoder, body, raw) === undefined);
  },
  3000,
);

const letters = Buffer.from('twenty bytes of text');
const stored = { type: 0, bytes: letters };
const framesByHand: Readonly<Record<string, readonly [frame: ZstdFrame, isGood: boolean]>> = {
  'one stored block': [{ raw: 20, blocks: [stored] }, true],
  'two blocks, one of them a run': [
    { raw: 120, blocks: [{ type: 1, bytes: Buffer.from('r'), size: 100 }, stored] },
    true,
  ],
  'a window beside the length': [{ raw: 20, window: 0, blocks: [stored] }, false],
  'a window, and the length in four bytes': [{ raw: 20, window: 0, sizeField: 4, blocks: [stored] }, true],
  'the length in eight bytes': [{ raw: 20, sizeField: 8, blocks: [stored] }, true],
  'a window of 8 MiB': [{ raw: 20, window: 13 << 3, sizeField: 4, blocks: [stored] }, true],
  'a window of 9 MiB': [{ raw: 20, window: (13 << 3) | 1, sizeField: 4, blocks: [stored] }, false],
  'a window of 3.75 TiB': [{ raw: 20, window: 255, sizeField: 4, blocks: [stored] }, false],
  'no length': [{ raw: 20, window: 0, sizeField: 0, blocks: [stored] }, false],
  'a length of one more': [{ raw: 20, says: 21, blocks: [stored] }, false],
  'a length of one less': [{ raw: 20, says: 19, blocks: [stored] }, false],
  'a length of 2^53': [{ raw: 20, says: 2 ** 53, sizeField: 8, blocks: [stored] }, false],
  'content that is one byte short': [{ raw: 21, blocks: [stored] }, false],
  'content that is one byte long': [{ raw: 19, blocks: [stored] }, false],
  'a checksum': [{ raw: 20, flags: 4, blocks: [stored], behind: Buffer.from('8d1d4ad9', 'hex') }, false],
  'a checksum that is not there': [{ raw: 20, flags: 4, blocks: [stored] }, false],
  'the id of a dictionary': [{ raw: 20, flags: 1, dictionary: Buffer.from([7]), blocks: [stored] }, false],
  'the reserved bit': [{ raw: 20, flags: 8, blocks: [stored] }, false],
  'the unused bit': [{ raw: 20, flags: 16, blocks: [stored] }, false],
  'a reserved block': [{ raw: 20, blocks: [{ type: 3, bytes: letters }] }, false],
  'no last block': [{ raw: 20, blocks: [stored], isOpen: true }, false],
  'no block at all': [{ raw: 20, blocks: [] }, false],
  'another magic': [{ raw: 20, magic: '27b52ffd', blocks: [stored] }, false],
  'a byte behind it': [{ raw: 20, blocks: [stored], behind: Buffer.alloc(1) }, false],
};

for (const [name, [frame, isGood]] of Object.entries(framesByHand)) {
  t.test(`${isGood ? 'reads' : 'refuses'} a frame with ${name}`, async (t) => {
    for (const decoder of zstdDecoders) {
      const body = zstdFrame(frame);
      t.equal(decompressed(decoder, body, frame.raw) !== undefined, isGood, decoder.name);
      t.notOk(misbehaves(decoder, body, frame.raw));
    }
  });
}

t.test('a bomb takes no more memory than the object says', async (t) => {
  const megabyte = Array.from({ length: 8 }, () => ({ type: 1, bytes: Buffer.from('b'), size: 131_072 }));
  const gigabyte = Array.from({ length: 1024 }, () => megabyte).flat();
  const bombs = [
    zstdFrame({ raw: 20, blocks: gigabyte }),
    zstdFrame({ raw: 20, window: 13 << 3, sizeField: 4, blocks: gigabyte }),
    zstdFrame({ raw: 20, says: 2 ** 30, sizeField: 4, blocks: gigabyte }),
    zstdFrame({ raw: 20, says: 2 ** 32 - 1, sizeField: 4, blocks: gigabyte }),
  ];
  for (const decoder of zstdDecoders) {
    const before = process.memoryUsage();
    for (const bomb of bombs) {
      t.notOk(misbehaves(decoder, bomb, 20));
      t.equal(decompressed(decoder, bomb, 20), undefined, decoder.name);
    }
    const after = process.memoryUsage();
    const grown = after.external - before.external;
    t.ok(grown < 4 << 20, `${decoder.name} took ${grown} bytes more`);
  }
  const fair = zstdFrame({
    raw: 8 << 20,
    sizeField: 4,
    blocks: Array.from({ length: 8 }, () => megabyte).flat(),
  });
  t.ok(fair.byteLength < 300, 'what is as long as it says comes back, however short it was');
  for (const decoder of zstdDecoders)
    t.ok(decompressed(decoder, fair, 8 << 20)?.equals(Buffer.alloc(8 << 20, 'b')), decoder.name);
});
