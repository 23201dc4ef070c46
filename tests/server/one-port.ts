// A listener on a free port that ends with its test, and sockets that speak to it by hand.
import { connect as connectTcp, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import type { Test } from 'tap';
import type { Credentials } from '../../src/net/certificates.js';
import type { RequestHandler } from '../../src/server/exchanges.js';
import { replyJson, replyText } from '../../src/server/json-body.js';
import {
  type Listener,
  type ListenLimits,
  type ListenOptions,
  listenOnePort,
} from '../../src/server/listen.js';

/** Times short enough to wait for in a test. */
export const SHORT_LIMITS: Partial<ListenLimits> = {
  silentMs: 300,
  handshakeMs: 400,
  headersMs: 400,
  idleMs: 400,
  progressMs: 600,
  lingerMs: 300,
};

/** `/ping` is pong; anything else tells who asked. */
export const tellWho: RequestHandler = (request, response, connection) => {
  if (request.url === '/ping') return replyText(response, 200, 'pong');
  const { isTls, isLoopback, peer } = connection;
  return replyJson(response, 200, { isTls, isLoopback, peer: peer?.nodeId });
};

/** What was logged stands in `log`. */
export async function openPort(
  t: Test,
  options: Partial<ListenOptions>,
): Promise<Listener & { readonly log: readonly string[] }> {
  const log: string[] = [];
  const listener = await listenOnePort({
    host: '127.0.0.1',
    port: 0,
    isPortFixed: false,
    tls: undefined,
    handler: tellWho,
    log: (message) => log.push(message),
    ...options,
  });
  t.teardown(() => listener.close(0));
  return Object.assign(listener, { log });
}

/** A TCP socket that collects what comes. */
export function dial(t: Test, port: number): Socket {
  const socket = connectTcp({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => {});
  t.teardown(() => socket.destroy());
  return socket;
}

/** A TLS socket with or without a certificate; whoever answers is taken. */
export function dialTls(
  t: Test,
  port: number,
  credentials?: Credentials,
  options: ConnectionOptions = {},
): TLSSocket {
  const socket = connectTls({
    port,
    host: '127.0.0.1',
    rejectUnauthorized: false,
    ...(credentials && { key: credentials.keyPem, cert: credentials.certificatePem }),
    ...options,
  });
  socket.on('error', () => {});
  t.teardown(() => socket.destroy());
  return socket;
}

/** Everything until the other side ends or breaks the connection. */
export function readAll(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    socket.on('data', (part: Buffer) => {
      text += part.toString('latin1');
    });
    socket.once('close', () => resolve(text));
    socket.once('end', () => resolve(text));
  });
}

/** Everything until `count` answers with these words have come, or the end. */
export function readUntil(socket: Socket, words: string, count = 1): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const onData = (part: Buffer): void => {
      text += part.toString('latin1');
      if (text.split(words).length > count) done();
    };
    const done = (): void => {
      socket.off('data', onData).off('close', done);
      resolve(text);
    };
    socket.on('data', onData).once('close', done);
  });
}

export const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    if (socket.destroyed || socket.readableEnded) resolve();
    socket.resume();
    socket.once('close', () => resolve());
    socket.once('end', () => resolve());
  });

export const request = (path: string, headers = ''): string =>
  `GET ${path} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`;
