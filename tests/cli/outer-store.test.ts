// A vault whose objects are all in a bucket, by the real command on a real engine, mostly when something goes wrong.
// Sources: src/ops/home/outer-store.ts, outer-record.ts, src/ops/recover/take-over-bucket.ts.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import t from 'tap';
import { TestBucket } from '../cluster/bucket.js';
import { sampleBytes } from '../ops/sample-bytes.js';
import { Ceph, cephMissing } from '../store/ceph.js';
import { startProxy } from '../store/faulty-proxy.js';
import { ID_LINE, oneJson, RECOVERY_CODE, type RunOptions } from './command.js';
import { CHUNK_BYTES, emptyPlace, type Place } from './place.js';

const skip = cephMissing();
const limits = { timeout: 280_000 };

if (skip === false) {
  const ceph = await Ceph.start();
  t.teardown(() => ceph.stop());
  let buckets = 0;

  const placeFor = (t: Test): Place => {
    const place = emptyPlace(t);
    Object.assign(place.env, ceph.environment);
    return place;
  };

  const did = async (place: Place, options: RunOptions, ...words: string[]): Promise<string> => {
    const { status, stdout, stderr } = await place.runWith(options, ...words);
    if (status !== 0) throw new Error(`disktro ${words.join(' ')}: ${status}\n${stderr}`);
    return stdout;
  };

  /** @param host in front of the engine, when it is not to be spoken to directly */
  const begin = async (t: Test, host = ceph.host) => {
    const bucket = await TestBucket.make(ceph, `vault-${buckets++}`);
    t.teardown(() => bucket.close());
    const url = bucket.url.replace(ceph.host, host).replace('?', '/a/vault?');
    const place = placeFor(t);
    const made = await place.runWith(
      { mayShowCode: true },
      'init',
      '--store',
      url,
      '--chunk-size',
      String(CHUNK_BYTES),
    );
    if (made.status !== 0) throw new Error(`init: ${made.status}\n${made.stderr}`);
    const code = RECOVERY_CODE.exec(made.stderr)?.[0] ?? '';
    return { bucket, url, place, code, vaultId: made.stdout.trim() };
  };

  const store = async (place: Place, name: string, bytes: Buffer): Promise<string> => {
    place.write(name, bytes);
    const id = await did(place, {}, 'chunk', '-q', name);
    if (!ID_LINE.test(id)) throw new Error(`no id: ${id}`);
    return id.trim();
  };

  const expectFile = async (t: Test, place: Place, id: string, bytes: Buffer): Promise<void> => {
    const back = await place.run('reassemble', '-q', id, '-o', '-');
    t.equal(back.status, 0, back.stderr);
    t.ok(back.bytes.equals(bytes), 'byte for byte');
  };

  t.test('everyday work leaves no object in the home', limits, async (t) => {
    const { bucket, place } = await begin(t);
    const bytes = sampleBytes('everyday', 700_000);
    const id = await store(place, 'one.bin', bytes);
    t.notOk(existsSync(join(place.home, 'objects')), 'no folder for objects');
    await expectFile(t, place, id, bytes);
    t.not(await store(place, 'again.bin', bytes), id);
    const objects = await bucket.objects();
    t.match(await did(place, {}, 'verify'), new RegExp(`^${objects.size} objects, .*all good`));
    t.match(await did(place, {}, 'verify', '--read-data'), /all good/);
    t.match(await did(place, {}, 'status'), /store: +s3:\/\/.*\/a\/vault/);
    t.match(await did(place, {}, 'ls'), / 1\/1 /);
    t.same(await bucket.wrong(), [], 'each object is named by its SHA-256');
    await did(place, {}, 'rm', 'one.bin', 'again.bin');
    await did(place, {}, 'gc', '--grace', '0');
    t.same([...(await bucket.objects())], [], 'gc frees what is in the bucket');
  });

  t.test('a folder goes in and comes back', limits, async (t) => {
    const { place } = await begin(t);
    place.write('a', 'one');
    await place.shell(
      'mkdir -p tree/deep; cp a tree/deep/b; head -c 300000 /dev/urandom > tree/c; ln -s c tree/d',
    );
    await did(place, {}, 'chunk', 'tree');
    t.match((await place.run('chunk', 'tree')).stderr, /2 files .*, 0 new/);
    await did(place, {}, 'reassemble', 'tree', '-o', 'back');
    t.equal((await place.shell('diff -r tree back')).status, 0);
  });

  t.test('the catalog comes back from the bucket', limits, async (t) => {
    const { place } = await begin(t);
    const bytes = sampleBytes('rebuilt', 300_000);
    const id = await store(place, 'file', bytes);
    for (const suffix of ['', '-wal', '-shm'])
      rmSync(join(place.home, `catalog.db${suffix}`), { force: true });
    t.match(await did(place, {}, 'rebuild'), /^1 file/);
    await expectFile(t, place, id, bytes);
    t.match((await place.run('chunk', 'file')).stderr, /0 new/, 'and knows what is there');
  });

  t.test('a lost home comes back, and the old one writes and frees nothing any more', limits, async (t) => {
    const { bucket, url, place, code, vaultId } = await begin(t);
    const bytes = sampleBytes('lost', 400_000);
    const id = await store(place, 'file', bytes);
    const removed = await store(place, 'removed', sampleBytes('removed', 200_000));
    const other = placeFor(t);
    const wrong = { env: { DISKTRO_PASSWORD: 'not this one' } };
    t.equal((await other.runWith(wrong, 'recover', '--from', url)).status, 12);
    t.notOk(existsSync(join(other.home, 'vault.json')));
    t.equal(
      (await did(other, { env: { DISKTRO_PASSWORD: code } }, 'recover', '--from', url)).trim(),
      vaultId,
    );
    await expectFile(t, other, id, bytes);
    const before = await bucket.objects();
    const late = await place.run('chunk', '-q', place.write('late', sampleBytes('late', 100_000)));
    t.equal(late.status, 21);
    t.match(late.stderr, /another home/);
    await did(place, {}, 'rm', removed);
    const gc = await place.run('gc', '--grace', '0');
    t.equal(gc.status, 21, 'it may not free either');
    t.same(await bucket.objects(), before);
    await expectFile(t, other, removed, sampleBytes('removed', 200_000));
    const newer = await store(other, 'newer', sampleBytes('newer', 150_000));
    // Back to the first machine: it finds what was stored meanwhile. The same bucket may be written in several ways.
    const written = url.replace('?', '/?region=us-east-1&').replace('//', `//${ceph.keys.accessKeyId}@`);
    await did(place, {}, 'recover', '--from', written);
    await expectFile(t, place, newer, sampleBytes('newer', 150_000));
    await store(place, 'at last', sampleBytes('at last', 1_000));
    t.equal((await other.run('chunk', '-q', other.write('x', 'x'))).status, 21);
  });

  t.test('a changed password opens what is recovered, the old one does not', limits, async (t) => {
    const { url, place } = await begin(t);
    await did(place, { env: { DISKTRO_NEW_PASSWORD: 'another one' } }, 'key', 'passwd');
    const other = placeFor(t);
    t.equal((await other.run('recover', '--from', url)).status, 12, 'the old one');
    await did(other, { env: { DISKTRO_PASSWORD: 'another one' } }, 'recover', '--from', url);
  });

  t.test('two first chunks at once make one vault in the bucket of the configuration', limits, async (t) => {
    const bucket = await TestBucket.make(ceph, `vault-${buckets++}`);
    t.teardown(() => bucket.close());
    const place = placeFor(t);
    place.env.DISKTRO_STORE = bucket.url;
    const names = ['one', 'two'].map((name) => place.write(name, sampleBytes(name, 50_000)));
    const outcomes = await Promise.all(
      names.map((name) => place.runWith({ mayShowCode: true }, 'chunk', '-q', name)),
    );
    for (const { status, stderr } of outcomes) t.equal(status, 0, stderr);
    t.equal((await did(place, {}, 'ls', '--json')).trim().split('\n').length, 2);
    t.equal((await bucket.keys()).filter((key) => key.startsWith('vault/')).length, 1);
    t.match(await did(place, {}, 'verify', '--read-data'), /all good/);
  });

  t.test('what cannot be written says why, and nothing is listed', limits, async (t) => {
    const { bucket, place, url } = await begin(t);
    const id = await store(place, 'kept', sampleBytes('kept', 200_000));
    place.write('new', sampleBytes('new', 200_000));
    const dead = join(place.home, 'store.json');
    const told = readFileSync(dead, 'utf8');
    const table = [
      ['wrong keys', { AWS_SECRET_ACCESS_KEY: 'wrong' }, 21, /SignatureDoesNotMatch/],
      ['no keys', { AWS_ACCESS_KEY_ID: undefined }, 2, /no access keys/],
    ] as const;
    for (const [name, env, status, message] of table) {
      for (const words of [['chunk', 'new'], ['reassemble', id, '-o', 'out'], ['verify']]) {
        const outcome = await place.runWith({ env }, ...words);
        t.equal(outcome.status, status, `${name}: ${words[0]}`);
        t.match(outcome.stderr, message);
      }
    }
    t.notOk(place.has('out'));
    t.match(await did(place, { env: { AWS_ACCESS_KEY_ID: undefined } }, 'ls', '--json'), /"kept"/);
    place.env.AWS_ACCESS_KEY_ID = ceph.keys.accessKeyId;
    t.equal((await did(place, {}, 'ls', '--json')).trim().split('\n').length, 1);
    t.match(await did(place, {}, 'verify'), /all good/, 'and nothing was taken for lost');

    const other = placeFor(t);
    for (const [words, message] of [
      [['init', '--store', url], /holds files already/],
      [['init', '--store', 'file:///tmp/x'], /in a bucket/],
      [['init', '--store', 's3://host'], /bucket/],
    ] as const) {
      const outcome = await other.run(...words);
      t.equal(outcome.status, 2, words.join(' '));
      t.match(outcome.stderr, message);
      t.notOk(existsSync(join(other.home, 'vault.json')));
    }
    for (const words of [
      ['serve', '--port', '0'],
      ['peers', 'invite'],
      ['peers', 'add', bucket.url],
    ]) {
      const outcome = await place.run(...words);
      t.equal(outcome.status, 2, words.join(' '));
      t.match(outcome.stderr, /no node of a cluster/);
    }
    t.equal(readFileSync(dead, 'utf8'), told);
  });

  t.test('a bucket that is gone, or was emptied, costs no entry of the catalog', limits, async (t) => {
    const { bucket, place } = await begin(t);
    const bytes = sampleBytes('gone', 200_000);
    const id = await store(place, 'file', bytes);
    const kept = new Map<string, Buffer>();
    for (const key of await bucket.keys()) kept.set(key, await bucket.get(key));
    for (const key of kept.keys()) await bucket.remove(key);
    const emptied = await place.run('chunk', 'file');
    t.equal(emptied.status, 21);
    t.match(emptied.stderr, /not the store it was/);
    await bucket.destroy();
    for (const words of [
      ['chunk', 'file'],
      ['reassemble', id, '-o', 'out'],
      ['verify'],
      ['gc', '--grace', '0'],
    ]) {
      const gone = await place.run(...words);
      t.equal(gone.status, 21, words.join(' '));
      t.match(gone.stderr, /no such bucket/);
    }
    await bucket.create();
    for (const [key, content] of kept) await bucket.put(key, content);
    await expectFile(t, place, id, bytes);
    t.match((await place.run('chunk', 'file')).stderr, /0 new/, 'nothing was taken for lost');
  });

  t.test('a bucket that may only be read gives files and takes none', limits, async (t) => {
    const { bucket, place } = await begin(t);
    const bytes = sampleBytes('read-only', 200_000);
    const id = await store(place, 'file', bytes);
    await ceph.admin(
      ...['user', 'create', '--uid', 'looker', '--display-name', 'Looker'],
      ...['--access-key', 'LOOKERKEY', '--secret-key', 'looker-secret'],
    );
    const name = new URL(bucket.url).pathname.slice(1);
    await bucket.policy({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { AWS: ['arn:aws:iam:::user/looker'] },
          Action: ['s3:GetObject', 's3:ListBucket'],
          Resource: [`arn:aws:s3:::${name}`, `arn:aws:s3:::${name}/*`],
        },
      ],
    });
    Object.assign(place.env, { AWS_ACCESS_KEY_ID: 'LOOKERKEY', AWS_SECRET_ACCESS_KEY: 'looker-secret' });
    await expectFile(t, place, id, bytes);
    const refused = await place.run('chunk', place.write('new', sampleBytes('not taken', 100_000)));
    t.equal(refused.status, 21);
    t.match(refused.stderr, /not permitted/);
    t.equal((await did(place, {}, 'ls', '--json')).trim().split('\n').length, 1);
  });

  t.test('a damaged object is found, put aside, and stored anew', limits, async (t) => {
    const { bucket, place } = await begin(t);
    const bytes = sampleBytes('damaged', 300_000);
    const id = await store(place, 'file', bytes);
    const key = (await bucket.keys()).find((each) => each.includes('/chunks/')) ?? '';
    const content = await bucket.get(key);
    content[100] = (content[100] ?? 0) ^ 1;
    await bucket.put(key, content);
    const out = await place.run('reassemble', id, '-o', 'out');
    t.equal(out.status, 13);
    t.notOk(place.has('out'));
    t.equal((await place.run('verify')).status, 13);
    t.equal((await place.run('verify', '--repair')).status, 13);
    t.ok((await bucket.keys()).some((each) => each === key.replace(/chunks\/..\//, 'quarantine/')));
    t.notOk((await bucket.keys()).includes(key));
    await did(place, {}, 'chunk', 'file');
    await expectFile(t, place, 'file', bytes);
  });

  t.test('what a killed chunk had acknowledged is there, the rest is freed', limits, async (t) => {
    const { bucket, place } = await begin(t);
    const files = new Map<string, Buffer>();
    for (let round = 0; round < 6; round++) {
      const bytes = sampleBytes(`killed ${round}`, 3_000_000);
      const { child, outcome } = place.start('chunk', '-q', place.write(`file ${round}`, bytes));
      setTimeout(() => child.kill('SIGKILL'), 350 + 120 * round);
      const { stdout } = await outcome;
      if (ID_LINE.test(stdout)) files.set(stdout.trim(), bytes);
    }
    files.set(await store(place, 'last', sampleBytes('last', 100_000)), sampleBytes('last', 100_000));
    for (const [id, bytes] of files) await expectFile(t, place, id, bytes);
    await did(place, {}, 'rebuild');
    await did(place, {}, 'gc', '--grace', '0');
    const { objects } = oneJson(await did(place, {}, 'status', '--json')) as { objects: number };
    t.equal((await bucket.objects()).size, objects, 'nothing is left that no file needs');
    t.match(await did(place, {}, 'verify', '--read-data'), /all good/);
    for (const [id, bytes] of files) await expectFile(t, place, id, bytes);
  });

  t.test(
    'connections that are cut cost time and nothing else; an engine that is gone ends it',
    limits,
    async (t) => {
      const proxy = await startProxy(t, ceph.host);
      const { place } = await begin(t, proxy.host);
      let cuts = 0;
      proxy.fault = ({ method, count }) => {
        if (count % 4 !== 0 || cuts > 12) return undefined;
        cuts++;
        return method === 'PUT' ? { type: 'cut-request', afterBytes: 100 } : { type: 'lose-answer' };
      };
      const bytes = sampleBytes('cut', 1_500_000);
      const id = await store(place, 'file', bytes);
      await expectFile(t, place, id, bytes);
      t.ok(cuts > 3, `${cuts} were cut`);
      proxy.fault = () => ({ type: 'answer', status: 503, body: '<Error><Code>SlowDown</Code></Error>' });
      for (const words of [['chunk', 'file'], ['reassemble', id, '-o', 'out'], ['verify']]) {
        t.equal((await place.run(...words)).status, 20, words.join(' '));
      }
      proxy.fault = () => undefined;
      t.match(await did(place, {}, 'verify'), /all good/, 'what was out of reach was not taken for lost');
    },
  );
} else {
  t.test('a vault in a bucket', { skip }, async () => {});
}
