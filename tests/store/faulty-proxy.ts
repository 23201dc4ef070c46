// A proxy in front of a real engine that does what networks and busy engines do, when it is told to.
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';

/** What happens to one request; undefined: it goes through. */
export type Fault =
  | {
      readonly type: 'answer';
      readonly status: number;
      readonly body?: string;
      readonly headers?: Record<string, string>;
    }
  /** The connection ends after so many bytes of the answer's body. */
  | { readonly type: 'cut-answer'; readonly afterBytes: number }
  /** The connection ends after so many bytes of the request's body, before the engine has it. */
  | { readonly type: 'cut-request'; readonly afterBytes: number }
  /** The engine's answer, with another body. */
  | { readonly type: 'edit-answer'; readonly edit: (body: string) => string }
  /** The engine has taken the request, and its answer is lost. */
  | { readonly type: 'lose-answer' }
  /** Nothing is ever answered. */
  | { readonly type: 'silence' };

export interface FaultyProxy {
  readonly host: string;
  /** Asked for each request, in order. */
  fault: (request: {
    readonly method: string;
    readonly path: string;
    readonly headers: IncomingMessage['headers'];
    readonly count: number;
  }) => Fault | undefined;
  /** Requests so far. */
  readonly seen: () => readonly string[];
}

export async function startProxy(test: Test, engine: string): Promise<FaultyProxy> {
  const [hostname = '', port = ''] = engine.split(':');
  const seen: string[] = [];
  const proxy = {
    host: '',
    fault: (() => undefined) as FaultyProxy['fault'],
    seen: () => seen,
  };
  const server: Server = createServer((incoming, outgoing) => {
    const { method = '', url: path = '' } = incoming;
    seen.push(`${method} ${path}`);
    const fault = proxy.fault({ method, path, headers: incoming.headers, count: seen.length });
    if (fault?.type === 'silence') return;
    if (fault?.type === 'answer') {
      incoming.resume();
      outgoing.writeHead(fault.status, fault.headers ?? {}).end(fault.body ?? '');
      return;
    }
    if (fault?.type === 'cut-request') return cutRequest(incoming, fault.afterBytes);
    // The signature is over the host's name: the engine must see the one that was signed.
    const onward = request({ hostname, port, method, path, headers: incoming.headers }, (answer) =>
      giveBack(answer, outgoing, fault),
    );
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  test.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  proxy.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return proxy;
}

function cutRequest(incoming: IncomingMessage, afterBytes: number): void {
  let length = 0;
  incoming.on('data', (part: Buffer) => {
    length += part.byteLength;
    if (length >= afterBytes) incoming.destroy();
  });
}

function giveBack(answer: IncomingMessage, outgoing: ServerResponse, fault: Fault | undefined): void {
  if (fault?.type === 'lose-answer') {
    answer.resume();
    answer.on('end', () => outgoing.destroy());
    return;
  }
  if (fault?.type === 'edit-answer') {
    const parts: Buffer[] = [];
    answer.on('data', (part: Buffer) => parts.push(part));
    answer.on('end', () => {
      const { 'transfer-encoding': _, 'content-length': __, ...headers } = answer.headers;
      outgoing.writeHead(answer.statusCode ?? 500, headers).end(fault.edit(String(Buffer.concat(parts))));
    });
    return;
  }
  outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
  if (fault?.type !== 'cut-answer') {
    answer.pipe(outgoing);
    return;
  }
  let left = fault.afterBytes;
  answer.on('data', (part: Buffer) => {
    outgoing.write(part.subarray(0, Math.max(0, left)));
    left -= part.byteLength;
    if (left <= 0) setImmediate(() => outgoing.destroy());
  });
}

/** A listing that does not show these keys: what is new on an engine whose listings lag. */
export function listingWithout(isHidden: (key: string) => boolean): FaultyProxy['fault'] {
  return ({ method, path }) =>
    method === 'GET' && path.includes('list-type=2')
      ? { type: 'edit-answer', edit: (body) => withoutKeys(body, isHidden) }
      : undefined;
}

function withoutKeys(body: string, isHidden: (key: string) => boolean): string {
  return body.replace(/<Contents>.*?<\/Contents>/gs, (entry) =>
    isHidden(/<Key>([^<]*)<\/Key>/.exec(entry)?.[1] ?? '') ? '' : entry,
  );
}
