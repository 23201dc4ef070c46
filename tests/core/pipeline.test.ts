// How stages are joined. Source: src/core/pipeline.ts.
import { setImmediate, setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import t from 'tap';
import { mapOrdered, untilAborted } from '../../src/core/pipeline.js';
import { DisktroError } from '../../src/errors.js';
import { holds } from './properties.js';

interface Numbers extends AsyncIterable<number> {
  pulled: number;
  isClosed: boolean;
}

/** 0, 1, 2 and so on up to `count`, or an error in place of item `failAt`. */
function numbers(count: number, failAt = -1): Numbers {
  const state = { pulled: 0, isClosed: false };
  return Object.assign(state, {
    async *[Symbol.asyncIterator]() {
      try {
        for (let item = 0; item < count; item++) {
          if (item === failAt) throw new Error(`source at ${item}`);
          state.pulled++;
          yield item;
        }
      } finally {
        state.isClosed = true;
      }
    },
  }) as Numbers;
}

const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await setImmediate();
};

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

holds(
  'results come in the order of the items, whatever each takes',
  [fc.integer({ min: 1, max: 8 }), fc.array(fc.nat({ max: 6 }), { maxLength: 40 })],
  async (concurrency, delays) => {
    const stage = mapOrdered(concurrency, async (item: number) => {
      await turns(delays[item] ?? 0);
      return item * 2;
    });
    const results = await collect(stage(numbers(delays.length), {}));
    return results.join() === delays.map((_, index) => index * 2).join();
  },
);

for (const concurrency of [1, 2, 3, 7]) {
  t.test(`no more than ${concurrency} items are under way at once, and that many are`, async (t) => {
    let underWay = 0;
    let most = 0;
    const stage = mapOrdered(concurrency, async (item: number) => {
      most = Math.max(most, ++underWay);
      await turns(3 + (item % 3));
      underWay--;
    });
    await collect(stage(numbers(50), {}));
    t.equal(most, concurrency);
  });

  t.test(`a slow consumer of ${concurrency} at once slows the source`, async (t) => {
    const source = numbers(50);
    let taken = 0;
    for await (const item of mapOrdered(concurrency, async (item: number) => item)(source, {})) {
      taken++;
      await turns(5);
      if (source.pulled > taken + concurrency) t.fail(`${source.pulled} pulled when ${taken} were taken`);
      t.equal(item, taken - 1);
    }
    t.equal(taken, 50);
  });
}

t.test('nothing is pulled before the first result is asked for', async (t) => {
  const source = numbers(5);
  const results = mapOrdered(3, async (item: number) => item)(source, {})[Symbol.asyncIterator]();
  await turns(3);
  t.equal(source.pulled, 0);
  t.same(await results.next(), { value: 0, done: false });
  t.ok(source.pulled <= 3);
});

t.test(
  'after a failure no further item is pulled, work under way is waited for, and the source is closed',
  async (t) => {
    const source = numbers(50);
    const finished: number[] = [];
    const stage = mapOrdered(4, async (item: number) => {
      await turns(item === 5 ? 1 : 10);
      if (item === 5) throw new Error('item 5');
      finished.push(item);
      return item;
    });
    const results: number[] = [];
    const run = async (): Promise<void> => {
      for await (const result of stage(source, {})) results.push(result);
    };
    await t.rejects(run(), { message: 'item 5' });
    t.same(results, [0, 1, 2, 3, 4], 'what came before it is handed on');
    t.ok(source.pulled <= 9, `${source.pulled} were pulled`);
    t.same(finished.length, source.pulled - 1, 'all that was begun has ended');
    t.ok(source.isClosed);
  },
);

t.test('work that throws at once fails like work that rejects', async (t) => {
  const source = numbers(5);
  const stage = mapOrdered(2, (): Promise<number> => {
    throw new Error('at once');
  });
  await t.rejects(collect(stage(source, {})), { message: 'at once' });
  t.ok(source.isClosed);
});

t.test('a second failure while the first is on its way out is not an unhandled rejection', async (t) => {
  const stage = mapOrdered(5, async (item: number) => {
    await turns(item);
    throw new Error(`item ${item}`);
  });
  await t.rejects(collect(stage(numbers(5), {})), { message: 'item 0' });
  await turns(10);
});

t.test('an error of the source waits for work under way before it leaves', async (t) => {
  let ended = 0;
  const stage = mapOrdered(4, async () => {
    await turns(10);
    ended++;
  });
  await t.rejects(collect(stage(numbers(10, 2), {})), { message: 'source at 2' });
  t.equal(ended, 2);
});

t.test('an early return closes the source and waits for work under way', async (t) => {
  const source = numbers(50);
  let ended = 0;
  const stage = mapOrdered(4, async (item: number) => {
    await turns(item === 0 ? 0 : 10);
    ended++;
    return item;
  });
  for await (const item of stage(source, {})) {
    t.equal(item, 0);
    break;
  }
  t.ok(source.isClosed);
  t.ok(source.pulled <= 4);
  t.equal(ended, source.pulled);
});

t.test('an abort ends it with E_ABORTED, and the source is closed', async (t) => {
  const controller = new AbortController();
  const source = numbers(50);
  const run = async (): Promise<void> => {
    const stage = mapOrdered(2, async (item: number) => item);
    for await (const item of stage(source, { signal: controller.signal })) {
      if (item === 3) controller.abort();
    }
  };
  await t.rejects(run(), { name: 'DisktroError', code: 'E_ABORTED' });
  t.ok(source.isClosed);
  t.ok(source.pulled <= 6);
  const before = mapOrdered(2, async (item: number) => item)(numbers(5), { signal: controller.signal });
  await t.rejects(collect(before), { code: 'E_ABORTED' }, 'also when it has fired before');
});

t.test('waiting ends with the value, with the error, or with the abort', async (t) => {
  const { signal } = new AbortController();
  t.equal(await untilAborted(Promise.resolve(1), undefined), 1);
  t.equal(await untilAborted(Promise.resolve(2), signal), 2);
  await t.rejects(untilAborted(Promise.reject(new Error('no')), signal), { message: 'no' });
  const controller = new AbortController();
  const waiting = untilAborted(new Promise(() => {}), controller.signal);
  setTimeout(5).then(() => controller.abort());
  await t.rejects(waiting, { name: 'DisktroError', code: 'E_ABORTED' });
  await t.rejects(untilAborted(Promise.resolve(3), controller.signal), { code: 'E_ABORTED' }, 'fired before');
});

t.test(
  'the reason of an abort is kept when it is an error of this program, else it is the cause',
  async (t) => {
    const own = new DisktroError('E_NO_SPACE', 'full');
    await t.rejects(untilAborted(Promise.resolve(), AbortSignal.abort(own)), { code: 'E_NO_SPACE' });
    const reason = new Error('ctrl-c');
    await t.rejects(untilAborted(Promise.resolve(), AbortSignal.abort(reason)), {
      code: 'E_ABORTED',
      cause: reason,
    });
  },
);

t.test('a promise that fails after the abort is not an unhandled rejection', async (t) => {
  const controller = new AbortController();
  const late = setTimeout(10).then(() => {
    throw new Error('late');
  });
  const waiting = untilAborted(late, controller.signal);
  controller.abort();
  await t.rejects(waiting, { code: 'E_ABORTED' });
  await t.rejects(
    untilAborted(late.then(), controller.signal),
    { code: 'E_ABORTED' },
    'nor one given after it',
  );
  await setTimeout(20);
});

t.test('waiting leaves no listener behind', async (t) => {
  const { signal } = new AbortController();
  let listeners = 0;
  const counting = Object.assign(signal, {
    addEventListener: () => listeners++,
    removeEventListener: () => listeners--,
  });
  await untilAborted(Promise.resolve(1), counting);
  await untilAborted(Promise.reject(new Error('no')), counting).catch(() => {});
  await turns(2);
  t.equal(listeners, 0);
});
