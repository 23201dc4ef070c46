// Clients that leave, wait and pile up: what they took of the server's memory comes back, and others are still served.
// Sources: src/server/routes/objects.ts, src/server/exchanges.ts, src/server/body-buffers.ts.
import { setTimeout as pause } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { sha256Hex } from '../../src/core/hashes.js';
import type { StoreId } from '../../src/core/ids.js';
import { BandwidthLimit } from '../../src/net/rate-limit.js';
import { HeldWriter } from '../../src/ops/copies/held-writer.js';
import { openNodeHome } from '../../src/ops/home/home.js';
import { BodyBuffers } from '../../src/server/body-buffers.js';
import { objectRoutes } from '../../src/server/routes/objects.js';
import type { ServingNode } from '../../src/server/serving-node.js';
import { sampleBytes } from '../ops/sample-bytes.js';
import { scratchFolder } from '../ops/scratch-home.js';
import { dial, openPort } from './one-port.js';

const MIB = 1024 * 1024;

function objectOf(name: string, length: number): { id: StoreId; bytes: Buffer } {
  const bytes = sampleBytes(name, length);
  bytes.write('DSK1', 'latin1');
  return { id: sha256Hex(bytes) as StoreId, bytes };
}

/** The routes on a real port; `bodies` and `sends` are the bytes that they may take. */
async function serve(t: Test, { bodies = 8 * MIB, sends = 8 * MIB, upload = 0, download = 0 } = {}) {
  const home = await openNodeHome({ home: `${scratchFolder(t)}/node` });
  t.teardown(() => home.close());
  const writer = new HeldWriter(home, { quotaBytes: 0, reserveBytes: 0 });
  const limitOf = (rate: number) => (rate === 0 ? undefined : new BandwidthLimit(rate));
  const limits = { upload: limitOf(upload), download: limitOf(download) };
  const failures: unknown[] = [];
  const node = {
    home,
    writer,
    bodies: new BodyBuffers(bodies),
    sends: new BodyBuffers(sends),
    cluster: () => limits,
    noteFresh: () => {},
    log: { error: () => {}, debug: () => {}, info: () => {}, warning: () => {} },
  } as unknown as ServingNode;
  const routes = objectRoutes(node);
  const port = await openPort(t, {
    handler: async (request, response, connection) => {
      const url = new URL(request.url ?? '', 'http://localhost');
      const route = routes.find(({ method, path }) => method === request.method && path === url.pathname);
      const caller = 'a'.repeat(52) as never;
      const call = { request, response, connection, query: url.searchParams, caller };
      await route?.handle(call).catch((error: unknown) => {
        failures.push(error);
        throw error;
      });
    },
  });
  return { port: port.port, writer, failures };
}

async function status(port: number, method: string, id: StoreId, body?: Buffer): Promise<number> {
  const init = body === undefined ? {} : { body: new Uint8Array(body) };
  const url = `http://127.0.0.1:${port}/chunk?id=${id}`;
  const answer = await fetch(url, { method, signal: AbortSignal.timeout(10_000), ...init });
  await answer.arrayBuffer();
  return answer.status;
}

const asking = (id: StoreId): string => `GET /chunk?id=${id} HTTP/1.1\r\nHost: localhost\r\n\r\n`;

t.test('senders that leave while they wait for room give it back', async (t) => {
  const { port } = await serve(t, { bodies: MIB });
  const begin = (name: string) => {
    const socket = dial(t, port);
    const { id } = objectOf(name, 1000);
    socket.write(`PUT /chunk?id=${id} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${MIB}\r\n\r\nabc`);
    return socket;
  };
  const first = begin('first');
  await pause(300);
  const waiting = begin('waiting');
  await pause(300);
  waiting.destroy();
  await pause(300);
  first.destroy();
  const { id, bytes } = objectOf('good', 900_000);
  t.equal(await status(port, 'PUT', id, bytes), 201);
});

t.test(
  'an upload that breaks off is no bug of this node, with a limit on bandwidth or without',
  async (t) => {
    for (const download of [0, MIB]) {
      const { port, failures } = await serve(t, { download });
      const socket = dial(t, port);
      const { id } = objectOf('cut', 1000);
      socket.write(`PUT /chunk?id=${id} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${MIB}\r\n\r\nDSK1`);
      await pause(300);
      socket.destroy();
      for (let tries = 0; tries < 50 && failures.length === 0; tries++) await pause(100);
      t.match(failures, [{ code: 'E_USAGE', message: 'the body broke off' }], `a limit of ${download}`);
    }
  },
);

t.test('answers that wait behind another on a connection that is cut give their room back', async (t) => {
  const { port, writer } = await serve(t);
  const { id, bytes } = objectOf('asked for', 4 * MIB);
  await writer.put('chunk', id, bytes);
  const socket = dial(t, port).pause();
  socket.write(asking(id).repeat(8));
  await pause(500);
  socket.destroy();
  await pause(300);
  t.equal(await status(port, 'GET', id), 200);
  t.equal(await status(port, 'GET', id), 200);
});

t.test('many slow clients: each has the first of its answer soon', async (t) => {
  const { port, writer } = await serve(t, { upload: 4 * MIB });
  const { id, bytes } = objectOf('slow', 4 * MIB);
  await writer.put('chunk', id, bytes);
  const count = 12;
  let begun = 0;
  for (let index = 0; index < count; index++) {
    const socket = dial(t, port);
    socket.once('data', () => begun++);
    socket.write(asking(id));
  }
  await pause(4_000);
  t.equal(begun, count);
});
