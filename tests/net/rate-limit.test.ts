// Brakes on bandwidth and on requests. Sources: src/net/rate-limit.ts.
import t from 'tap';
import { addressKey, BandwidthLimit, type Clock, RequestLimit } from '../../src/net/rate-limit.js';

/** A clock that goes forward only when told; sleepers wake in order. */
class SteppedClock implements Clock {
  #now = 0;
  readonly #sleepers: { at: number; wake: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#sleepers.push({ at: this.#now + ms, wake: resolve });
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  }

  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    for (;;) {
      await new Promise(setImmediate);
      this.#sleepers.sort((a, b) => a.at - b.at);
      const next = this.#sleepers[0];
      if (next === undefined || next.at > until) break;
      this.#now = next.at;
      this.#sleepers.shift();
      next.wake();
    }
    this.#now = until;
    await new Promise(setImmediate);
  }
}

t.test('several streams together keep the bandwidth', async (t) => {
  const clock = new SteppedClock();
  const limit = new BandwidthLimit(1000, clock);
  let bytes = 0;
  const stream = async (): Promise<void> => {
    for (let turn = 0; turn < 100; turn++) {
      await limit.take(50);
      bytes += 50;
    }
  };
  const streams = Promise.all([stream(), stream(), stream()]);
  await clock.advance(1000);
  t.ok(bytes >= 1000 && bytes <= 1350, `${bytes} bytes in the first second: the rate and one burst`);
  const before = bytes;
  await clock.advance(4000);
  t.equal(bytes - before, 4000, 'then exactly the rate');
  await clock.advance(60_000);
  await streams;
  t.equal(bytes, 15_000);
});

t.test('a pause earns one burst, not more', async (t) => {
  const clock = new SteppedClock();
  const limit = new BandwidthLimit(1000, clock);
  await clock.advance(3_600_000);
  let taken = 0;
  const all = Promise.all(Array.from({ length: 20 }, () => limit.take(100).then(() => taken++)));
  await clock.advance(0);
  t.equal(taken, 3, 'a quarter of a second at once, begun pieces whole');
  await clock.advance(10_000);
  await all;
});

t.test('who gives up waiting takes nothing', async (t) => {
  const clock = new SteppedClock();
  const limit = new BandwidthLimit(1000, clock);
  await limit.take(1000);
  const stop = new AbortController();
  const given = limit.take(100_000, stop.signal);
  stop.abort();
  await t.rejects(given, { code: 'E_ABORTED' });
  await t.rejects(limit.take(1, stop.signal), { code: 'E_ABORTED' }, 'nor who has given up before');
  let isThrough = false;
  const next = limit.take(10).then(() => {
    isThrough = true;
  });
  await clock.advance(800);
  t.equal(isThrough, true, 'the one behind it does not wait for what was not taken');
  await next;
});

t.test('a key has so many requests at once and then its rate', async (t) => {
  let now = 0;
  const limit = new RequestLimit({ perKey: 5, total: 60, windowMs: 60_000 }, () => now);
  const allowed = (key: string, tries: number): number =>
    Array.from({ length: tries }, () => limit.allow(key)).filter(Boolean).length;
  t.equal(allowed('a', 10), 5);
  t.equal(allowed('b', 10), 5, 'another key has its own');
  now += 12_000;
  t.equal(allowed('a', 10), 1, 'one more after a fifth of the window');
  now += 3_600_000;
  t.equal(allowed('a', 10), 5, 'never more at once');
});

t.test('all keys together have a limit, and memory has one too', async (t) => {
  const limit = new RequestLimit({ perKey: 5, total: 60, windowMs: 60_000, maxKeys: 100 }, () => 0);
  let allowed = 0;
  for (let key = 0; key < 5000; key++) if (limit.allow(`key ${key}`)) allowed++;
  t.equal(allowed, 60);
  t.equal(limit.size, 100);
});

t.test('an IPv6 address counts by the network that one household has', async (t) => {
  t.equal(addressKey('192.0.2.7'), '192.0.2.7');
  t.equal(addressKey('::ffff:192.0.2.7'), '192.0.2.7');
  t.equal(addressKey('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64');
  t.equal(addressKey('2001:0DB8:0001:0002::9'), '2001:db8:1:2::/64');
  t.equal(addressKey('2001:db8::1'), '2001:db8:0:0::/64');
  t.equal(addressKey('::1'), '0:0:0:0::/64');
  t.equal(addressKey('fe80::1%eth0'), 'fe80:0:0:0::/64');
});
