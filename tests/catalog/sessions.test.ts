// Who is adding objects right now. Sources: src/catalog/sessions.ts.
import fs from 'node:fs';
import t from 'tap';
import { ProcessLock } from '../../src/catalog/lock.js';
import {
  beginSession,
  bootId,
  isAlive,
  lastSessionId,
  listSessions,
  liveSessions,
  lockFileOf,
  newToken,
} from '../../src/catalog/sessions.js';
import { scratchFolder } from '../ops/scratch-home.js';
import { sampleCatalog } from './sample-rows.js';

t.test('a session is live while its process holds the token’s lock', async (t) => {
  const { catalog } = sampleCatalog(t);
  const folder = scratchFolder(t);
  t.equal(lastSessionId(catalog), 0);
  const [one, two] = [newToken(), newToken()];
  const locks = [one, two].map((token) => ProcessLock.take(lockFileOf(folder, token)));
  const sessions = [one, two].map((token) => beginSession(catalog, token));
  t.same(
    liveSessions(catalog, folder).map(({ id }) => id),
    [1, 2],
  );
  t.equal(isAlive(folder, one), true);
  locks[0]?.release();
  t.equal(isAlive(folder, one), false);
  t.match(liveSessions(catalog, folder), [{ id: 2, token: two, boot: bootId() }]);
  t.equal(listSessions(catalog).length, 2, 'the row of one that did not end stays');
  sessions[1]?.end();
  t.same(
    listSessions(catalog).map(({ id }) => id),
    [1],
  );
  t.equal(lastSessionId(catalog), 2, 'numbers go on after the newest there ever was');
  t.equal(beginSession(catalog, newToken()).id, 3);
  locks[1]?.release();
  t.same(fs.readdirSync(folder), []);
});

t.test('a token is 16 hex digits, new each time', async (t) => {
  const tokens = Array.from({ length: 100 }, newToken);
  t.ok(tokens.every((token) => /^[0-9a-f]{16}$/.test(token)));
  t.equal(new Set(tokens).size, 100);
});

t.test('the boot has one name as long as it lasts', async (t) => {
  t.equal(bootId(), bootId());
  t.not(bootId(), '');
});
