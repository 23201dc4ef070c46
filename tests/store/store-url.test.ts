// How buckets and folders are written. Sources: src/store/store-url.ts.
import t from 'tap';
import { formatStoreUrl, isStoreUrl, parseStoreUrl } from '../../src/store/store-url.js';

const usual = {
  kind: 'bucket',
  prefix: '',
  region: 'us-east-1',
  style: 'path',
  tls: true,
  accessKeyId: undefined,
};

t.test('reads a bucket with all that may be said of it, and the defaults', async (t) => {
  const table = [
    ['s3://host/bucket', { host: 'host', bucket: 'bucket' }],
    [
      's3://KEY@h:9000/b-1/a/b/?tls=0',
      { host: 'h:9000', bucket: 'b-1', prefix: 'a/b', tls: false, accessKeyId: 'KEY' },
    ],
    ['s3://h/bu?region=eu-1&style=host', { host: 'h', bucket: 'bu', region: 'eu-1', style: 'host' }],
    ['s3://s3.eu-central-1.amazonaws.com/bu', { bucket: 'bu', region: 'eu-central-1' }],
    ['s3://s3.us-west-004.backblazeb2.com/bu', { bucket: 'bu', region: 'us-west-004' }],
    ['s3://abc.r2.cloudflarestorage.com/bu', { bucket: 'bu', region: 'auto' }],
    ['s3://[::1]:8000/bu?tls=0', { host: '[::1]:8000', bucket: 'bu', tls: false }],
  ] as const;
  for (const [url, expected] of table) t.match(parseStoreUrl(url), { ...usual, ...expected }, url);
});

t.test('has one spelling of a location, without the access key', async (t) => {
  const table = [
    ['s3://KEY@h/bucket/', 's3://h/bucket'],
    ['s3://h/bucket/a/?style=path&region=us-east-1&tls=1', 's3://h/bucket/a'],
    ['s3://h/bucket?tls=0&style=host&region=x-1', 's3://h/bucket?region=x-1&style=host&tls=0'],
    ['file:///mnt/usb/', 'file:///mnt/usb'],
    ['file:///mnt/my%20disk', 'file:///mnt/my%20disk'],
    ['file:///mnt/usb%231', 'file:///mnt/usb%231'],
  ] as const;
  for (const [url, expected] of table) {
    t.equal(formatStoreUrl(parseStoreUrl(url)), expected);
    t.equal(formatStoreUrl(parseStoreUrl(expected)), expected, 'which is read as itself');
  }
});

t.test('refuses what is no store, and never repeats a secret', async (t) => {
  const bad = [
    's3://',
    's3:///bucket',
    's3://host',
    's3://host/',
    's3://host/a',
    's3://host/b_%2f..',
    's3://host/bucket/a//b',
    's3://host/bucket/../x',
    's3://host/bucket/%2e%2e',
    's3://host/bucket/a+b',
    's3://host/bucket?region=a/b',
    's3://host/bucket?style=other',
    's3://host/bucket?tls=no',
    's3://host/bucket?secret=1',
    's3://host/bucket/a#b',
    's3://host/bucket#',
    's3://KEY%zz@host/bucket',
    's3://KEY%20@host/bucket',
    's3://a%20b/bucket',
    's3://%3c/bucket',
    'file:///mnt/usb#1',
    'file://other/folder',
    'file:///',
    'file:///a?b=1',
    'https://host/bucket',
    'folder',
    `s3://host/bucket/${'a/'.repeat(600)}`,
  ];
  for (const url of bad) t.throws(() => parseStoreUrl(url), { code: 'E_USAGE' }, url.slice(0, 60));
  for (const url of [
    's3://KEY:hunter2@host/bucket',
    's3://KEY:hunter2@',
    's3://KEY:hunter2@host/bucket?hunter2',
  ]) {
    const error = t.throws(() => parseStoreUrl(url), { code: 'E_USAGE' }) as Error & { hint?: string };
    t.notMatch(`${error.message} ${error.hint}`, /hunter2/, url);
  }
  t.same(['s3://a', 'file:///a', 'nas:8080', 'http://nas:8080'].map(isStoreUrl), [true, true, false, false]);
});
