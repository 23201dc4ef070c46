// Signatures of requests, against the worked examples of AWS and against a real engine (the other tests of buckets).
// Source: src/store/s3-signature.ts. The examples: Amazon S3 API reference, "Signature Calculations for the Authorization
// Header: Transferring Payload in a Single Chunk".
import t from 'tap';
import { S3Signer } from '../../src/store/s3-signature.js';

const KEYS = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const DATE = new Date('2013-05-24T00:00:00Z');
const HOST = 'https://examplebucket.s3.amazonaws.com';

const EXAMPLES = [
  {
    name: 'an object with a range',
    method: 'GET',
    url: `${HOST}/test.txt`,
    headers: { range: 'bytes=0-9' },
    bodySha256: EMPTY,
    signature: 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
  },
  {
    name: 'a sub-resource without a value',
    method: 'GET',
    url: `${HOST}/?lifecycle`,
    headers: {},
    bodySha256: EMPTY,
    signature: 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
  },
  {
    name: 'a query that has to be sorted',
    method: 'GET',
    url: `${HOST}/?prefix=J&max-keys=2`,
    headers: {},
    bodySha256: EMPTY,
    signature: '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
  },
  {
    name: 'a body, with an escape in the path',
    method: 'PUT',
    url: `${HOST}/test%24file.text`,
    headers: { date: 'Fri, 24 May 2013 00:00:00 GMT', 'x-amz-storage-class': 'REDUCED_REDUNDANCY' },
    bodySha256: '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072',
    signature: '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
  },
] as const;

t.test('a request is signed as AWS has it', async (t) => {
  const signer = new S3Signer(KEYS, 'us-east-1');
  for (const { name, url, signature, ...request } of EXAMPLES) {
    const headers = signer.sign({ ...request, url: new URL(url), date: DATE });
    t.equal(headers.authorization?.split('Signature=')[1], signature, name);
  }
});

t.test('the key of a day is not used on the next', async (t) => {
  const [first, ...others] = EXAMPLES;
  const request = { ...first, url: new URL(first.url) };
  const signer = new S3Signer(KEYS, 'us-east-1');
  t.equal(others.length, 3);
  signer.sign({ ...request, date: new Date('2013-05-23T23:59:59Z') });
  t.match(signer.sign({ ...request, date: DATE }).authorization, first.signature);
});

t.test('a session token is sent and signed, a secret never', async (t) => {
  const signer = new S3Signer({ ...KEYS, sessionToken: 'token-of-a-session' }, 'eu-central-1');
  const [first] = EXAMPLES;
  const headers = signer.sign({ ...first, url: new URL(first.url), date: DATE });
  t.equal(headers['x-amz-security-token'], 'token-of-a-session');
  t.match(headers.authorization, /SignedHeaders=[^,]*x-amz-security-token/);
  t.notMatch(JSON.stringify(headers), /wJalrXUtn/);
});
