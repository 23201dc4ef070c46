// Both LZ4 codecs, held against the reference tool and against each other. Source: src/core/codec-lz4.ts,
// src/core/codec-lz4-portable.ts. Vectors: lz4.json.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import type { BlockCodec } from '../../src/core/codec.js';
import { lz4Addon, lz4Codec } from '../../src/core/codec-lz4.js';
import { lz4Codecs as codecs, compressed, decompressed, guarded } from './codecs.js';
import { literalBlock, matchBlock } from './forge.js';
import { bytes, holds } from './properties.js';
import { contents, noise, text } from './samples.js';
import { blockSequences, frameBlocks } from './twins/lz4.js';
import { readFixture, readVectors } from './vectors.js';

interface Lz4Vectors {
  readonly frames: readonly { frame: string; content: string; sha256: string; options: string }[];
}

const { frames } = readVectors<Lz4Vectors>('lz4');
const pairs = codecs.flatMap((writer) => codecs.map((reader) => [writer, reader] as const));

t.test('the C codec is the one in use where it loads', async (t) => {
  t.equal(lz4Codec().name, (lz4Addon() ?? { name: 'lz4js' }).name);
  t.equal(lz4Codec(), lz4Codec(), 'and it is chosen once');
});

for (const { frame, content, sha256, options } of frames) {
  t.test(`reads the block of ${frame}, made by the reference tool with ${options}`, async (t) => {
    const plaintext = readFixture(content);
    t.equal(
      createHash('sha256').update(plaintext).digest('hex'),
      sha256,
      'the text is the one it was made of',
    );
    const blocks = frameBlocks(readFixture(frame));
    t.equal(blocks.length, 1);
    const [block] = blocks;
    if (block?.isCompressed !== true) {
      t.ok(block?.bytes.equals(plaintext), 'the tool has stored it as it is');
      return;
    }
    for (const codec of codecs) {
      const got = decompressed(codec, block.bytes, plaintext.byteLength);
      t.ok(got?.equals(plaintext), codec.name);
    }
  });
}

t.test('a compressed frame of each kind is among the vectors', async (t) => {
  const all = frames.map(({ frame }) => frameBlocks(readFixture(frame))[0]?.isCompressed);
  t.ok(all.filter((isCompressed) => isCompressed).length >= 7);
  t.ok(all.includes(false), 'and a stored one');
});

/** Where `writer` and `reader` do not give `source` back. */
function failures(sources: Iterable<Buffer>): string[] {
  const failed: string[] = [];
  for (const source of sources) {
    for (const writer of codecs) {
      const block = compressed(writer, source);
      for (const reader of codecs) {
        if (decompressed(reader, block, source.byteLength)?.equals(source) === true) continue;
        failed.push(`${writer.name} to ${reader.name}: ${source.subarray(0, 100).toString('hex')}`);
      }
    }
  }
  return failed;
}

for (const [writer, reader] of pairs) {
  t.test(`${reader.name} reads what ${writer.name} writes, of every kind and length`, async (t) => {
    const lengths = [0, 1, 2, 11, 12, 13, 64, 255, 256, 1000, 4096, 65_535, 65_536, 65_537, 200_000];
    for (const [name, make] of Object.entries(contents)) {
      const wrong = lengths.filter((length) => {
        const source = make(length);
        return decompressed(reader, compressed(writer, source), length)?.equals(source) !== true;
      });
      t.same(wrong, [], name);
    }
  });
}

t.test('each reads the other: every length from 1 to 64 of every kind', async (t) => {
  const lengths = Array.from({ length: 64 }, (_, index) => index + 1);
  t.same(failures(Object.values(contents).flatMap((make) => lengths.map(make))), []);
});

t.test('each reads the other: every string of two symbols of 13 to 15 bytes', async (t) => {
  const all = function* (): Generator<Buffer> {
    for (const length of [13, 14, 15]) {
      const source = Buffer.alloc(length);
      for (let bits = 0; bits < 2 ** (length - 4); bits++) {
        // The first four are alike, so that there is something to match.
        for (let at = 4; at < length; at++) source[at] = 97 + ((bits >> (at - 4)) & 1);
        yield source.fill(97, 0, 4);
      }
    }
  };
  t.same(failures(all()), []);
});

t.test('each reads the other: a match that could start or end at any of the last 24 bytes', async (t) => {
  const all = function* (): Generator<Buffer> {
    for (let tail = 0; tail <= 24; tail++) {
      for (let length = 4; length <= 24; length++) {
        const source = noise(`tail ${tail}`, 80 + length + tail);
        source.copy(source, 80, 10, 10 + length);
        yield source;
      }
    }
  };
  t.same(failures(all()), []);
});

t.test(
  'each reads the other: long matches and long runs of literals at every length near a multiple of 255',
  async (t) => {
    const all = function* (): Generator<Buffer> {
      for (const length of [
        14, 15, 16, 18, 19, 20, 269, 270, 271, 273, 274, 275, 524, 525, 526, 65_534, 65_535, 65_536,
      ]) {
        yield Buffer.concat([noise('a', length), Buffer.alloc(length, 97), noise('b', 20)]);
        yield Buffer.concat([noise('a', length), noise('a', length), noise('b', 20)]);
      }
    };
    t.same(failures(all()), []);
  },
);

holds(
  'each reads the other: thousands of small inputs',
  [bytes(60)],
  (source) => failures([source]).length === 0,
  5000,
);

const pieces = fc.array(
  fc.oneof(
    bytes(20),
    fc.tuple(fc.nat({ max: 255 }), fc.nat({ max: 300 })).map(([byte, count]) => Buffer.alloc(count, byte)),
    fc.nat({ max: 300 }).map((length) => text('piece', length)),
  ),
  { maxLength: 12 },
);
holds(
  'each reads the other: inputs put together of runs, text and noise',
  [pieces],
  (parts) => failures([Buffer.concat(parts)]).length === 0,
  500,
);

for (const codec of codecs) {
  t.test(`${codec.name} keeps to the end of block conditions of the format`, async (t) => {
    for (const [name, make] of Object.entries(contents)) {
      for (const length of [13, 14, 20, 100, 1000, 70_000]) {
        const sequences = blockSequences(compressed(codec, make(length)));
        const last = sequences.at(-1);
        const match = sequences.at(-2);
        if (match === undefined) continue;
        t.ok((last?.literals ?? 0) >= 5, `${name}, ${length}: the last five bytes are literals`);
        const fromEnd = (last?.literals ?? 0) + match.matchLength;
        t.ok(fromEnd >= 12, `${name}, ${length}: the last match starts twelve bytes before the end`);
      }
    }
  });

  t.test(`${codec.name} gives 0 when the result does not fit, and touches nothing else`, async (t) => {
    const source = text('fit', 500);
    const needed = compressed(codec, source).byteLength;
    for (const room of [0, 1, 10, needed - 1]) {
      const { written, isGuardIntact } = guarded(room, (target) => codec.compress(source, target));
      t.same({ written, isGuardIntact }, { written: 0, isGuardIntact: true }, `${room} of ${needed} bytes`);
    }
    const { written, target, isGuardIntact } = guarded(needed, (room) => codec.compress(source, room));
    t.same({ written, isGuardIntact }, { written: needed, isGuardIntact: true }, 'exactly enough');
    t.ok(decompressed(codec, target, 500)?.equals(source));
  });

  t.test(`${codec.name} never makes noise shorter`, async (t) => {
    for (const length of [1, 12, 13, 100, 5000]) {
      const room = Buffer.alloc(length);
      t.equal(codec.compress(noise('short', length), room.subarray(0, length - 1)), 0, `${length} bytes`);
    }
  });

  t.test(`${codec.name} works on shared memory`, async (t) => {
    const source = Buffer.from(new SharedArrayBuffer(1000)).fill('shared ');
    const block = Buffer.from(new SharedArrayBuffer(2000));
    const length = codec.compress(source, block);
    const target = new Uint8Array(new SharedArrayBuffer(1000));
    t.equal(codec.decompress(block.subarray(0, length), target), 1000);
    t.ok(source.equals(target));
  });
}

const source = Buffer.concat([text('fuzz', 60), Buffer.alloc(40, 120), text('fuzz', 60), noise('fuzz', 16)]);
const tail = noise('tail', 12);

/** Reads a block that may be anything; says what went wrong, if anything did. */
function misbehaves(codec: BlockCodec, block: Buffer, length: number): string | undefined {
  const { written, isGuardIntact } = guarded(length, (target) => codec.decompress(block, target));
  if (!isGuardIntact) return `${codec.name} wrote outside the target: ${block.toString('hex')}`;
  if (!Number.isInteger(written) || written < -1 || written > length)
    return `${codec.name} returned ${written}`;
  return undefined;
}

for (const codec of codecs) {
  const block = compressed(codec, source);

  t.test(`${codec.name} refuses every truncation of a block`, async (t) => {
    for (let length = 0; length < block.byteLength; length++) {
      const cut = block.subarray(0, length);
      if (decompressed(codec, cut, source.byteLength) !== undefined) t.fail(`${length} bytes`);
      t.notOk(misbehaves(codec, cut, source.byteLength));
    }
  });

  t.test(`${codec.name} stays inside the target for every value of every byte of a block`, async (t) => {
    const wrong: string[] = [];
    const changed = Buffer.from(block);
    for (let at = 0; at < block.byteLength; at++) {
      for (let value = 0; value < 256; value++) {
        changed[at] = value;
        const complaint = misbehaves(codec, changed, source.byteLength);
        if (complaint !== undefined) wrong.push(complaint);
      }
      changed[at] = block[at] ?? 0;
    }
    t.same(wrong, []);
  });

  t.test(`${codec.name} refuses a block for a target that is too short or too long`, async (t) => {
    for (const length of [0, 1, 12, source.byteLength - 1, source.byteLength + 1, source.byteLength * 2]) {
      t.equal(decompressed(codec, block, length), undefined, `${length} instead of ${source.byteLength}`);
      t.notOk(misbehaves(codec, block, length));
    }
  });

  const malformed: Readonly<Record<string, readonly [Buffer, number]>> = {
    'nothing at all': [Buffer.alloc(0), 1],
    'literals that are not there': [Buffer.from([0x20, 97]), 2],
    'a length that never ends': [Buffer.concat([Buffer.from([0xf0]), Buffer.alloc(500, 255)]), 100_000],
    'an offset cut in two': [Buffer.from([0x10, 97, 1]), 5],
    'a match length that never ends': [Buffer.from([0x1f, 97, 1, 0, 255, 255]), 600],
    'a match from before the start': [matchBlock(Buffer.from('a'), 2, 4, tail), 17],
    'a match from 65,535 before the start': [matchBlock(Buffer.from('a'), 65_535, 4, tail), 17],
    'a match at the very start': [matchBlock(Buffer.alloc(0), 1, 4, tail), 16],
    'a match as the end': [Buffer.from([0x10, 97, 1, 0]), 5],
    'a match that passes the target': [matchBlock(Buffer.from('a'), 1, 18, tail), 30],
    'literals that pass the target': [literalBlock(Buffer.alloc(20)), 19],
    'a byte behind the last literals': [Buffer.concat([literalBlock(tail), Buffer.alloc(1)]), 12],
  };
  t.test(`${codec.name} refuses malformed blocks`, async (t) => {
    for (const [name, [bad, length]] of Object.entries(malformed)) {
      t.equal(decompressed(codec, bad, length), undefined, name);
      t.notOk(misbehaves(codec, bad, length));
    }
  });
}

holds(
  'both refuse noise as a block, or agree on what it is',
  [fc.uint8Array({ maxLength: 40 }), fc.nat({ max: 200 })],
  (block, length) => {
    const bad = Buffer.from(block);
    if (codecs.some((codec) => misbehaves(codec, bad, length) !== undefined)) return false;
    const [first, second] = codecs.map((codec) => decompressed(codec, bad, length));
    return first === undefined || second === undefined || first.equals(second);
  },
  5000,
);

t.test('a zero offset is refused or read as zeros, never as what the target held before', async (t) => {
  for (const codec of codecs) {
    for (const length of [4, 8, 9, 18]) {
      const { written, target } = guarded(length + 13, (room) =>
        codec.decompress(matchBlock(Buffer.from('a'), 0, length, tail), room),
      );
      const isZeros = target.subarray(1, 1 + length).every((byte) => byte === 0);
      t.ok(written === -1 || isZeros, `${codec.name}, a match of ${length}`);
    }
  }
});
