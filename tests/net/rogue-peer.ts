// A TLS server that answers byte for byte what a test wants, however wrong. It counts what reaches it.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import type { Test } from 'tap';
import type { Credentials } from '../../src/net/certificates.js';

export interface RogueRequest {
  /** The request line and headers. */
  readonly head: string;
  /** Counts from 1, over all connections. */
  readonly number: number;
}

export interface RoguePeer {
  readonly port: number;
  readonly address: string;
  readonly heads: readonly string[];
  readonly connections: () => number;
  /** Bytes of requests that came in, after TLS. */
  readonly bytes: () => number;
}

/** `answer` is called at the end of each request's headers. */
export async function roguePeer(
  t: Test,
  { keyPem, certificatePem, caPem }: Credentials,
  answer: (socket: TLSSocket, request: RogueRequest) => void,
): Promise<RoguePeer> {
  const heads: string[] = [];
  const sockets = new Set<TLSSocket>();
  let connections = 0;
  let bytes = 0;
  const options = { key: keyPem, cert: `${certificatePem}\n${caPem}`, ca: caPem, requestCert: true };
  const server = createServer({ ...options, rejectUnauthorized: false, minVersion: 'TLSv1.3' }, (socket) => {
    connections++;
    sockets.add(socket);
    let text = '';
    socket.on('error', () => {});
    socket.on('data', (part: Buffer) => {
      bytes += part.byteLength;
      text += part.toString('latin1');
      for (;;) {
        const end = text.indexOf('\r\n\r\n');
        if (end < 0 || !/^(GET|HEAD|POST|PUT) /.test(text)) break;
        const head = text.slice(0, end);
        text = text.slice(end + 4);
        heads.push(head);
        answer(socket, { head, number: heads.length });
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const { port } = server.address() as AddressInfo;
  return { port, address: `127.0.0.1:${port}`, heads, connections: () => connections, bytes: () => bytes };
}

/** An answer with a body of known length. */
export function reply(status: number, body: string | Buffer, headers: readonly string[] = []): Buffer {
  const bytes = Buffer.from(body as string, 'latin1');
  const head = [`HTTP/1.1 ${status} Words`, `Content-Length: ${bytes.byteLength}`, ...headers, '', ''];
  return Buffer.concat([Buffer.from(head.join('\r\n'), 'latin1'), bytes]);
}
