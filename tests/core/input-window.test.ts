// Cutting a source of any size in bounded memory. Source: src/core/input-window.ts.
import { readFileSync } from 'node:fs';
import { setImmediate, setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import t from 'tap';
import type { Cutter } from '../../src/core/cutter.js';
import { chunkSizes, contentCutter, fixedCutter, INPUT_BASE } from '../../src/core/cutter.js';
import { gearTable } from '../../src/core/gear.js';
import type { ByteSource, Piece } from '../../src/core/input-window.js';
import { cutPieces, windowBytes, windowMemory } from '../../src/core/input-window.js';
import { holds } from './properties.js';
import { contents, noise, periodic, text } from './samples.js';
import { chunkLengths } from './twins/cutter.js';
import { chunkerKey } from './vault-of-tests.js';

const code = Uint8Array.from(readFileSync(new URL('../../src/core/cutter.wasm', import.meta.url)));
const gear = gearTable(chunkerKey);
const sizes = chunkSizes(4096);

interface TestSource extends ByteSource {
  reads: number;
  ends: number;
}

/** Gives `content` in slices of the lengths that `slice` says, after that many turns of the event loop. */
function source(content: Buffer, slice: () => number, delay: () => number = () => 0): TestSource {
  let at = 0;
  return {
    reads: 0,
    ends: 0,
    async read(target) {
      this.reads++;
      await turns(delay());
      const length = Math.min(Math.max(1, slice()), target.byteLength, content.byteLength - at);
      target.set(content.subarray(at, at + length));
      at += length;
      if (length === 0) this.ends++;
      return length;
    },
  };
}

const turns = async (count: number): Promise<undefined> => {
  for (let turn = 0; turn < count; turn++) await setImmediate();
};

const wholeSlices = (): number => Number.MAX_SAFE_INTEGER;

interface Run {
  readonly content?: Buffer;
  readonly slice?: () => number;
  /** Turns of the event loop that a read takes. */
  readonly delay?: () => number;
  /** Turns of the event loop for which a piece is held. */
  readonly hold?: () => number;
  readonly capacity?: number;
  readonly cutter?: (memory: WebAssembly.Memory) => Cutter;
}

const content = noise('window', 300_000);
const contentCut = (memory: WebAssembly.Memory): Cutter => contentCutter(code, memory, gear, sizes);

/** Lengths of the pieces; throws when their bytes are not those of the input at the time they are given back. */
async function pieces(run: Run = {}): Promise<number[]> {
  const { content: input = content, hold = () => 0, slice = wholeSlices } = run;
  const memory = windowMemory(run.capacity ?? windowBytes(sizes.max));
  const lengths: number[] = [];
  const givenBack: Promise<void>[] = [];
  const giveBack = async (piece: Piece, at: number): Promise<void> => {
    await turns(hold());
    const isRight = input.subarray(at, at + piece.bytes.byteLength).equals(piece.bytes);
    piece.release();
    if (!isRight) throw new Error(`wrong bytes at ${at}`);
  };
  let at = 0;
  const cutter = (run.cutter ?? contentCut)(memory);
  for await (const piece of cutPieces(source(input, slice, run.delay), cutter, memory)) {
    lengths.push(piece.bytes.byteLength);
    givenBack.push(giveBack(piece, at));
    at += piece.bytes.byteLength;
  }
  await Promise.all(givenBack);
  if (at !== input.byteLength) throw new Error(`${at} bytes came out of ${input.byteLength}`);
  return lengths;
}

const wanted = chunkLengths(gear, sizes, content);

t.test('pieces are the chunks of the slow cutter', async (t) => {
  t.same(await pieces(), wanted);
});

t.test(
  'pieces of every kind of content are those of the slow cutter, at sizes near the bounds',
  async (t) => {
    const { min, average, max } = sizes;
    for (const [name, make] of Object.entries(contents)) {
      for (const size of [0, 1, min, average, max, 65_536, 4 * max, 150_000].flatMap((n) => [
        n - 1,
        n,
        n + 1,
      ])) {
        if (size < 0) continue;
        const input = make(size);
        const found = await pieces({ content: input });
        const expected = chunkLengths(gear, sizes, input);
        if (found.join() !== expected.join())
          t.fail(`${name}, ${size} bytes: ${found}, expected ${expected}`);
      }
      t.pass(name);
    }
  },
);

holds(
  'pieces do not depend on how the source is sliced',
  [fc.infiniteStream(fc.oneof(fc.nat({ max: 10 }), fc.nat({ max: 5000 }), fc.nat({ max: 70_000 })))],
  async (slices) => (await pieces({ slice: () => slices.next().value })).join() === wanted.join(),
  15,
);

t.test('pieces are the same when the source gives byte after byte', async (t) => {
  const input = content.subarray(0, 40_000);
  t.same(await pieces({ content: input, slice: () => 1 }), chunkLengths(gear, sizes, input));
});

holds(
  'pieces do not depend on the order in which earlier ones are given back, nor on delays, even in a tiny window',
  [
    fc.infiniteStream(fc.nat({ max: 20_000 })),
    fc.infiniteStream(fc.nat({ max: 2 })),
    fc.infiniteStream(fc.oneof(fc.nat({ max: 5 }), fc.nat({ max: 40 }))),
    fc.constantFrom(1, 2, 4),
  ],
  async (slices, delays, holds, windows) => {
    const lengths = await pieces({
      slice: () => slices.next().value,
      delay: () => delays.next().value,
      hold: () => holds.next().value,
      capacity: windows * 65_536,
    });
    return lengths.join() === wanted.join();
  },
  60,
);

holds(
  'text and repetitions are cut alike however they arrive',
  [
    fc.constantFrom(text('slices', 200_000), periodic('slices', 200_000, 5000), Buffer.alloc(200_000)),
    fc.infiniteStream(fc.nat({ max: 9000 })),
  ],
  async (input, slices) => {
    const lengths = await pieces({ content: input, slice: () => slices.next().value });
    return lengths.join() === chunkLengths(gear, sizes, input).join();
  },
  20,
);

t.test('a fixed cutter gives exact multiples however the source is sliced', async (t) => {
  const cutter = (): Cutter => fixedCutter(sizes);
  for (const slice of [wholeSlices, () => 1000, () => 4096, () => 4097]) {
    const lengths = await pieces({ cutter, slice, capacity: 65_536 });
    t.same(lengths, [...Array(73).fill(4096), 300_000 - 73 * 4096]);
  }
});

t.test('the bytes of a piece stay as they are until it is given back', async (t) => {
  const memory = windowMemory(65_536);
  const reader = cutPieces(
    source(content, () => 7000),
    contentCut(memory),
    memory,
  );
  const first = (await reader.next()).value as Piece;
  const copy = Buffer.from(first.bytes);
  const rest: Piece[] = [];
  const takeAll = (async () => {
    for (let next = await reader.next(); !next.done; next = await reader.next()) {
      rest.push(next.value);
      next.value.release();
    }
  })();
  await setTimeout(20);
  t.ok(copy.equals(first.bytes), 'while the rest moves on around it');
  const got = rest.reduce((sum, { bytes }) => sum + bytes.byteLength, first.bytes.byteLength);
  t.ok(got < content.byteLength, 'the window waits for it at last');
  first.release();
  await takeAll;
  t.equal(
    rest.reduce((sum, { bytes }) => sum + bytes.byteLength, copy.byteLength),
    content.byteLength,
  );
});

t.test('a source is not read further while every byte of the window is held', async (t) => {
  const memory = windowMemory(65_536);
  const input = source(content, wholeSlices);
  const reader = cutPieces(input, contentCut(memory), memory);
  const held: Piece[] = [];
  let isWaiting = false;
  let waiting = reader.next();
  while (!isWaiting) {
    const next = await Promise.race([waiting, turns(50)]);
    isWaiting = next === undefined;
    if (next?.value) {
      held.push(next.value);
      waiting = reader.next();
    }
  }
  const heldBytes = held.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
  t.ok(heldBytes <= memory.buffer.byteLength - INPUT_BASE, `${heldBytes} bytes are held`);
  t.ok(heldBytes > 65_536 - sizes.max, 'all but the beginning of a chunk is handed out');
  const reads = input.reads;
  await turns(50);
  t.equal(input.reads, reads);
  for (const piece of held) piece.release();
  t.ok((await waiting).value, 'and goes on when they are given back');
  await reader.return(undefined);
});

t.test('the source is read ahead while a piece is being worked on', async (t) => {
  const memory = windowMemory(1 << 20);
  const input = source(content, () => 20_000);
  const reader = cutPieces(input, contentCut(memory), memory);
  await reader.next();
  const reads = input.reads;
  await reader.next();
  t.ok(input.reads >= reads, 'a read is under way');
  await reader.return(undefined);
});

t.test('an empty source gives no piece', async (t) => {
  t.same(await pieces({ content: Buffer.alloc(0) }), []);
});

t.test('a source is not asked again after its end', async (t) => {
  const memory = windowMemory(65_536);
  const input = source(content.subarray(0, 50_000), () => 1234);
  for await (const piece of cutPieces(input, contentCut(memory), memory)) piece.release();
  t.equal(input.ends, 1);
});

t.test('an error of the source leaves after the pieces before it', async (t) => {
  const memory = windowMemory(65_536);
  const good = source(content.subarray(0, 40_000), () => 10_000);
  const failing: ByteSource = {
    async read(target) {
      const count = await good.read(target);
      if (count === 0) throw new Error('the disk is gone');
      return count;
    },
  };
  let bytes = 0;
  const run = async (): Promise<void> => {
    for await (const piece of cutPieces(failing, contentCut(memory), memory)) {
      bytes += piece.bytes.byteLength;
      piece.release();
    }
  };
  await t.rejects(run(), { message: 'the disk is gone' });
  t.ok(bytes >= 40_000 - sizes.max, `${bytes} bytes came before it`);
});

t.test('an abort ends it, also while a read or a release is waited for', async (t) => {
  const never: ByteSource = { read: () => new Promise(() => {}) };
  const aborted = AbortSignal.abort();
  const reading = new AbortController();
  const releasing = new AbortController();
  const memory = (): WebAssembly.Memory => windowMemory(65_536);
  const first = memory();
  await t.rejects(cutPieces(never, contentCut(first), first, aborted).next(), { code: 'E_ABORTED' });
  const second = memory();
  const read = cutPieces(never, contentCut(second), second, reading.signal).next();
  setTimeout(5).then(() => reading.abort());
  await t.rejects(read, { code: 'E_ABORTED' }, 'while a read is waited for');
  const third = memory();
  const hoard = async (): Promise<void> => {
    // Nothing is ever given back, so the window runs full.
    for await (const _ of cutPieces(
      source(content, wholeSlices),
      contentCut(third),
      third,
      releasing.signal,
    )) {
    }
  };
  setTimeout(50).then(() => releasing.abort());
  await t.rejects(hoard(), { code: 'E_ABORTED' }, 'while a release is waited for');
});

interface ClosingSource extends ByteSource {
  closed: number;
}

t.test('a source is closed once, however the reading ends', async (t) => {
  const closing = (bytes: Buffer): ClosingSource => ({
    ...source(bytes, () => 7000),
    closed: 0,
    async close() {
      this.closed++;
    },
  });
  const run = async (input: ByteSource, pieces: number, signal?: AbortSignal): Promise<void> => {
    const memory = windowMemory(65_536);
    let count = 0;
    for await (const piece of cutPieces(input, contentCut(memory), memory, signal)) {
      piece.release();
      if (++count === pieces) break;
    }
  };
  const toEnd = closing(content);
  await run(toEnd, Number.POSITIVE_INFINITY);
  t.equal(toEnd.closed, 1, 'at the end');
  const early = closing(content);
  await run(early, 3);
  t.equal(early.closed, 1, 'after an early return');
  const empty = closing(Buffer.alloc(0));
  await run(empty, 1);
  t.equal(empty.closed, 1, 'when there was nothing');
  const aborted = closing(content);
  await t.rejects(run(aborted, 1, AbortSignal.abort()), { code: 'E_ABORTED' });
  t.equal(aborted.closed, 1, 'after an abort');
  const failing = { ...closing(content), read: () => Promise.reject(new Error('the disk is gone')) };
  await t.rejects(run(failing, 1), { message: 'the disk is gone' });
  t.equal(failing.closed, 1, 'after a failure');
});

t.test('a window is four of the largest chunks in whole pages behind the gear table', async (t) => {
  t.equal(windowBytes(4 << 20), 16 << 20);
  t.equal(windowMemory(1).buffer.byteLength, INPUT_BASE + 65_536);
  t.equal(windowMemory(65_536).buffer.byteLength, INPUT_BASE + 65_536);
  t.equal(windowMemory(65_537).buffer.byteLength, INPUT_BASE + 131_072);
  t.ok(windowMemory(1).buffer instanceof SharedArrayBuffer);
});
