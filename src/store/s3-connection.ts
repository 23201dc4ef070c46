/**
 * One signed request to an S3 engine and its whole answer. Knows HTTP, no objects and no second tries.
 *
 * aws4fetch signs, and only that: it is told the hash of the body, which is the object's name, and so reads no body. Six
 * calls need no SDK: @aws-sdk/client-s3 sends checksums as aws-chunked trailers, which radosgw answers with 411, and
 * gives bodies as streams where a buffer is there already. Requests go over node:http: it fills such buffers, tells a cut
 * body from a whole one, and its timeout is one of silence, not of the whole.
 */
import http from 'node:http';
import https from 'node:https';
import { AwsV4Signer } from 'aws4fetch';
import { abortedError, integrityError } from '../errors.js';
import type { S3Keys } from './s3-keys.js';
import type { BucketLocation } from './store-url.js';

export interface S3Request {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'DELETE' | 'POST';
  /** Below the bucket, with the prefix; empty: the bucket itself. */
  readonly key: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** SHA-256 of the body, hex: the engine checks the bytes against it. */
  readonly bodySha256?: string;
  /** Takes the body of a 2xx answer; without it, it is collected. @throws E_OBJECT_LENGTH when it is too short */
  readonly target?: Uint8Array;
  /** Of a body that is collected. @throws E_OBJECT_LENGTH when it is longer */
  readonly mostBytes?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface S3Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** The body, or the front of `target`. */
  readonly body: Uint8Array;
}

const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const NO_BYTES = new Uint8Array();
const CONNECTIONS = 16;
/** What is collected is at most an object. */
const MAX_COLLECTED_BYTES = 96 * 1024 * 1024;

export class S3Connection {
  readonly #location: BucketLocation;
  readonly #keys: S3Keys;
  /** Keys of the day, kept between signatures. */
  readonly #signing = new Map<string, ArrayBuffer>();
  readonly #agent: http.Agent;
  readonly #silenceMs: number;
  /** What the engine's clock is ahead of ours, ms. */
  clockOffsetMs = 0;

  /** @param silenceMs without a byte in either direction */
  constructor(location: BucketLocation, keys: S3Keys, silenceMs: number) {
    this.#location = location;
    this.#keys = keys;
    this.#silenceMs = silenceMs;
    const options = { keepAlive: true, maxSockets: CONNECTIONS };
    this.#agent = location.tls ? new https.Agent(options) : new http.Agent(options);
  }

  /** @throws what sockets throw, E_ABORTED, E_OBJECT_LENGTH */
  async exchange(request: S3Request): Promise<S3Answer> {
    const { signal } = request;
    if (signal?.aborted) throw abortedError(signal.reason);
    const url = this.#urlOf(request);
    const signed = await this.#sign(request, url);
    return await this.#send(request, url, signed);
  }

  /** Ends idle connections; what runs on others ends with an error. */
  close(): void {
    this.#agent.destroy();
  }

  async #sign(request: S3Request, url: URL): Promise<Record<string, string>> {
    const { method, headers = {}, bodySha256 = EMPTY_SHA256 } = request;
    const { accessKeyId, secretAccessKey, sessionToken } = this.#keys;
    const now = new Date(Date.now() + this.clockOffsetMs);
    const signer = new AwsV4Signer({
      method,
      url: url.href,
      headers: { ...headers, 'x-amz-content-sha256': bodySha256 },
      accessKeyId,
      secretAccessKey,
      ...(sessionToken === undefined ? {} : { sessionToken }),
      service: 's3',
      region: this.#location.region,
      cache: this.#signing,
      datetime: now.toISOString().replace(/[:-]|\.\d{3}/g, ''),
    });
    const signed = await signer.sign();
    return Object.fromEntries(signed.headers);
  }

  #urlOf({ key, query = {} }: S3Request): URL {
    const { host, bucket, style, tls } = this.#location;
    const origin = `${tls ? 'https' : 'http'}://${style === 'host' ? `${bucket}.` : ''}${host}`;
    const place = style === 'host' ? `/${key}` : key === '' ? `/${bucket}` : `/${bucket}/${key}`;
    const search = new URLSearchParams(query).toString().replaceAll('+', '%20');
    return new URL(`${origin}${place}${search === '' ? '' : `?${search}`}`);
  }

  #send(request: S3Request, url: URL, headers: Record<string, string>): Promise<S3Answer> {
    const { method, body, signal } = request;
    const connector = this.#location.tls ? https : http;
    return new Promise((resolve, reject) => {
      const fail = (error: unknown): void => reject(signal?.aborted ? abortedError(signal.reason) : error);
      const sent = connector.request(url, {
        method,
        agent: this.#agent,
        timeout: this.#silenceMs,
        headers: { ...headers, ...(body === undefined ? {} : { 'content-length': body.byteLength }) },
        ...(signal === undefined ? {} : { signal }),
      });
      sent.setNoDelay(true);
      sent.setTimeout(this.#silenceMs, () => sent.destroy(silence(this.#silenceMs)));
      sent.on('error', fail);
      sent.on('response', (response) => {
        // Whole with its headers. Swift sends the end of a chunked body after them, which breaks the connection.
        if (method === 'HEAD') {
          const { statusCode = 0, headers } = response.resume();
          return resolve({ status: statusCode, headers, body: NO_BYTES });
        }
        takeBody(request, response).then(
          (taken) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: taken }),
          (error) => {
            sent.destroy();
            fail(error);
          },
        );
      });
      sent.end(body);
    });
  }
}

function silence(timeoutMs: number): Error {
  return Object.assign(new Error(`nothing came for ${timeoutMs / 1000} s`), { code: 'ETIMEDOUT' });
}

/** The whole body; a body that was cut is an error, never a short one. */
function takeBody(
  { target, mostBytes = MAX_COLLECTED_BYTES, signal }: S3Request,
  response: http.IncomingMessage,
): Promise<Uint8Array> {
  const { statusCode = 0 } = response;
  const isObject = target !== undefined && statusCode >= 200 && statusCode < 300;
  const room = isObject ? target.byteLength : mostBytes;
  const parts: Buffer[] = [];
  let length = 0;
  return new Promise((resolve, reject) => {
    response.on('data', (part: Buffer) => {
      // The buffer is the caller's again.
      if (signal?.aborted) return;
      if (length + part.byteLength > room) {
        reject(integrityError('E_OBJECT_LENGTH', `an answer is longer than the ${room} bytes it may have`));
        return;
      }
      if (isObject) target.set(part, length);
      else parts.push(part);
      length += part.byteLength;
    });
    response.on('end', () => {
      const isWhole = response.complete && isAll(response, length);
      if (!isWhole) reject(Object.assign(new Error('the answer was cut'), { code: 'ECONNRESET' }));
      else resolve(isObject ? target.subarray(0, length) : Buffer.concat(parts, length));
    });
    response.on('error', reject);
    response.on('close', () => {
      if (!response.complete) reject(Object.assign(new Error('the answer was cut'), { code: 'ECONNRESET' }));
    });
  });
}

function isAll({ headers }: http.IncomingMessage, length: number): boolean {
  const told = headers['content-length'];
  return told === undefined || Number(told) === length;
}
