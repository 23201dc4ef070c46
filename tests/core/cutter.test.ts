// Where chunks end: the WebAssembly cutter against its slow twin, and the laws of FORMAT.md. Source: src/core/cutter.ts,
// src/core/cutter.wat.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import t from 'tap';
import type { ChunkSizes, Cutter } from '../../src/core/cutter.js';
import { chunkSizes, contentCutter, fixedCutter, INPUT_BASE, thresholds } from '../../src/core/cutter.js';
import { gearTable } from '../../src/core/gear.js';
import { windowMemory } from '../../src/core/input-window.js';
import { bytes, holds } from './properties.js';
import { contents, noise, text } from './samples.js';
import { chunkLengths } from './twins/cutter.js';
import { chunkerKey } from './vault-of-tests.js';

const code = Uint8Array.from(readFileSync(new URL('../../src/core/cutter.wasm', import.meta.url)));
const memory = windowMemory(4 << 20);
const gear = gearTable(chunkerKey);
const input = Buffer.from(memory.buffer, INPUT_BASE);
const cutters = new Map<number, Cutter>();

/** Lengths of the chunks that the fast cutter makes. */
function fastLengths(average: number, content: Uint8Array, table = gear): number[] {
  const cutter = contentCutter(code, memory, table, chunkSizes(average));
  cutters.set(average, cutter);
  return cutAll(cutter, content);
}

function cutAll(cutter: Cutter, content: Uint8Array): number[] {
  input.set(content);
  const end = INPUT_BASE + content.byteLength;
  const lengths: number[] = [];
  for (let start = INPUT_BASE; start < end; ) {
    const next = cutter.cut(start, end);
    lengths.push(next - start);
    start = next;
  }
  return lengths;
}

const slowLengths = (average: number, content: Uint8Array): number[] =>
  chunkLengths(gear, chunkSizes(average), content);

const sum = (lengths: readonly number[]): number => lengths.reduce((all, length) => all + length, 0);

/** Whether every chunk but the last lies in [min, max], and the last is not longer. */
const areWithin = (lengths: readonly number[], { min, max }: ChunkSizes): boolean =>
  lengths.every(
    (length, index) => length <= max && (length >= min || index === lengths.length - 1) && length > 0,
  );

t.test('sizes are half the average, the average and four times the average', async (t) => {
  t.same(chunkSizes(1 << 20), { min: 1 << 19, average: 1 << 20, max: 1 << 22 });
});

t.test('thresholds are one bit stricter before the average and three bits looser behind it', async (t) => {
  for (let bits = 16; bits <= 24; bits++) {
    t.same(thresholds(2 ** bits), { tight: 2 ** (31 - bits), loose: 2 ** (35 - bits) }, `2^${bits}`);
  }
});

for (const average of [64, 1024, 4096]) {
  const { min, max } = chunkSizes(average);
  for (const [name, make] of Object.entries(contents)) {
    t.test(
      `fast and slow cutter agree on ${name} at every size near min, average and max, average ${average}`,
      async (t) => {
        const sizes = [0, 1, min, average, max, max + min, 2 * max, 3 * max, 20 * average].flatMap((size) => [
          size - 1,
          size,
          size + 1,
        ]);
        for (const size of new Set(sizes.filter((size) => size >= 0))) {
          const content = make(size);
          const fast = fastLengths(average, content);
          t.same(fast, slowLengths(average, content), `${size} bytes`);
          if (!areWithin(fast, chunkSizes(average)) || sum(fast) !== size) t.fail(`${size} bytes: ${fast}`);
        }
      },
    );
  }
}

t.test('fast and slow cutter agree at the smallest average of a vault, 64 KiB', async (t) => {
  for (const make of [
    (n: number) => noise('64k', n),
    (n: number) => text('64k', n),
    (n: number) => Buffer.alloc(n),
  ]) {
    const content = make(1_500_000);
    t.same(fastLengths(65_536, content), slowLengths(65_536, content));
  }
});

holds(
  'fast and slow cutter agree on anything',
  [bytes(2000), fc.constantFrom(16, 32, 64, 256)],
  (content, average) => {
    const fast = fastLengths(average, content);
    return (
      JSON.stringify(fast) === JSON.stringify(slowLengths(average, content)) &&
      areWithin(fast, chunkSizes(average)) &&
      sum(fast) === content.byteLength
    );
  },
  1000,
);

t.test('a cutter works at any address of its memory', async (t) => {
  const content = noise('address', 50_000);
  const cutter = contentCutter(code, memory, gear, chunkSizes(1024));
  const wanted = cutAll(cutter, content);
  for (const offset of [1, 63, 4096, 1_000_003]) {
    input.set(content, offset);
    const lengths: number[] = [];
    const end = INPUT_BASE + offset + content.byteLength;
    for (let start = INPUT_BASE + offset; start < end; start += lengths.at(-1) ?? 0) {
      lengths.push(cutter.cut(start, end) - start);
    }
    t.same(lengths, wanted, `at ${offset}`);
  }
});

t.test('a cut depends on nothing behind the longest chunk', async (t) => {
  const cutter = contentCutter(code, memory, gear, chunkSizes(1024));
  const content = noise('behind', 9000);
  input.set(content);
  const first = cutter.cut(INPUT_BASE, INPUT_BASE + 4096);
  t.equal(cutter.cut(INPUT_BASE, INPUT_BASE + 9000), first);
  input.fill(0, 4096, 9000);
  t.equal(cutter.cut(INPUT_BASE, INPUT_BASE + 9000), first);
});

t.test('chunks of noise are about as long as the average says', async (t) => {
  const lengths = fastLengths(1024, noise('mean', 4_000_000));
  const mean = 4_000_000 / lengths.length;
  t.ok(mean > 0.8 * 1024 && mean < 1.5 * 1024, `${mean} on average`);
  const short = lengths.filter((length) => length === chunkSizes(1024).max).length;
  t.ok(short < lengths.length / 100, 'next to none is cut off at the maximum');
});

t.test('two vaults cut one input in different places', async (t) => {
  const content = noise('two vaults', 1_000_000);
  const ends = (table: Uint32Array): Set<number> => {
    let at = 0;
    return new Set(
      fastLengths(1024, content, table).map((length) => {
        at += length;
        return at;
      }),
    );
  };
  const [first, second] = [ends(gear), ends(gearTable(noise('another', 32)))];
  const shared = [...first].filter((end) => second.has(end)).length;
  t.ok(shared < first.size / 50, `${shared} of ${first.size} ends are shared`);
});

/** Chunks of `content` as strings, to compare as sets. */
function chunksOf(content: Buffer, lengths: readonly number[]): string[] {
  let at = 0;
  return lengths.map((length) => {
    at += length;
    return content.subarray(at - length, at).toString('latin1');
  });
}

const edits = fc.oneof(
  fc.record({ kind: fc.constant('insert'), bytes: bytes(300) }),
  fc.record({ kind: fc.constant('delete'), bytes: bytes(300) }),
  fc.record({ kind: fc.constant('overwrite'), bytes: bytes(300) }),
);
const original = noise('edits', 300_000);
const originalChunks = chunksOf(original, fastLengths(1024, original));

holds(
  'an edit anywhere changes only the chunks around it',
  [edits, fc.nat({ max: original.byteLength - 300 })],
  ({ kind, bytes: change }, at) => {
    const removed = kind === 'insert' ? 0 : change.byteLength;
    const added = kind === 'delete' ? Buffer.alloc(0) : change;
    const edited = Buffer.concat([original.subarray(0, at), added, original.subarray(at + removed)]);
    const after = chunksOf(edited, fastLengths(1024, edited));
    const before = new Set(originalChunks);
    const isNew = after.map((chunk) => !before.has(chunk));
    const [first, last] = [isNew.indexOf(true), isNew.lastIndexOf(true)];
    // Noise falls back into step within a few chunks; thirty of some two hundred and fifty leave room for bad luck.
    return first === -1 || last - first < 30;
  },
  200,
);

t.test('a fixed cutter cuts at exact multiples', async (t) => {
  const cutter = fixedCutter(chunkSizes(1024));
  t.same(cutter.sizes, { min: 1024, average: 1024, max: 1024 });
  for (const [size, wanted] of [
    [0, []],
    [1, [1]],
    [1023, [1023]],
    [1024, [1024]],
    [1025, [1024, 1]],
    [4096, [1024, 1024, 1024, 1024]],
  ] as const) {
    t.same(cutAll(cutter, noise('fixed', size)), wanted, `${size} bytes`);
  }
});
