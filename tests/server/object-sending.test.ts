// Bytes of a file to a client: exactly what was asked for, nothing whole that is wrong, and little memory for each
// client. Over a real socket. Sources: src/server/object-sending.ts, src/server/body-buffers.ts.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { StoreId } from '../../src/core/ids.js';
import { BodyBuffers } from '../../src/server/body-buffers.js';
import {
  checkFile,
  SEND_BYTES,
  sendFromMemory,
  sendPart,
  sendWhileReading,
} from '../../src/server/object-sending.js';
import { sampleBytes } from '../ops/sample-bytes.js';

const LARGE = 3 * SEND_BYTES + 12_345;

interface Served {
  readonly file: string;
  readonly bytes: Buffer;
  readonly id: StoreId;
}

function fileOf(t: Test, length: number): Served {
  const bytes = Buffer.from(sampleBytes('sent', length));
  const file = join(t.testdir(), 'object');
  writeFileSync(file, bytes);
  return { file, bytes, id: createHash('sha256').update(bytes).digest('hex') as StoreId };
}

/** What a client gets from `send`, and how `send` ended. */
async function fetched(
  t: Test,
  length: number,
  send: (response: ServerResponse) => Promise<void>,
): Promise<{ body: Buffer; outcome: unknown }> {
  let sending: Promise<unknown> | undefined;
  const server = createServer((_, response) => {
    response.setHeader('Content-Length', length);
    sending = send(response).catch((error: unknown) => {
      response.destroy();
      return error;
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const parts: Buffer[] = [];
  const socket = connect(port, '127.0.0.1', () =>
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'),
  );
  socket.on('data', (part: Buffer) => parts.push(part)).on('error', () => {});
  await once(socket, 'close');
  const answer = Buffer.concat(parts);
  const head = answer.indexOf('\r\n\r\n');
  return { body: head < 0 ? Buffer.alloc(0) : answer.subarray(head + 4), outcome: await sending };
}

t.test('all of an object, and any part of it', async (t) => {
  const small = fileOf(t, 100_001);
  for (const [start, end] of [
    [0, 100_000],
    [0, 0],
    [32_768, 65_535],
    [99_999, 100_000],
  ] as const) {
    const room = Buffer.alloc(small.bytes.byteLength);
    const { body, outcome } = await fetched(t, end + 1 - start, (response) =>
      sendFromMemory(small.file, small.id, { start, end }, room, response),
    );
    t.equal(outcome, undefined);
    t.ok(body.equals(small.bytes.subarray(start, end + 1)), `from memory, ${start} to ${end}`);
  }
  const large = fileOf(t, LARGE);
  const whole = await fetched(t, LARGE, (response) =>
    sendWhileReading(large.file, large.id, { sizeBytes: LARGE }, Buffer.alloc(SEND_BYTES), response),
  );
  t.ok(whole.body.equals(large.bytes), 'while it is read');
  const [start, end] = [SEND_BYTES - 3, 2 * SEND_BYTES + 7];
  const part = await fetched(t, end + 1 - start, async (response) => {
    const room = Buffer.alloc(SEND_BYTES);
    await checkFile(large.file, large.id, LARGE, room);
    await sendPart(large.file, { start, end }, room, response);
  });
  t.ok(part.body.equals(large.bytes.subarray(start, end + 1)), 'a part of a large one');
});

t.test('an object with a wrong byte is never sent to its end', async (t) => {
  for (const at of [0, SEND_BYTES, LARGE - 1]) {
    const { file, bytes, id } = fileOf(t, LARGE);
    const bad = Buffer.from(bytes);
    bad[at] = (bad[at] ?? 0) ^ 1;
    writeFileSync(file, bad);
    const room = Buffer.alloc(SEND_BYTES);
    const { body, outcome } = await fetched(t, LARGE, (response) =>
      sendWhileReading(file, id, { sizeBytes: LARGE }, room, response),
    );
    t.match(outcome, { code: 'E_OBJECT_ID' });
    t.ok(body.byteLength < LARGE, `wrong at ${at}: the end is held back`);
    await t.rejects(checkFile(file, id, LARGE, room), { code: 'E_OBJECT_ID' });
    const small = await fetched(t, LARGE, (response) =>
      sendFromMemory(file, id, { start: 0, end: 0 }, Buffer.alloc(LARGE), response),
    );
    t.match(small.outcome, { code: 'E_OBJECT_ID' });
    t.equal(small.body.byteLength, 0, 'from memory nothing at all is sent');
  }
});

t.test('a file that has become shorter is an error, in each way of sending', async (t) => {
  const { file, bytes, id } = fileOf(t, LARGE);
  writeFileSync(file, bytes.subarray(0, LARGE - 1));
  const room = Buffer.alloc(SEND_BYTES);
  for (const send of [
    (response: ServerResponse) =>
      sendFromMemory(file, id, { start: 0, end: LARGE - 1 }, Buffer.alloc(LARGE), response),
    (response: ServerResponse) => sendWhileReading(file, id, { sizeBytes: LARGE }, room, response),
    (response: ServerResponse) => sendPart(file, { start: 0, end: LARGE - 1 }, room, response),
  ]) {
    const { body, outcome } = await fetched(t, LARGE, send);
    t.match(outcome, { code: 'E_OBJECT_LENGTH' });
    t.ok(body.byteLength < LARGE);
  }
});

t.test(
  'a client that takes nothing holds two records, not the object; when it goes, the sending ends',
  async (t) => {
    const length = 16 * 1024 * 1024;
    const { file, id } = fileOf(t, length);
    let response: ServerResponse | undefined;
    let sending: Promise<void> | undefined;
    const server = createServer((_, answer) => {
      response = answer;
      answer.setHeader('Content-Length', length);
      sending = sendFromMemory(file, id, { start: 0, end: length - 1 }, Buffer.alloc(length), answer);
      sending.catch(() => {});
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.teardown(() => server.close());
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1', () =>
      socket.pause().write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'),
    );
    socket.on('error', () => {});
    await once(server, 'request');
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    t.ok((response?.writableLength ?? 0) <= 64 * 1024, `${response?.writableLength} bytes wait`);
    socket.destroy();
    await t.rejects(sending ?? Promise.resolve());
  },
);

t.test(
  'a buffer that a failed write may still look at is not used again, and its room is free',
  async (t) => {
    const buffers = new BodyBuffers(100_000);
    const first = await buffers.take(100_000);
    first.release(false);
    const second = await buffers.take(100_000);
    t.not(second.bytes.buffer, first.bytes.buffer);
    second.release();
    const third = await buffers.take(100_000);
    t.equal(third.bytes.buffer, second.bytes.buffer, 'one that is free is');
    third.release();
  },
);
