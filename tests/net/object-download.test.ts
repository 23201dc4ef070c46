// Objects to and from a peer: resumed, bounded, slowed down. Sources: src/net/object-download.ts,
// src/net/peer-client.ts, src/net/peer-exchange.ts.
import t from 'tap';
import { maxObjectBytes } from '../../src/core/object.js';
import { MAX_RAW_BYTES } from '../../src/limits.js';
import { BandwidthLimit } from '../../src/net/rate-limit.js';
import { sampleBytes } from '../ops/sample-bytes.js';
import { openPort } from '../server/one-port.js';
import { against, clientOf, id, peer, type Script } from './asking.js';
import { reply } from './rogue-peer.js';

t.test('goes on inside an object when the connection breaks, three times and no more', async (t) => {
  const object = sampleBytes('resumed', 300_000);
  const serve =
    (breaks: number): Script =>
    (socket, { head, number }) => {
      const first = Number(/range: bytes=(\d+)-/i.exec(head)?.[1] ?? 0);
      const rest = object.subarray(first);
      const range = [`Content-Range: bytes ${first}-${object.length - 1}/${object.length}`];
      const answer = reply(/range:/i.test(head) ? 206 : 200, rest, range);
      if (number > breaks) socket.write(answer);
      else socket.write(answer.subarray(0, answer.length - rest.length + 50_000), () => socket.destroy());
    };
  const { client, rogue } = await against(t, serve(3));
  const target = Buffer.alloc(400_000);
  t.equal(await client.getObject(id, target), object.length);
  t.ok(target.subarray(0, object.length).equals(object));
  t.equal(rogue.heads.length, 4);
  t.match(rogue.heads[1], /range: bytes=\d{4,}-\r?/i);
  const often = await against(t, serve(9));
  await t.rejects(often.client.getObject(id, target), { code: 'E_PEER_UNREACHABLE' });
  t.equal(often.rogue.heads.length, 4);
});

t.test('refuses objects that are too long, cut off, or another part than asked for', async (t) => {
  const target = Buffer.alloc(100, 0xee);
  const part = (range: string, body = 'x'.repeat(10)): Buffer =>
    reply(206, body, [`Content-Range: ${range}`]);
  const range = { offset: 10, length: 10 };
  const table: [string, Buffer | string, object, string][] = [
    ['too long', reply(200, 'x'.repeat(101)), {}, 'E_OBJECT_LENGTH'],
    ['no length', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', {}, 'E_PEER_REFUSED'],
    ['a part unasked', part('bytes 0-9/10'), {}, 'E_PEER_REFUSED'],
    ['the whole for a part', reply(200, 'x'.repeat(10)), { range }, 'E_PEER_REFUSED'],
    ['another part', part('bytes 0-9/100'), { range }, 'E_PEER_REFUSED'],
    ['a part of another length', part('bytes 10-19/100', 'x'), { range }, 'E_PEER_REFUSED'],
    ['more than a part', part('bytes 10-20/100', 'x'.repeat(11)), { range }, 'E_PEER_REFUSED'],
    ['no range named', part('pages'), { range }, 'E_PEER_REFUSED'],
  ];
  for (const [title, answer, options, code] of table) {
    const { client } = await against(t, (socket) => socket.write(answer));
    await t.rejects(client.getObject(id, target, options), { code }, title);
  }
  t.ok(
    target.every((byte) => byte === 0xee),
    'nothing of them was written',
  );
});

t.test('reads the longest object that one may have, and none that is longer', async (t) => {
  const longest = maxObjectBytes(MAX_RAW_BYTES);
  const answer = reply(200, Buffer.alloc(longest));
  const timeouts = { connectMs: 30_000, headersMs: 30_000, progressMs: 30_000 };
  const whole = await against(t, (socket) => socket.write(answer), { timeouts });
  t.equal((await whole.client.readObject(id)).byteLength, longest);
  const tooLong = `HTTP/1.1 200 OK\r\nContent-Length: ${longest + 1}\r\n\r\n`;
  const longer = await against(t, (socket) => socket.write(tooLong));
  await t.rejects(longer.client.readObject(id), { code: 'E_OBJECT_LENGTH' });
});

t.test('keeps the limits of bandwidth, both ways and over several requests', async (t) => {
  const object = sampleBytes('limited', 200_000);
  const { port } = await openPort(t, {
    tls: peer.credentials,
    handler: async (request, response) => {
      for await (const _ of request);
      response.statusCode = request.method === 'PUT' ? 201 : 200;
      response.setHeader('content-length', request.method === 'PUT' ? 0 : object.length);
      response.end(request.method === 'PUT' ? '' : object);
    },
  });
  const limit = () => new BandwidthLimit(500_000);
  const client = clientOf(t, `127.0.0.1:${port}`, { uploadLimit: limit(), downloadLimit: limit() });
  const timed = async (work: () => Promise<unknown>): Promise<number> => {
    const startMs = performance.now();
    await Promise.all([work(), work(), work()]);
    return performance.now() - startMs;
  };
  const up = await timed(() => client.putObject('chunk', id, object));
  const down = await timed(() => client.getObject(id, Buffer.alloc(object.length)));
  for (const ms of [up, down]) t.ok(ms > 450 && ms < 3000, `600 kB at 500 kB/s in ${Math.round(ms)} ms`);
});
