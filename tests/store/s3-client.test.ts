// Engines that answer badly, as no real one would be made to: what is asked again, what is refused, and how soon.
// Sources: src/store/s3-client.ts, s3-connection.ts, s3-errors.ts, s3-listing.ts.
import t, { type Test } from 'tap';
import { S3Store } from '../../src/store/s3-store.js';
import { type BucketLocation, parseStoreUrl } from '../../src/store/store-url.js';
import { type FaultyProxy, startProxy } from './faulty-proxy.js';
import { MemoryEngine } from './memory-engine.js';
import { sampleObject } from './object-store-contract.js';

const limits = { timeout: 60_000 };

async function open(
  t: Test,
  patience = {},
): Promise<{ readonly engine: MemoryEngine; readonly store: S3Store; readonly proxy: FaultyProxy }> {
  const engine = await MemoryEngine.start(t);
  const proxy = await startProxy(t, `127.0.0.1:${engine.port}`);
  const location = parseStoreUrl(`s3://${proxy.host}/bucket/p?tls=0`) as BucketLocation;
  const store = new S3Store(location, { accessKeyId: 'a', secretAccessKey: 'b' }, patience);
  t.teardown(() => store.close());
  return { engine, store, proxy };
}

t.test(
  'a silence is longer than the time for tries, and there is a second one all the same',
  limits,
  async (t) => {
    const { engine, store, proxy } = await open(t, { silenceMs: 300, retryForMs: 100, firstPauseMs: 10 });
    const { id, bytes } = sampleObject('silence');
    proxy.fault = ({ count }) => (count === 1 ? { type: 'silence' } : undefined);
    t.equal(await store.put('chunk', id, bytes), true);
    t.equal(engine.objects.size, 1);
    t.equal(proxy.seen().length, 2);
    proxy.fault = () => ({ type: 'silence' });
    await t.rejects(store.list('chunk'), { code: 'E_PEER_UNREACHABLE', message: /ETIMEDOUT/ });
    t.equal(proxy.seen().length, 4, 'but no third one');
  },
);

t.test('5xx is asked again, but for what stays as it is', limits, async (t) => {
  const { store, proxy } = await open(t, { firstPauseMs: 1, retryForMs: 5_000 });
  for (const status of [500, 502, 503, 504, 520, 522, 529, 599]) {
    const before = proxy.seen().length;
    proxy.fault = ({ count }) => (count === before + 1 ? { type: 'answer', status } : undefined);
    t.same(await store.list('chunk'), [], `${status}`);
    t.equal(proxy.seen().length, before + 2);
  }
  for (const [status, code] of [
    [501, 'E_PEER_REFUSED'],
    [505, 'E_PEER_REFUSED'],
    [507, 'E_NO_SPACE'],
  ] as const) {
    const before = proxy.seen().length;
    proxy.fault = () => ({ type: 'answer', status });
    await t.rejects(store.list('chunk'), { code }, `${status}`);
    t.equal(proxy.seen().length, before + 1);
  }
});

t.test('an engine of plain HTTP that is spoken to by TLS: the hint says what to write', limits, async (t) => {
  const engine = await MemoryEngine.start(t);
  const location = parseStoreUrl(`s3://127.0.0.1:${engine.port}/bucket`) as BucketLocation;
  const store = new S3Store(location, { accessKeyId: 'a', secretAccessKey: 'b' });
  t.teardown(() => store.close());
  await t.rejects(store.list('chunk'), { code: 'E_PEER_UNREACHABLE', hint: /tls=0/ });
});

t.test('no redirection is followed', limits, async (t) => {
  const { store, proxy } = await open(t);
  const other = await MemoryEngine.start(t);
  let asked = 0;
  other.instead = () => {
    asked++;
    return undefined;
  };
  const location = `http://127.0.0.1:${other.port}/bucket`;
  for (const status of [301, 302, 303, 307, 308]) {
    proxy.fault = () => ({ type: 'answer', status, headers: { location } });
    await t.rejects(store.list('chunk'), { code: 'E_PEER_REFUSED' }, `${status}`);
  }
  t.equal(asked, 0);
});

t.test('a listing that is huge, or made to be slow to read, is refused at once', limits, async (t) => {
  const { engine, store } = await open(t);
  const listing = (inside: string): string =>
    `<ListBucketResult><IsTruncated>false</IsTruncated>${inside}</ListBucketResult>`;
  const bodies = [
    listing('<Contents>'.repeat(500_000)),
    listing('<Contents><Key>'.repeat(300_000)),
    listing(`<Contents>${'<Size>1'.repeat(500_000)}`),
    listing(`<Contents><Key>x</Key><Size>1</Size></Contents>${' '.repeat(9_000_000)}`),
  ];
  for (const body of bodies) {
    engine.instead = () => Buffer.from(body);
    const startedMs = performance.now();
    await t.rejects(store.list('chunk'), { code: 'E_PEER_REFUSED' });
    t.ok(performance.now() - startedMs < 3_000, body.slice(0, 90));
  }
});

t.test('entities of a document of its own mean nothing', limits, async (t) => {
  const { engine, store } = await open(t);
  const entities =
    '<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;"><!ENTITY d SYSTEM "file:///etc/passwd">]>';
  const entry = '<Contents><Key>p/chunks/&c;&d;</Key><Size>1</Size></Contents>';
  engine.instead = () => Buffer.from(`${entities}<ListBucketResult>${entry}</ListBucketResult>`);
  t.same(await store.list('chunk'), []);
});

t.test('a listing that says again and again what it said is refused', limits, async (t) => {
  const { engine, store } = await open(t);
  const { id } = sampleObject('again');
  const entry = `<Contents><Key>p/chunks/${id.slice(0, 2)}/${id}</Key><Size>100</Size></Contents>`;
  const token = '<IsTruncated>true</IsTruncated><NextContinuationToken>same</NextContinuationToken>';
  let pages = 0;
  engine.instead = () => {
    pages++;
    return Buffer.from(`<ListBucketResult>${token}${entry}</ListBucketResult>`);
  };
  await t.rejects(store.list('chunk', { limit: 1_000_000 }), { code: 'E_PEER_REFUSED' });
  t.equal(pages, 2);
});

t.test('a note that is too long is none of ours, and no damaged object', limits, async (t) => {
  const { engine, store } = await open(t);
  engine.objects.set('p/holder.json', Buffer.alloc(300_000, 0x20));
  await t.rejects(store.readNote('holder.json'), { code: 'E_PEER_REFUSED', message: /too much/ });
});
