// Inline at first, on threads when there is enough to do. Source: src/core/engine.ts.
import type { Worker } from 'node:worker_threads';
import t from 'tap';
import { createEngine } from '../../src/core/engine.js';
import type { EngineKeys, OpenJob, SealJob } from '../../src/core/jobs.js';
import { maxObjectBytes } from '../../src/core/object.js';
import { INLINE_BELOW_BYTES } from '../../src/limits.js';
import { noise, text } from './samples.js';
import { keys } from './vault-of-tests.js';

const engineKeys: EngineKeys = { ...keys, dedupKey: noise('dedup', 32) };

/** Every thread that this process has started. */
const threads: Worker[] = [];
process.on('worker', (worker) => threads.push(worker));

const shared = (length: number): Buffer => Buffer.from(new SharedArrayBuffer(length));

function sealJob(input: Buffer, seed: number): SealJob {
  const output = shared(maxObjectBytes(input.byteLength));
  return { type: 'seal', input, output, kind: 'chunk', salt: noise(seed, 32), compression: 'auto' };
}

for (const [count, started] of [
  [INLINE_BELOW_BYTES - 1, 0],
  [INLINE_BELOW_BYTES, 2],
] as const) {
  t.test(`${count} bytes start ${started} threads`, async (t) => {
    const before = threads.length;
    const engine = createEngine(engineKeys, 2);
    await engine.run({ type: 'hash', input: shared(1) });
    t.equal(threads.length - before, 0, 'little is done inline');
    await engine.run({ type: 'hash', input: shared(count - 1) });
    t.equal(threads.length - before, started);
    await engine.close();
  });
}

t.test('without threads everything is done inline', async (t) => {
  const before = threads.length;
  const engine = createEngine(engineKeys, 0);
  t.equal(engine.concurrency, 1);
  for (let run = 0; run < 3; run++) await engine.run({ type: 'hash', input: shared(INLINE_BELOW_BYTES) });
  t.equal(threads.length, before);
  await engine.close();
});

t.test('two jobs a thread are worth having under way', async (t) => {
  for (const [count, concurrency] of [
    [1, 2],
    [4, 8],
  ] as const) {
    const engine = createEngine(engineKeys, count);
    t.equal(engine.concurrency, concurrency);
    await engine.close();
  }
});

t.test('what is sealed inline is opened on a thread, and the other way round', async (t) => {
  const raw = text('engine', 300_000);
  const input = shared(raw.byteLength);
  raw.copy(input);
  const inline = createEngine(engineKeys, 0);
  const threaded = createEngine(engineKeys, 1);
  await threaded.run({ type: 'hash', input: shared(INLINE_BELOW_BYTES) });
  for (const [writer, reader] of [
    [inline, threaded],
    [threaded, inline],
    [threaded, threaded],
  ] as const) {
    const job = sealJob(input, 1);
    const { id, length } = await writer.run(job);
    const output = shared(raw.byteLength);
    const open: OpenJob = {
      type: 'open',
      input: job.output.subarray(0, length),
      output,
      kind: 'chunk',
      id,
      maxRawBytes: raw.byteLength,
    };
    t.equal(await reader.run(open), raw.byteLength);
    t.ok(output.equals(raw));
  }
  const [a, b] = [sealJob(input, 2), sealJob(input, 2)];
  t.same(await inline.run(a), await threaded.run(b), 'both make the same object');
  t.same(
    await inline.run({ type: 'plain-id', input }),
    await threaded.run({ type: 'plain-id', input }),
    'and the same plain id',
  );
  await threaded.close();
  await inline.close();
});

t.test('many jobs at once each get their own result', async (t) => {
  const engine = createEngine(engineKeys, 2);
  await engine.run({ type: 'hash', input: shared(INLINE_BELOW_BYTES) });
  const inputs = Array.from({ length: 60 }, (_, index) => shared(1000).fill(index));
  const inline = createEngine(engineKeys, 0);
  const wanted = await Promise.all(inputs.map((input) => inline.run({ type: 'hash', input })));
  t.same(await Promise.all(inputs.map((input) => engine.run({ type: 'hash', input }))), wanted);
  await engine.close();
});

t.test('when a thread dies, the engine fails instead of hanging', async (t) => {
  const engine = createEngine(engineKeys, 1);
  await engine.run({ type: 'hash', input: shared(INLINE_BELOW_BYTES) });
  await threads.at(-1)?.terminate();
  await t.rejects(engine.run({ type: 'hash', input: shared(1) }), { name: 'DisktroError', code: 'E_WORKER' });
  await engine.close();
});

t.test('a failed check is the same error on a thread as inline', async (t) => {
  const engine = createEngine(engineKeys, 1);
  await engine.run({ type: 'hash', input: shared(INLINE_BELOW_BYTES) });
  const job = sealJob(shared(1000), 3);
  const { id, length } = await engine.run(job);
  job.output[60] = (job.output[60] ?? 0) ^ 1;
  const open = {
    type: 'open',
    input: job.output.subarray(0, length),
    output: shared(1000),
    kind: 'chunk',
    id,
    maxRawBytes: 1000,
  } as const;
  await t.rejects(engine.run(open), { name: 'DisktroError', code: 'E_OBJECT_ID' });
  await t.rejects(createEngine(engineKeys, 0).run(open), { name: 'DisktroError', code: 'E_OBJECT_ID' });
  t.equal(typeof (await engine.run({ type: 'hash', input: shared(1) })), 'string', 'and the thread goes on');
  await engine.close();
});
