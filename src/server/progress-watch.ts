/**
 * Cuts off who lets the server wait: requests whose body, and answers whose taking, stop or crawl. Time that the
 * server itself needs does not count, so an open stream of events lives as long as it likes.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export interface ProgressLimits {
  /** Over how long the rate is taken, in ms: no byte in that time, or too few, is the end. */
  readonly windowMs: number;
  /** In bytes per second. */
  readonly minRate: number;
}

export interface ProgressWatch {
  /** Watches one exchange until its answer is out. `socket` is the TCP socket below, not the TLS one. */
  track(request: IncomingMessage, response: ServerResponse, socket: Socket): void;
  close(): void;
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly socket: Socket;
  waitedMs: number;
  movedBefore: number;
}

const TICKS_PER_WINDOW = 6;

/** The watch; `close` stops its timer. */
export function watchProgress({ windowMs, minRate }: ProgressLimits): ProgressWatch {
  const exchanges = new Set<Exchange>();
  const tickMs = windowMs / TICKS_PER_WINDOW;
  const minBytes = (windowMs / 1000) * minRate;
  const check = (exchange: Exchange): void => {
    const moved = movedBytes(exchange.socket);
    if (!isWaitingForClient(exchange)) {
      exchange.waitedMs = 0;
      exchange.movedBefore = moved;
      return;
    }
    exchange.waitedMs += tickMs;
    if (exchange.waitedMs < windowMs) return;
    if (moved - exchange.movedBefore < minBytes) exchange.socket.destroy();
    exchange.waitedMs = 0;
    exchange.movedBefore = moved;
  };
  const timer = setInterval(() => exchanges.forEach(check), tickMs);
  timer.unref();
  return {
    track(request, response, socket) {
      const exchange = { request, socket, waitedMs: 0, movedBefore: movedBytes(socket) };
      exchanges.add(exchange);
      response.once('close', () => exchanges.delete(exchange));
    },
    close: () => clearInterval(timer),
  };
}

function isWaitingForClient({ request, socket }: Exchange): boolean {
  const isSending = !request.complete && request.readableLength === 0;
  return isSending || queuedBytes(socket) > 0;
}

/** Bytes received, and bytes that the kernel has taken for sending. */
function movedBytes(socket: Socket): number {
  return socket.bytesRead + socket.bytesWritten - queuedBytes(socket);
}

/** Not public, but what Node itself looks at for its own timeouts; without it a slow reader counts as a fast one. */
function queuedBytes(socket: Socket): number {
  const { _handle: handle } = socket as { readonly _handle?: { readonly writeQueueSize?: number } | null };
  return socket.writableLength + (handle?.writeQueueSize ?? 0);
}
