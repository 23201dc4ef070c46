// The work on one chunk. Source: src/core/jobs.ts.
import { createHash } from 'node:crypto';
import t from 'tap';
import type { StoreId } from '../../src/core/ids.js';
import type { EngineKeys, SealJob } from '../../src/core/jobs.js';
import { runJob } from '../../src/core/jobs.js';
import { plainIdOf } from '../../src/core/keys.js';
import { maxObjectBytes } from '../../src/core/object.js';
import { noise, text } from './samples.js';
import { keys, tryOpen } from './vault-of-tests.js';

const engineKeys: EngineKeys = { ...keys, dedupKey: noise('dedup', 32) };
const input = text('job', 5000);
const sealJob: SealJob = {
  type: 'seal',
  input,
  output: Buffer.alloc(maxObjectBytes(input.byteLength) + 100, 0xee),
  kind: 'chunk',
  salt: noise('job salt', 32),
  compression: 'auto',
};

t.test('a hash is SHA-256, a plain id is HMAC under the dedup key', async (t) => {
  t.equal(
    await runJob(engineKeys, { type: 'hash', input }),
    createHash('sha256').update(input).digest('hex'),
  );
  t.equal(await runJob(engineKeys, { type: 'plain-id', input }), plainIdOf(engineKeys.dedupKey, input));
});

t.test('a seal job writes an object to the front of its output, an open job a plaintext', async (t) => {
  const { id, length } = await runJob(engineKeys, sealJob);
  const object = sealJob.output.subarray(0, length);
  t.ok(tryOpen(object, { id }).content?.equals(input));
  t.ok(
    sealJob.output.subarray(-100).every((byte) => byte === 0xee),
    'and nothing behind it',
  );
  const output = Buffer.alloc(6000, 0xee);
  t.equal(
    await runJob(engineKeys, { type: 'open', input: object, output, kind: 'chunk', id, maxRawBytes: 6000 }),
    5000,
  );
  t.ok(output.subarray(0, 5000).equals(input));
  t.ok(output.subarray(5000).every((byte) => byte === 0xee));
});

t.test('an open job fails with the code of the check, and leaves its output alone', async (t) => {
  const { id, length } = await runJob(engineKeys, sealJob);
  const object = Buffer.from(sealJob.output.subarray(0, length));
  object[100] = (object[100] ?? 0) ^ 1;
  const output = Buffer.alloc(6000, 0xee);
  const job = { type: 'open', input: object, output, kind: 'chunk', maxRawBytes: 6000 } as const;
  await t.rejects(runJob(engineKeys, { ...job, id }), { code: 'E_OBJECT_ID' });
  const renamed = createHash('sha256').update(object).digest('hex') as StoreId;
  await t.rejects(runJob(engineKeys, { ...job, id: renamed }), { code: 'E_OBJECT_TAG' });
  t.ok(output.every((byte) => byte === 0xee));
});

t.test('results are plain data', async (t) => {
  for (const job of [sealJob, { type: 'hash', input } as const]) {
    const result = await runJob(engineKeys, job);
    t.same(JSON.parse(JSON.stringify(result)), result);
  }
});
