// An S3 engine in this process, for what a real one does too rarely: bad answers, foreign keys. Looks at no signature.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';

export class MemoryEngine {
  readonly objects = new Map<string, Buffer>();
  /** A body in place of the right one; the key of a listing is empty. */
  instead: (method: string, key: string) => Buffer | undefined = () => undefined;
  port = 0;

  /** Ends with its test. */
  static async start(t: Test): Promise<MemoryEngine> {
    const engine = new MemoryEngine();
    const server = createServer((request, response) => void engine.#answer(request, response));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    engine.port = (server.address() as AddressInfo).port;
    t.teardown(() => {
      server.closeAllConnections();
      server.close();
    });
    return engine;
  }

  url(prefix: string): string {
    return `s3://127.0.0.1:${this.port}/bucket/${prefix}?tls=0`;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', headers } = request;
    const url = new URL(request.url ?? '', 'http://localhost');
    const key = decodeURIComponent(url.pathname.split('/').slice(2).join('/'));
    const body = Buffer.concat(await request.toArray());
    const end = (status: number, answer: Buffer | string = ''): void => {
      response.writeHead(status, { 'content-length': Buffer.byteLength(answer) });
      response.end(method === 'HEAD' ? undefined : answer);
    };
    if (key === '') return end(200, this.instead(method, key) ?? this.#page(url.searchParams));
    if (method === 'PUT') {
      if (headers['if-none-match'] === '*' && this.objects.has(key)) return end(412);
      this.objects.set(key, body);
      return end(200);
    }
    if (method === 'DELETE') {
      this.objects.delete(key);
      return end(204);
    }
    const object = this.instead(method, key) ?? this.objects.get(key);
    if (object === undefined) return end(404, '<Error><Code>NoSuchKey</Code></Error>');
    const range = /bytes=(\d+)-(\d+)/.exec(headers.range ?? '');
    if (range === null) return end(200, object);
    end(206, object.subarray(Number(range[1]), Number(range[2]) + 1));
  }

  #page(query: URLSearchParams): string {
    const [prefix, after] = [query.get('prefix') ?? '', query.get('start-after') ?? ''];
    const most = Number(query.get('max-keys') ?? 1000);
    const keys = [...this.objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
    const isCut = keys.length > most;
    const entries = keys
      .slice(0, most)
      .map((key) => `<Contents><Key>${key}</Key><Size>${this.objects.get(key)?.length}</Size></Contents>`);
    const token = isCut ? '<NextContinuationToken>next</NextContinuationToken>' : '';
    return `<ListBucketResult><IsTruncated>${isCut}</IsTruncated>${token}${entries.join('')}</ListBucketResult>`;
  }
}
