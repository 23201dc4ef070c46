// How long the keys stay, who shares them, and how guessing is slowed. Sources: src/server/api/vault-door.ts,
// attempts.ts, tickets.ts.
import { setTimeout as pause } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { DisktroError, isDisktroError } from '../../../src/errors.js';
import { opened } from '../../../src/ops/home/vault.js';
import { Attempts } from '../../../src/server/api/attempts.js';
import { Tickets } from '../../../src/server/api/tickets.js';
import { VaultDoor } from '../../../src/server/api/vault-door.js';
import { statusOf } from '../../../src/server/json-body.js';
import { placeWithVault } from '../../cli/place.js';
import { until } from '../../cluster/node.js';

const IDLE_MS = 600;

async function doorOf(t: Test): Promise<{ door: VaultDoor; code: string }> {
  const { home, code } = await placeWithVault(t);
  const attempts = new Attempts({ firstDelayMs: 1 });
  const door = new VaultDoor({
    home,
    averageChunkBytes: 65_536,
    onNotice: () => {},
    idleMs: IDLE_MS,
    attempts,
  });
  t.teardown(() => door.close());
  return { door, code };
}

t.test(
  'keys are wiped when the last session was idle for long enough, and then a password is needed',
  async (t) => {
    const { door, code } = await doorOf(t);
    const { session } = await door.unlock(code, false);
    const lease = await door.lease({ session });
    const { keys, masterKey } = opened(lease.vault);
    lease[Symbol.dispose]();
    t.ok(masterKey.some((byte) => byte !== 0));
    await until('it is closed', () => !door.isOpen);
    await until('the master key is wiped', () => masterKey.every((byte) => byte === 0));
    for (const [name, key] of Object.entries(keys)) {
      if (key instanceof Uint8Array)
        t.ok(
          key.every((byte) => byte === 0),
          `${name} is wiped`,
        );
    }
    await t.rejects(door.lease({ session }), { code: 'E_PASSWORD_NEEDED' });
    t.equal(door.peek(session), undefined);
  },
);

t.test('each use begins the time anew, a look does not', async (t) => {
  const { door, code } = await doorOf(t);
  const { session } = await door.unlock(code, false);
  for (let uses = 0; uses < 4; uses++) {
    await pause(IDLE_MS / 2);
    (await door.lease({ session }))[Symbol.dispose]();
  }
  t.ok(door.isOpen, 'it was open for twice the time');
  const endMs = performance.now() + 3 * IDLE_MS;
  while (door.peek(session) !== undefined && performance.now() < endMs) await pause(20);
  t.equal(door.peek(session), undefined, 'looking alone did not keep it open');
});

t.test('work that takes longer than the idle time keeps its vault and its session', async (t) => {
  const { door, code } = await doorOf(t);
  const { session } = await door.unlock(code, false);
  const lease = await door.lease({ session });
  await pause(2 * IDLE_MS);
  t.ok(opened(lease.vault).masterKey.some((byte) => byte !== 0));
  lease[Symbol.dispose]();
  t.ok(door.peek(session), 'the session goes on');
});

t.test('locking ends a session at once; who still works may finish, and nobody comes in by it', async (t) => {
  const { door, code } = await doorOf(t);
  const { session } = await door.unlock(code, false);
  const lease = await door.lease({ session });
  const { masterKey } = opened(lease.vault);
  await door.lock(session);
  await t.rejects(door.lease({ session }), { code: 'E_PASSWORD_NEEDED' });
  t.ok(masterKey.some((byte) => byte !== 0));
  lease[Symbol.dispose]();
  t.equal(door.peek(session), undefined, 'the end of the work has not opened it again');
  t.notOk(door.isOpen, 'and the vault is closed at once');
  await until('the keys are wiped', () => masterKey.every((byte) => byte === 0));
  await t.rejects(
    door.lease({ session }),
    { code: 'E_PASSWORD_NEEDED' },
    'the end of the work has not opened it again',
  );
});

t.test('two sessions share one vault, and locking one leaves the other', async (t) => {
  const { door, code } = await doorOf(t);
  const [one, two] = [await door.unlock(code, false), await door.unlock(code, false)];
  t.not(one.session, two.session);
  using first = await door.lease({ session: one.session });
  using second = await door.lease({ session: two.session });
  t.equal(first.vault, second.vault);
  await door.lock(one.session);
  t.equal(door.sessions, 1);
  t.ok(door.peek(two.session));
});

t.test('a password that was right once is known again, a wrong one never is', async (t) => {
  const { door, code } = await doorOf(t);
  (await door.lease({ password: code }))[Symbol.dispose]();
  const leases = await Promise.all(Array.from({ length: 100 }, () => door.lease({ password: code })));
  t.equal(new Set(leases.map(({ vault }) => vault)).size, 1, '100 at once are no guessing');
  for (const lease of leases) lease[Symbol.dispose]();
  const refused = await door.lease({ password: `${code}x` }).catch((error: unknown) => error);
  t.ok(isDisktroError(refused, 'E_WRONG_PASSWORD'));
  t.equal(statusOf(refused), 403);
  t.equal(statusOf(await door.lease({ password: '' }).catch((error: unknown) => error)), 400);
});

t.test('a ticket keeps the vault open without its session, until tickets are cleared', async (t) => {
  const { door, code } = await doorOf(t);
  const { session } = await door.unlock(code, false);
  const tickets = new Tickets();
  const lease = await door.lease({ session });
  const id = tickets.make('ab'.repeat(32) as never, lease.fork());
  lease[Symbol.dispose]();
  await pause(2 * IDLE_MS);
  t.equal(door.peek(session), undefined, 'the session is over');
  t.ok(door.isOpen && tickets.find(id), 'the link still works');
  tickets.clear();
  await until('the vault is closed', () => !door.isOpen);
  t.equal(tickets.find(id), undefined);
});

t.test('wrong passwords are slowed, then refused, whoever asks; the right one then too', async (t) => {
  let nowMs = 0;
  const firstDelayMs = 20;
  const attempts = new Attempts({ firstDelayMs, blockMs: 60_000 }, () => nowMs);
  const wrong = () => attempts.run(() => Promise.reject(wrongPassword()));
  for (let tries = 0; tries < 5; tries++) {
    const startedMs = performance.now();
    await t.rejects(wrong(), { code: 'E_WRONG_PASSWORD' });
    const tookMs = performance.now() - startedMs;
    // A timer may be a millisecond early.
    t.ok(tookMs > firstDelayMs * 2 ** tries - 2, `each takes twice as long: ${Math.round(tookMs)} ms`);
  }
  const refused = await wrong().catch((error: unknown) => error);
  t.equal(statusOf(refused), 429);
  t.match(refused, { details: { retryAfterSeconds: 60 } });
  nowMs += 59_000;
  t.equal(statusOf(await attempts.run(async () => 'right').catch((error: unknown) => error)), 429);
  nowMs += 2_000;
  t.equal(await attempts.run(async () => 'right'), 'right');
  await t.rejects(wrong(), { code: 'E_WRONG_PASSWORD' });
  t.equal(await attempts.run(async () => 'right'), 'right', 'the count began anew');
});

t.test('while guesses are refused, a password that is known again does not stand out', async (t) => {
  const { door, code } = await doorOf(t);
  const { session } = await door.unlock(code, false);
  const guess = (password: string) => door.lease({ password }).then(endLease, statusOf);
  using _work = await door.lease({ password: code });
  using _other = await door.lease({ session });
  for (let tries = 0; tries < 5; tries++) t.equal(await guess(`wrong ${tries}`), 403);
  t.equal(await guess('wrong again'), 429);
  t.equal(await guess(code), 429, 'the right one is not told from the others');
  t.equal(statusOf(await door.unlock(code, false).catch((error: unknown) => error)), 429);
  t.equal(await door.lease({ session }).then(endLease, statusOf), 0, 'the session goes on');
});

t.test('nor does it while as many guesses wait as may', async (t) => {
  const { door, code } = await doorOf(t);
  await door.unlock(code, false);
  const guesses = Array.from({ length: 8 }, (_, index) => door.lease({ password: `wrong ${index}` }));
  const status = await door.lease({ password: code }).then(endLease, statusOf);
  await Promise.allSettled(guesses);
  t.equal(status, 429);
});

const endLease = (lease: Disposable): number => {
  lease[Symbol.dispose]();
  return 0;
};

t.test('guesses at once are made one by one, and only a few wait', async (t) => {
  let running = 0;
  let most = 0;
  const attempts = new Attempts({ firstDelayMs: 1, waiting: 4 });
  const one = () =>
    attempts.run(async () => {
      most = Math.max(most, ++running);
      await pause(5);
      running--;
    });
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, one));
  t.equal(most, 1);
  t.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 4);
});

const wrongPassword = (): Error => new DisktroError('E_WRONG_PASSWORD', 'wrong');
