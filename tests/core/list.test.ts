// Lists of any length. Source: src/core/list.ts.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import type { CborValue } from '../../src/core/cbor.js';
import { encodeCbor } from '../../src/core/cbor.js';
import type { PlainId, StoreId } from '../../src/core/ids.js';
import type { ChunkRef, EncodedList, ListChunkVisit } from '../../src/core/list.js';
import { decodeList, decodeRef, encodeList, encodeRef, ListWriter, readList } from '../../src/core/list.js';
import { MAX_INLINE_LIST_BYTES, MAX_LIST_DEPTH } from '../../src/limits.js';
import { byteString, integer, list, textString } from './cbor-bytes.js';
import { holds } from './properties.js';
import { noise } from './samples.js';
import { chunkerKey } from './vault-of-tests.js';

/** A store in memory that names plaintexts by their hash, and knows what was asked of it. */
class MemoryChunks {
  readonly chunks = new Map<StoreId, Buffer>();
  readonly children = new Map<StoreId, readonly StoreId[]>();
  readonly loads: StoreId[] = [];
  stores = 0;

  readonly store = async (
    plaintext: Uint8Array,
    children: readonly StoreId[],
  ): Promise<{ readonly ref: ChunkRef }> => {
    this.stores++;
    const storeId = createHash('sha256').update(plaintext).digest('hex') as StoreId;
    this.chunks.set(storeId, Buffer.from(plaintext));
    this.children.set(storeId, children);
    const rawBytes = plaintext.byteLength;
    return { ref: { storeId, plainId: storeId as string as PlainId, rawBytes } };
  };

  readonly load = async (ref: ChunkRef): Promise<Uint8Array> => {
    this.loads.push(ref.storeId);
    const plaintext = this.chunks.get(ref.storeId);
    if (plaintext?.byteLength !== ref.rawBytes) throw new Error(`no list chunk ${ref.storeId}`);
    return plaintext;
  };
}

async function write(
  chunks: MemoryChunks,
  values: Iterable<CborValue>,
  key = chunkerKey,
): Promise<EncodedList> {
  const writer = new ListWriter(key, chunks.store);
  for (const value of values) await writer.push(value);
  return writer.finish();
}

async function read(chunks: MemoryChunks, encoded: EncodedList): Promise<CborValue[]> {
  const values: CborValue[] = [];
  for await (const value of readList(encoded, chunks.load)) values.push(value);
  return values;
}

/** Items of exactly `bytes` encoded bytes (26 to 65,536), each another. */
function* items(count: number, bytes: number, seed: string | number = 'items'): Generator<Uint8Array> {
  const header = bytes < 258 ? 2 : 3;
  const all = noise(seed, count * 8);
  for (let index = 0; index < count; index++) {
    yield Buffer.alloc(bytes - header, all.subarray(index * 8, index * 8 + 8));
  }
}

const areSame = (a: readonly CborValue[], b: readonly CborValue[]): boolean =>
  Buffer.from(encodeCbor(a)).equals(encodeCbor(b));

const inlineBytes = ({ items }: EncodedList): number =>
  items.reduce<number>((sum, item) => sum + encodeCbor(item).byteLength, 0);

for (const [count, depth] of [
  [0, 0],
  [1, 0],
  [1023, 0],
  [1024, 0],
  [1025, 1],
  [3000, 1],
] as const) {
  t.test(`${count} items of 64 bytes are a list of depth ${depth} that is read back`, async (t) => {
    const chunks = new MemoryChunks();
    const values = [...items(count, 64)];
    t.equal(encodeCbor(values[0] ?? Buffer.alloc(62)).byteLength, 64);
    const encoded = await write(chunks, values);
    t.equal(encoded.depth, depth);
    t.equal(encoded.count, count);
    t.equal(chunks.chunks.size > 0, depth > 0, 'chunks are stored just when the list is deep');
    t.ok(areSame(await read(chunks, encoded), values));
  });
}

t.test('64 KiB of items stand inline, one byte more does not', async (t) => {
  const half = [...items(1, 32_768, 1), ...items(1, 32_768, 2)];
  t.equal((await write(new MemoryChunks(), half)).depth, 0);
  t.equal((await write(new MemoryChunks(), [...half, 0])).depth, 1);
});

t.test('an item as large as the limit is taken, a larger one is refused', async (t) => {
  const chunks = new MemoryChunks();
  const largest = [...items(3, MAX_INLINE_LIST_BYTES)];
  t.ok(areSame(await read(chunks, await write(chunks, largest)), largest));
  const writer = new ListWriter(chunkerKey, chunks.store);
  await t.rejects(writer.push(Buffer.alloc(MAX_INLINE_LIST_BYTES - 2)), { code: 'E_LIST_INVALID' });
});

t.test('90 MB of items are a list of depth 2 whose top stays small', async (t) => {
  const chunks = new MemoryChunks();
  let pushed = 0;
  let held = 0;
  let mostHeld = 0;
  const writer = new ListWriter(chunkerKey, (plaintext, children) => {
    if (plaintext.byteLength > 60_000 * 1.5) t.fail(`a chunk of ${plaintext.byteLength} bytes`);
    held -= plaintext.byteLength;
    return chunks.store(plaintext, children);
  });
  for (const value of items(1500, 60_000)) {
    held += 60_000;
    await writer.push(value);
    pushed++;
    mostHeld = Math.max(mostHeld, held);
  }
  const encoded = await writer.finish();
  t.equal(encoded.depth, 2);
  t.ok(inlineBytes(encoded) <= MAX_INLINE_LIST_BYTES, `${inlineBytes(encoded)} bytes at the top`);
  t.ok(mostHeld <= 5 * 60_000, `at most ${mostHeld} bytes were held`);

  const visits: ListChunkVisit[] = [];
  let index = 0;
  for await (const value of readList(encoded, chunks.load, (visit) => visits.push(visit))) {
    if (index++ % 100 === 0) t.equal((value as Uint8Array).byteLength, 59_997);
  }
  t.equal(index, pushed);
  t.same([...new Set(visits.map(({ depth }) => depth))].sort(), [1, 2]);
  t.equal(visits.length, chunks.stores, 'each list chunk is visited once');
});

t.test('list chunks hold 32 to 128 KiB of whole items, but for the last', async (t) => {
  const chunks = new MemoryChunks();
  await write(chunks, items(4000, 250));
  const sizes = [...chunks.chunks.values()].map(({ byteLength }) => byteLength);
  const last = sizes.pop() ?? 0;
  t.ok(sizes.length > 8, `${sizes.length} chunks`);
  t.ok(sizes.every((size) => size >= 32_768 && size < 131_072 + 250));
  t.ok(sizes.every((size) => size % 250 === 0));
  t.ok(last % 250 === 0 && last > 0);
  const mean = sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
  t.ok(mean > 40_000 && mean < 90_000, `${Math.round(mean)} bytes on average`);
});

for (const [edit, change] of [
  ['an item put in', (values: CborValue[]) => values.splice(1432, 0, 'new')],
  ['an item taken out', (values: CborValue[]) => values.splice(1432, 1)],
  ['an item changed', (values: CborValue[]) => values.splice(1432, 1, 'changed')],
  [
    'a hundred items put in at the front',
    (values: CborValue[]) => values.unshift(...items(100, 250, 'front')),
  ],
] as const) {
  t.test(`after ${edit}, all but a few list chunks are those stored before`, async (t) => {
    const chunks = new MemoryChunks();
    const values: CborValue[] = [...items(4000, 250)];
    await write(chunks, values);
    const before = chunks.chunks.size;
    change(values);
    const encoded = await write(chunks, values);
    const added = chunks.chunks.size - before;
    t.ok(added >= 1 && added <= 5, `${added} new of ${before}`);
    t.same((await read(chunks, encoded)).length, values.length);
  });
}

t.test('what was pushed before does not move later boundaries for good', async (t) => {
  const [long, short] = [new MemoryChunks(), new MemoryChunks()];
  const values = [...items(4000, 250)];
  await write(long, values);
  await write(short, values.slice(1000));
  const shared = [...short.chunks.keys()].filter((id) => long.chunks.has(id));
  t.ok(shared.length >= short.chunks.size - 4, `${shared.length} of ${short.chunks.size}`);
});

t.test('two vaults cut one list in different places', async (t) => {
  const [first, second] = [new MemoryChunks(), new MemoryChunks()];
  await write(first, items(4000, 250));
  await write(second, items(4000, 250), noise('other vault', 32));
  const shared = [...second.chunks.keys()].filter((id) => first.chunks.has(id));
  t.ok(shared.length <= 1, `${shared.length} shared`);
});

t.test('a list chunk is stored with the objects that its items name', async (t) => {
  const chunks = new MemoryChunks();
  const writer = new ListWriter(chunkerKey, chunks.store);
  const refs = Array.from({ length: 2000 }, (_, index): ChunkRef => {
    const storeId = createHash('sha256').update(`${index}`).digest('hex') as StoreId;
    return { storeId, plainId: storeId as string as PlainId, rawBytes: index };
  });
  for (const ref of refs) await writer.push(encodeRef(ref), ref.storeId);
  const encoded = await writer.finish();
  t.equal([...chunks.children.values()].flat().join(), refs.map(({ storeId }) => storeId).join());
  const back: ChunkRef[] = [];
  for await (const item of readList(encoded, chunks.load)) back.push(decodeRef(item));
  t.equal(JSON.stringify(back), JSON.stringify(refs));
});

t.test('reading loads a list chunk only when its items are wanted', async (t) => {
  const chunks = new MemoryChunks();
  const encoded = await write(chunks, items(4000, 250));
  const reader = readList(encoded, chunks.load);
  t.equal(chunks.loads.length, 0);
  for (let index = 0; index < 100; index++) await reader.next();
  t.equal(chunks.loads.length, 1);
  await reader.return(undefined);
  t.equal(chunks.loads.length, 1, 'and no more after an early end');
});

const smallItems: fc.Arbitrary<CborValue> = fc.oneof(
  fc.maxSafeInteger(),
  fc.string({ unit: 'grapheme' }),
  fc.uint8Array({ maxLength: 40 }),
  fc.array(fc.nat(), { maxLength: 5 }),
  fc.constant(null),
);

holds(
  'any items are read back in their order, at depth 0 and 1',
  [fc.array(smallItems, { maxLength: 60 }), fc.constantFrom(1, 40, 400)],
  async (some, times) => {
    const values = Array.from({ length: times }, () => some).flat();
    const chunks = new MemoryChunks();
    const encoded = await write(chunks, values);
    const back = await read(chunks, encoded);
    return encoded.count === values.length && areSame(back, values);
  },
  60,
);

/** A list of one item, wrapped in list chunks up to `depth`. */
async function nested(chunks: MemoryChunks, depth: number): Promise<EncodedList> {
  let inner: CborValue = 'the item';
  for (let level = 0; level < depth; level++)
    inner = encodeRef((await chunks.store(encodeCbor(inner), [])).ref);
  return { depth, count: 1, items: [inner] };
}

for (let depth = 0; depth <= MAX_LIST_DEPTH; depth++) {
  t.test(`a list of depth ${depth} is read`, async (t) => {
    const chunks = new MemoryChunks();
    const encoded = decodeList(encodeList(await nested(chunks, depth)));
    t.same(await read(chunks, encoded), ['the item']);
    t.equal(chunks.loads.length, depth);
  });
}

t.test('a list of depth 6 is refused before anything is loaded', async (t) => {
  const chunks = new MemoryChunks();
  const tooDeep = encodeList(await nested(chunks, MAX_LIST_DEPTH + 1));
  t.throws(() => decodeList(tooDeep), { name: 'DisktroError', code: 'E_LIST_INVALID' });
});

t.test('a list that has more or fewer items than it counts is refused at its end', async (t) => {
  const chunks = new MemoryChunks();
  const encoded = await write(chunks, items(2000, 64));
  for (const count of [0, 1999, 2001, 2 ** 52]) {
    await t.rejects(read(chunks, { ...encoded, count }), { code: 'E_LIST_INVALID' }, `${count}`);
  }
});

t.test('a list that would expand to billions of items is refused at the first too many', async (t) => {
  const chunks = new MemoryChunks();
  let ref = (await chunks.store(Buffer.alloc(1000), [])).ref;
  for (let depth = 1; depth < MAX_LIST_DEPTH; depth++) {
    ref = (await chunks.store(Buffer.concat(Array(900).fill(encodeCbor(encodeRef(ref)))), [])).ref;
  }
  const bomb = { depth: MAX_LIST_DEPTH, count: 1500, items: [encodeRef(ref)] };
  await t.rejects(read(chunks, bomb), { name: 'DisktroError', code: 'E_LIST_INVALID' });
  t.equal(chunks.loads.length, MAX_LIST_DEPTH + 1, 'two chunks of items were enough to tell');
});

t.test('a list chunk of nothing is refused: many of them would take long to hold no item', async (t) => {
  const chunks = new MemoryChunks();
  const ref = (await chunks.store(Buffer.alloc(0), [])).ref;
  const encoded = { depth: 1, count: 0, items: [encodeRef(ref), encodeRef(ref)] };
  await t.rejects(read(chunks, encoded), { name: 'DisktroError', code: 'E_LIST_INVALID' });
  t.equal(chunks.loads.length, 1);
});

t.test('a list chunk that is no sequence of items is refused', async (t) => {
  const bad: Readonly<Record<string, [Buffer, string]>> = {
    'half an item': [
      Buffer.concat([integer(1), byteString(noise('half', 40)).subarray(0, 20)]),
      'E_CBOR_INVALID',
    ],
    noise: [Buffer.alloc(20, 0xff), 'E_CBOR_INVALID'],
    'items where references belong': [textString('no reference'), 'E_LIST_INVALID'],
    'a reference of two parts where one of three belongs': [list(integer(1), integer(2)), 'E_LIST_INVALID'],
  };
  for (const [name, [plaintext, code]] of Object.entries(bad)) {
    const chunks = new MemoryChunks();
    const ref = (await chunks.store(plaintext, [])).ref;
    const encoded = { depth: 2, count: 1, items: [encodeRef(ref)] };
    await t.rejects(read(chunks, encoded), { name: 'DisktroError', code }, name);
  }
});

t.test('an error of the store leaves the writer, and one of loading the reader', async (t) => {
  const writer = new ListWriter(chunkerKey, () => Promise.reject(new Error('disk on fire')));
  const push = async (): Promise<void> => {
    for (const value of items(3000, 64)) await writer.push(value);
  };
  await t.rejects(push(), { message: 'disk on fire' });
  const encoded = await write(new MemoryChunks(), items(3000, 64));
  await t.rejects(read(new MemoryChunks(), encoded), { message: /^no list chunk/ });
});
