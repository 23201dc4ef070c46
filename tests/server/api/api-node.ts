// One real `serve` with a vault, and requests to it as scripts and browsers send them: any header may be set.

import { readFileSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Test } from 'tap';
import type { Environment } from '../../cli/command.js';
import { type Place, placeWithVault } from '../../cli/place.js';
import { TestNode } from '../../cluster/node.js';

export interface Asked {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | Readable;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Default: the right one; null: none. */
  readonly token?: string | null;
  readonly session?: string | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly bytes: Buffer;
  readonly text: string;
  /** Of an answer that is JSON. */
  readonly json: Enveloped;
}

// biome-ignore lint/suspicious/noExplicitAny: what comes is judged by the test that asks.
export type Enveloped = any;

/** Sends one request and reads all of its answer. */
export function send(options: RequestOptions, body?: Asked['body']): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let isAnswered = false;
    const request = httpRequest({ agent: false, ...options }, (response) => {
      isAnswered = true;
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => {
        const bytes = Buffer.concat(parts);
        const { statusCode: status = 0, headers } = response;
        const text = bytes.toString();
        const isJson = headers['content-type']?.startsWith('application/json') ?? false;
        resolve({ status, headers, bytes, text, json: isJson && text !== '' ? JSON.parse(text) : undefined });
      });
    });
    request.on('error', (error) => {
      // The answer may come before all of the body is sent.
      if (!isAnswered) reject(error);
    });
    if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) request.end(body);
    else pipeline(body, request).catch(() => {});
  });
}

export class ApiNode {
  readonly node: TestNode;
  readonly place: Place;
  session: string | undefined;

  constructor(node: TestNode) {
    this.node = node;
    this.place = node.place;
  }

  get token(): string {
    return readFileSync(join(this.place.home, 'api-token'), 'utf8').trim();
  }

  get secret(): string {
    return this.place.code;
  }

  ask(method: string, path: string, asked: Asked = {}): Promise<Answer> {
    const { token = this.token, session = this.session, json } = asked;
    const headers: Record<string, string> = {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(session === undefined || session === '' ? {} : { 'x-disktro-session': session }),
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      ...asked.headers,
    };
    const options = { host: '127.0.0.1', port: this.node.port, method, path, headers };
    return send(options, json === undefined ? asked.body : JSON.stringify(json));
  }

  /** Opens the session that all requests from now on carry. */
  async unlock(): Promise<string> {
    const { status, json, text } = await this.ask('POST', '/api/unlock', { json: { password: this.secret } });
    if (status !== 200) throw new Error(`unlock: ${status} ${text}`);
    this.session = String(json.data.session);
    return this.session;
  }

  /** Stores bytes by the form that the page sends. */
  chunk(name: string, bytes: Uint8Array, fields: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return this.ask('POST', '/api/chunk', form({ fields, file: { name, bytes } }));
  }
}

export interface ApiSetup {
  readonly env?: Environment;
  readonly words?: readonly string[];
  readonly through?: readonly string[];
  /** Done before it starts. */
  readonly prepare?: (place: Place) => void;
}

/** A node with an empty vault and its API; it ends with the test. */
export async function startApi(
  test: Test,
  { env = {}, words = [], through = [], prepare }: ApiSetup = {},
): Promise<ApiNode> {
  const place = await placeWithVault(test);
  prepare?.(place);
  const node = new TestNode({ name: 'attic', place, env, through });
  test.teardown(async () => {
    if (node.isUp) await node.kill();
  });
  await node.serve(...words);
  return new ApiNode(node);
}

const BOUNDARY = '----disktro-test-boundary';

export interface FormParts {
  readonly fields?: Readonly<Record<string, string>>;
  readonly file?: { readonly name: string; readonly bytes: Uint8Array };
  /** After the file. */
  readonly late?: Readonly<Record<string, string>>;
  /** Without its end. */
  readonly isCut?: boolean;
}

/** A body of multipart/form-data with its header. */
export function form({
  fields = {},
  file,
  late = {},
  isCut = false,
}: FormParts): Pick<Asked, 'body' | 'headers'> {
  const field = ([name, value]: [string, string]): Buffer =>
    Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`);
  const parts = Object.entries(fields).map(field);
  if (file !== undefined) parts.push(fileHead(file.name), Buffer.from(file.bytes), Buffer.from('\r\n'));
  parts.push(...Object.entries(late).map(field));
  if (!isCut) parts.push(Buffer.from(`--${BOUNDARY}--\r\n`));
  return { body: Buffer.concat(parts), headers: formHeaders() };
}

export const formHeaders = (): Record<string, string> => ({
  'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
});

/** How a part with a file begins; for bodies that are streamed. */
export const fileHead = (name: string): Buffer =>
  Buffer.from(
    `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="${name.replaceAll('"', '%22')}"\r\n` +
      'Content-Type: application/octet-stream\r\n\r\n',
  );

export const formEnd = (): Buffer => Buffer.from(`\r\n--${BOUNDARY}--\r\n`);
