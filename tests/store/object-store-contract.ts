// What every object store does, whatever it is made of. Sources: src/store/object-store.ts.
// A store's own test file calls this with a way to open an empty one.
import type { Test } from 'tap';
import t from 'tap';
import { sha256Hex } from '../../src/core/hashes.js';
import type { StoreId } from '../../src/core/ids.js';
import type { ObjectStore } from '../../src/store/object-store.js';
import { DEFAULT_PAGE } from '../../src/store/object-store.js';
import { sampleBytes } from '../ops/sample-bytes.js';

export interface SampleObject {
  readonly id: StoreId;
  readonly bytes: Buffer;
}

/** An object as a store sees it: some bytes under their SHA-256. */
export function sampleObject(seed: number | string, length = 100): SampleObject {
  const bytes = sampleBytes(seed, length);
  return { id: sha256Hex(bytes) as StoreId, bytes };
}

const byId = (a: SampleObject, b: SampleObject): number => (a.id < b.id ? -1 : 1);

/**
 * Runs the whole suite. `open` gives an empty store that goes with the test; `except` names the claims that are not
 * made for this store, with the reason.
 */
export function testObjectStore(
  name: string,
  open: (test: Test) => Promise<ObjectStore>,
  except: Readonly<Record<string, string>> = {},
): void {
  const unused = new Set(Object.keys(except));
  const claim = (title: string, work: (t: Test, store: ObjectStore) => Promise<void>): void => {
    if (!unused.delete(title)) t.test(`${name} ${title}`, async (t) => work(t, await open(t)));
  };
  testWriting(claim);
  testReading(claim);
  testListing(claim);
  testBatches(claim);
  t.same([...unused], [], 'every exception names a claim of the suite');
}

type Claim = (title: string, work: (t: Test, store: ObjectStore) => Promise<void>) => void;

function testWriting(claim: Claim): void {
  claim('gives back what was put, and says whether it was new', async (t, store) => {
    for (const length of [0, 1, 4095, 4096, 4097, 1_000_003]) {
      const { id, bytes } = sampleObject(`put ${length}`, length);
      t.equal(await store.put('chunk', id, bytes), true, `${length} bytes: new`);
      t.equal(await store.put('chunk', id, bytes), false, `${length} bytes: known`);
      t.ok((await store.get('chunk', id)).equals(bytes), `${length} bytes come back`);
    }
  });

  claim('agrees when several writers put one object at once', async (t, store) => {
    const objects = Array.from({ length: 4 }, (_, seed) => sampleObject(`race ${seed}`, 50_000));
    const writers = objects.flatMap((object) => Array.from({ length: 5 }, () => object));
    await Promise.all(writers.map(({ id, bytes }) => store.put('chunk', id, bytes)));
    t.match(await store.usage(), { objects: 4, bytes: 200_000 }, 'each is there once');
    for (const { id, bytes } of objects) {
      t.ok((await store.get('chunk', id)).equals(bytes), 'and whole');
      t.equal(await store.put('chunk', id, bytes), false, 'who comes later hears that it is known');
    }
  });

  claim('keeps chunks and manifests apart', async (t, store) => {
    const { id, bytes } = sampleObject('kinds');
    await store.put('manifest', id, bytes);
    await t.rejects(store.get('chunk', id), { code: 'E_OBJECT_MISSING' });
    t.same(await store.sizes('chunk', [id]), [undefined]);
    t.same(await store.list('chunk'), []);
    t.equal(await store.delete('chunk', [id]), 0);
    t.ok((await store.get('manifest', id)).equals(bytes));
  });

  claim('keeps its own copy of what was put', async (t, store) => {
    const { id, bytes } = sampleObject('own copy');
    const buffer = Buffer.from(bytes);
    await store.put('chunk', id, buffer);
    buffer.fill(0);
    const got = await store.get('chunk', id);
    t.ok(got.equals(bytes), 'after the caller reused its buffer');
    got.fill(0);
    t.ok((await store.get('chunk', id)).equals(bytes), 'after the reader wrote over what it got');
  });

  claim('deletes exactly what it is told and counts what was there', async (t, store) => {
    const objects = [1, 2, 3, 4].map((seed) => sampleObject(`delete ${seed}`));
    for (const { id, bytes } of objects) await store.put('chunk', id, bytes);
    const [first, second, third, fourth] = objects.map(({ id }) => id) as [
      StoreId,
      StoreId,
      StoreId,
      StoreId,
    ];
    t.equal(await store.delete('chunk', []), 0);
    t.equal(await store.delete('chunk', [second, sampleObject('none').id, fourth, second]), 2);
    t.same(await store.sizes('chunk', [first, second, third, fourth]), [100, undefined, 100, undefined]);
    await t.rejects(store.get('chunk', second), { code: 'E_OBJECT_MISSING' });
    t.equal(await store.delete('chunk', [second]), 0, 'a second time there is nothing');
    t.equal(
      await store.put('chunk', second, sampleObject('delete 2').bytes),
      true,
      'and it can be put again',
    );
  });

  claim('counts objects and bytes of both kinds', async (t, store) => {
    t.match(await store.usage(), { objects: 0, bytes: 0 });
    const objects = [10, 200, 3000].map((length) => sampleObject(`usage ${length}`, length));
    for (const { id, bytes } of objects) await store.put('chunk', id, bytes);
    const manifest = sampleObject('usage manifest', 40_000);
    await store.put('manifest', manifest.id, manifest.bytes);
    const usage = await store.usage();
    t.match(usage, { objects: 4, bytes: 43_210 });
    t.ok(usage.freeBytes === undefined || usage.freeBytes > 0, 'room left, where the store can tell');
    await store.delete('manifest', [manifest.id]);
    t.match(await store.usage(), { objects: 3, bytes: 3210 });
  });
}

function testReading(claim: Claim): void {
  claim('reads into a buffer that is long enough and refuses one that is not', async (t, store) => {
    const { id, bytes } = sampleObject('read', 5000);
    await store.put('chunk', id, bytes);
    for (const room of [5000, 5001, 9000]) {
      const target = Buffer.alloc(room, 0xee);
      t.equal(await store.read('chunk', id, target), 5000, `room for ${room}`);
      t.ok(target.subarray(0, 5000).equals(bytes));
      t.ok(
        target.subarray(5000).every((byte) => byte === 0xee),
        'nothing behind it is touched',
      );
    }
    for (const room of [0, 1, 4999]) {
      await t.rejects(
        store.read('chunk', id, Buffer.alloc(room)),
        { code: 'E_OBJECT_LENGTH' },
        `room for ${room}`,
      );
    }
  });

  claim('gives ranges, shorter where the object ends', async (t, store) => {
    const { id, bytes } = sampleObject('ranges', 1000);
    await store.put('chunk', id, bytes);
    const table = [
      [0, 0],
      [0, 1],
      [0, 1000],
      [0, 1001],
      [1, 998],
      [1, 999],
      [1, 1000],
      [999, 1],
      [999, 2],
      [1000, 1],
      [1001, 1],
      [5000, 5000],
    ] as const;
    for (const [offset, length] of table) {
      const got = await store.get('chunk', id, { offset, length });
      t.ok(got.equals(bytes.subarray(offset, offset + length)), `${length} from ${offset}`);
    }
  });

  claim('says E_OBJECT_MISSING, with the id, for what is not there', async (t, store) => {
    const { id } = sampleObject('missing');
    const missing = { code: 'E_OBJECT_MISSING', details: { id } };
    await t.rejects(store.get('chunk', id), missing);
    await t.rejects(store.get('manifest', id, { offset: 5, length: 5 }), missing);
    await t.rejects(store.read('chunk', id, Buffer.alloc(10)), missing);
  });

  claim('tells the sizes of many ids, near each other and far apart', async (t, store) => {
    const objects = Array.from({ length: 300 }, (_, seed) => sampleObject(`many ${seed}`, 10 + seed));
    const batch = store.batch();
    for (const { id, bytes } of objects.slice(0, 200)) await batch.write('chunk', id, bytes);
    await batch.commit();
    const ids = objects.map(({ id }) => id);
    const expected = objects.map(({ bytes }, seed) => (seed < 200 ? bytes.byteLength : undefined));
    t.same(await store.sizes('chunk', ids), expected, 'all');
    const some = [0, 7, 50, 199, 200, 299].map((seed) => ids[seed] as StoreId);
    t.same(await store.sizes('chunk', some), [10, 17, 60, 209, undefined, undefined], 'a few');
  });

  claim('tells sizes in the order asked', async (t, store) => {
    const [a, b, none] = [sampleObject('a', 11), sampleObject('b', 22), sampleObject('none')];
    for (const { id, bytes } of [a, b]) await store.put('chunk', id, bytes);
    t.same(await store.sizes('chunk', []), []);
    t.same(await store.sizes('chunk', [b.id, none.id, a.id, b.id]), [22, undefined, 11, 22]);
  });
}

function testListing(claim: Claim): void {
  claim('lists ids in ascending order, page by page, each once', async (t, store) => {
    const objects = Array.from({ length: 60 }, (_, seed) => sampleObject(`list ${seed}`, 20 + seed)).sort(
      byId,
    );
    for (const { id, bytes } of objects) await store.put('chunk', id, bytes);
    const expected = objects.map(({ id, bytes }) => ({ id, bytes: bytes.byteLength }));
    t.same(await store.list('chunk'), expected);
    for (const limit of [1, 7, 59, 60, 61]) {
      const seen: unknown[] = [];
      let after: StoreId | undefined;
      for (;;) {
        const page = await store.list('chunk', after === undefined ? { limit } : { limit, after });
        t.ok(page.length <= limit, `at most ${limit}`);
        seen.push(...page);
        after = page.at(-1)?.id;
        if (after === undefined) break;
      }
      t.same(seen, expected, `pages of ${limit} together are all`);
    }
    const between = `${objects[29]?.id.slice(0, 63)}` as StoreId;
    t.same(
      await store.list('chunk', { after: between }),
      expected.slice(29),
      'after an id that is not there',
    );
  });

  claim('lists by prefix of any length', async (t, store) => {
    const objects = Array.from({ length: 80 }, (_, seed) => sampleObject(`prefix ${seed}`)).sort(byId);
    for (const { id, bytes } of objects) await store.put('chunk', id, bytes);
    const middle = objects[40]?.id ?? '';
    for (const length of [0, 1, 2, 3, 4, 63, 64]) {
      const prefix = middle.slice(0, length);
      const expected = objects.filter(({ id }) => id.startsWith(prefix)).map(({ id }) => id);
      t.same(
        (await store.list('chunk', { prefix })).map(({ id }) => id),
        expected,
        `${length} digits`,
      );
    }
    const prefix = middle.slice(0, 1);
    const [first, ...rest] = objects.filter(({ id }) => id.startsWith(prefix)).map(({ id }) => id);
    const page = await store.list('chunk', { prefix, after: first as StoreId, limit: 2 });
    t.same(
      page.map(({ id }) => id),
      rest.slice(0, 2),
      'with after and limit',
    );
    t.same(await store.list('chunk', { prefix: 'f'.repeat(64) }), []);
  });

  claim(`lists ${DEFAULT_PAGE} when no limit is given`, async (t, store) => {
    const batch = store.batch();
    for (let seed = 0; seed < DEFAULT_PAGE + 3; seed++) {
      const { id, bytes } = sampleObject(`page ${seed}`, 8);
      await batch.write('chunk', id, bytes);
    }
    await batch.commit();
    const page = await store.list('chunk');
    t.equal(page.length, DEFAULT_PAGE);
    t.equal((await store.list('chunk', { after: page.at(-1)?.id as StoreId })).length, 3);
  });
}

function testBatches(claim: Claim): void {
  claim('shows a batch when it is committed, not before', async (t, store) => {
    const objects = [1, 2, 3].map((seed) => sampleObject(`batch ${seed}`, seed * 1000));
    const manifest = sampleObject('batch manifest');
    const batch = store.batch();
    t.match(batch, { bytes: 0, objects: 0 });
    const buffer = Buffer.alloc(3000);
    for (const { id, bytes } of objects) {
      buffer.set(bytes);
      await batch.write('chunk', id, buffer.subarray(0, bytes.byteLength));
      buffer.fill(0);
    }
    await batch.write('manifest', manifest.id, manifest.bytes);
    t.match(batch, { bytes: 6100, objects: 4 });
    t.same(await store.list('chunk'), [], 'nothing under its name yet');
    await batch.commit();
    for (const { id, bytes } of objects) t.ok((await store.get('chunk', id)).equals(bytes));
    t.ok((await store.get('manifest', manifest.id)).equals(manifest.bytes));
  });

  claim('leaves nothing of an aborted batch', async (t, store) => {
    const kept = sampleObject('kept');
    await store.put('chunk', kept.id, kept.bytes);
    const batch = store.batch();
    for (const seed of [1, 2, 3]) {
      const { id, bytes } = sampleObject(`abort ${seed}`);
      await batch.write('chunk', id, bytes);
    }
    await batch.abort();
    t.match(await store.usage(), { objects: 1, bytes: 100 });
    t.same(
      (await store.list('chunk')).map(({ id }) => id),
      [kept.id],
      'what was there before stays',
    );
  });

  claim('takes several writes at once', async (t, store) => {
    const objects = Array.from({ length: 40 }, (_, seed) => sampleObject(`at once ${seed}`, 2000)).sort(byId);
    const batch = store.batch();
    await Promise.all(objects.map(({ id, bytes }) => batch.write('chunk', id, bytes)));
    await batch.commit();
    t.same(
      (await store.list('chunk')).map(({ id }) => id),
      objects.map(({ id }) => id),
    );
    for (const { id, bytes } of objects) t.ok((await store.get('chunk', id)).equals(bytes));
  });

  claim('takes an empty batch, and one object from two batches', async (t, store) => {
    const empty = store.batch();
    await empty.commit();
    await store.batch().abort();
    const { id, bytes } = sampleObject('twice');
    const batches = [store.batch(), store.batch()];
    for (const batch of batches) await batch.write('chunk', id, bytes);
    for (const batch of batches) await batch.commit();
    t.ok((await store.get('chunk', id)).equals(bytes));
    t.match(await store.usage(), { objects: 1, bytes: 100 });
  });
}
