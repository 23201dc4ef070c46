/**
 * Requests and their answers on all connections of the one port: hands each to the handler with what is known of its
 * sender, cuts off those who do not keep up, and at the end waits for those that run.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type Connection, connectionOf } from './connection.js';
import { refusal, replyError } from './json-body.js';
import { watchProgress } from './progress-watch.js';

/** Answers one request. What it throws becomes the answer, when none was begun. */
export type RequestHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  connection: Connection,
) => Promise<void> | void;

export interface ExchangeOptions {
  readonly handler: RequestHandler;
  readonly log: (message: string) => void;
  readonly limits: {
    readonly progressMs: number;
    readonly minRate: number;
    readonly lingerMs: number;
    readonly maxPipelined: number;
  };
  /** Ms since 1970. */
  readonly clock: () => number;
  readonly caPem: () => string | undefined;
  /** The TCP socket that a TLS socket runs on. */
  readonly socketBelow: (socket: Socket) => Socket;
}

export interface Exchanges {
  readonly onRequest: (request: IncomingMessage, response: ServerResponse) => void;
  /** Refuses what comes from now on, and resolves when all that runs has ended or `graceMs` are over. */
  end(graceMs: number): Promise<void>;
}

export function serveExchanges(options: ExchangeOptions): Exchanges {
  const { limits } = options;
  const watch = watchProgress({ windowMs: limits.progressMs, minRate: limits.minRate });
  const running = new Set<ServerResponse>();
  const runningOn = new WeakMap<Socket, Set<ServerResponse>>();
  let isEnding = false;
  let onIdle = (): void => {};

  const begin = (socket: Socket, response: ServerResponse): void => {
    running.add(response);
    const answers = runningOn.get(socket) ?? answersOn(socket);
    runningOn.set(socket, answers.add(response));
    response.once('close', () => {
      running.delete(response);
      answers.delete(response);
      if (running.size === 0) onIdle();
    });
  };

  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const { socket } = request;
    if ((runningOn.get(socket)?.size ?? 0) >= limits.maxPipelined) {
      socket.destroy();
      return;
    }
    begin(socket, response);
    watch.track(request, response, options.socketBelow(socket));
    response.once('finish', () => lingerOrEnd(request, limits.lingerMs, isEnding));
    // What is written to a connection that has gone is nobody's error; the handler sees `close`.
    response.on('error', () => {});
    if (hasTwoLengths(request)) {
      response.setHeader('connection', 'close');
      replyError(response, refusal(400, 'a body whose length can be read in two ways'));
      return;
    }
    if (isEnding) {
      response.setHeader('connection', 'close');
      replyError(response, refusal(503, 'this node is stopping'));
      return;
    }
    void answer(request, response, options);
  };

  return {
    onRequest,
    async end(graceMs) {
      isEnding = true;
      if (running.size > 0 && graceMs > 0) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, graceMs);
          onIdle = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      watch.close();
    },
  };
}

/** Node tells of the end of a connection only the answer that is being written, not those that wait behind it. */
function answersOn(socket: Socket): Set<ServerResponse> {
  const answers = new Set<ServerResponse>();
  socket.once('close', () => {
    for (const waiting of [...answers].filter((each) => each.socket === null)) {
      waiting.destroy();
      waiting.emit('close');
    }
  });
  return answers;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { handler, caPem, clock, log }: ExchangeOptions,
): Promise<void> {
  try {
    await handler(request, response, connectionOf(request.socket, caPem(), clock()));
  } catch (error) {
    if (!response.destroyed) log(`${request.method} ${pathOf(request)}: ${String(error)}`);
    replyError(response, error);
  }
}

/** The parser refuses such requests too, some of them only when the handler has them already. */
function hasTwoLengths({ headers }: IncomingMessage): boolean {
  const encoding = headers['transfer-encoding'];
  if (encoding === undefined) return false;
  return encoding.toLowerCase() !== 'chunked' || headers['content-length'] !== undefined;
}

/** After an answer the rest of the request is thrown away, but not for ever. */
function lingerOrEnd(request: IncomingMessage, lingerMs: number, isEnding: boolean): void {
  const { socket } = request;
  if (isEnding) {
    socket.end();
    return;
  }
  if (request.complete) return;
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  request.once('close', () => clearTimeout(timer));
}

/** Without the query, which may hold ids. */
const pathOf = (request: IncomingMessage): string => (request.url ?? '').split('?', 1)[0] ?? '';
