/**
 * JSON in and out of a request: a body is counted while it comes and measured before it is parsed.
 * Knows no route; the only place that knows which HTTP status an error code has.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { DisktroError, type ErrorCode, isDisktroError, throwIfAborted } from '../errors.js';
import { JsonRefusal, MAX_JSON_BYTES, MAX_JSON_DEPTH, parseBoundedJson } from '../net/bounded-json.js';

export interface JsonBodyLimits {
  /** Default 1 MiB. */
  readonly maxBytes?: number;
  /** Default 32. */
  readonly maxDepth?: number;
  readonly signal?: AbortSignal;
}

/** The HTTP status of each code. A code added to errors.ts does not compile until it is listed here. */
const STATUS_OF_CODE: Readonly<Record<ErrorCode, number>> = {
  E_OBJECT_LENGTH: 500,
  E_OBJECT_MAGIC: 422,
  E_OBJECT_VAULT: 422,
  E_OBJECT_ID: 422,
  E_OBJECT_TAG: 500,
  E_OBJECT_TYPE: 422,
  E_OBJECT_CODEC: 500,
  E_OBJECT_SIZES: 422,
  E_OBJECT_PADDING: 500,
  E_OBJECT_BODY: 500,
  E_CBOR_INVALID: 500,
  E_MANIFEST_INVALID: 500,
  E_MANIFEST_PATH: 500,
  E_LIST_INVALID: 500,
  E_SLOT_INVALID: 500,
  E_SLOT_PARAMETERS: 500,
  E_SLOT_DAMAGED: 500,
  E_VAULT_FILE: 500,
  E_CATALOG_CORRUPT: 500,
  E_CORRUPT: 500,
  E_USAGE: 400,
  E_CONFIG: 500,
  E_PASSWORD_NEEDED: 401,
  E_PASSWORD_UNUSABLE: 400,
  E_VAULT_EXISTS: 409,
  E_SLOT_LIMIT: 409,
  E_INPUTS_FAILED: 500,
  E_INPUT: 500,
  E_TOO_FEW_COPIES: 503,
  E_NOT_FOUND: 404,
  E_AMBIGUOUS: 409,
  E_NO_VAULT: 404,
  E_FORMAT_TOO_NEW: 500,
  E_READ_ONLY: 500,
  E_IO: 500,
  E_LOCKED: 503,
  E_WRONG_PASSWORD: 403,
  E_OBJECT_MISSING: 404,
  E_OUTPUT_EXISTS: 409,
  E_OUTPUT: 500,
  E_PEER_UNREACHABLE: 502,
  E_PEER_REFUSED: 502,
  E_NO_SPACE: 507,
  E_ABORTED: 503,
  E_WORKER: 500,
};

/** A refusal with a status of its own (4xx), for a request that is wrong. */
export function refusal(status: number, message: string): DisktroError {
  return withStatus(status, new DisktroError('E_USAGE', message));
}

/** What errors that were made for an answer say of their status. */
const ownStatus = new WeakMap<DisktroError, number>();

/** An error with another status than its code has by itself. */
export function withStatus(status: number, error: DisktroError): DisktroError {
  ownStatus.set(error, status);
  return error;
}

/** The status that tells of this error: that of {@link withStatus}, or the one of its code; 500 for a bug. */
export function statusOf(error: unknown): number {
  if (!isDisktroError(error)) return 500;
  return ownStatus.get(error) ?? STATUS_OF_CODE[error.code];
}

/**
 * Reads the body of a request as JSON; undefined when there is none.
 * @throws a {@link refusal}: 413 when it is longer than `maxBytes`, 400 when it is too deep, no JSON, or cut off;
 * E_ABORTED
 */
export async function readJsonBody(request: IncomingMessage, limits: JsonBodyLimits = {}): Promise<unknown> {
  const { maxBytes = MAX_JSON_BYTES, maxDepth = MAX_JSON_DEPTH, signal } = limits;
  const bytes = await readBody(request, maxBytes, signal);
  if (bytes.byteLength === 0) return undefined;
  try {
    return parseBoundedJson(bytes, maxDepth);
  } catch (error) {
    if (!(error instanceof JsonRefusal)) throw error;
    throw refusal(400, `body: expected JSON, found ${error.message}`);
  }
}

/** @throws 400 when there is no body; what {@link readJsonBody} throws */
export async function requiredJson(request: IncomingMessage): Promise<unknown> {
  const body = await readJsonBody(request);
  if (body === undefined) throw refusal(400, 'body: expected JSON, got nothing');
  return body;
}

async function readBody(request: IncomingMessage, maxBytes: number, signal?: AbortSignal): Promise<Buffer> {
  const tooLong = () => refusal(413, `body: expected at most ${maxBytes} bytes`);
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLong();
  throwIfAborted(signal);
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    const end = (error?: unknown): void => {
      request.off('data', onData).off('end', onEnd).off('close', onCut).off('error', onCut);
      signal?.removeEventListener('abort', onAbort);
      // What still comes is not kept; the listener ends the connection if it does not stop.
      request.resume();
      if (error === undefined) resolve(Buffer.concat(parts, bytes));
      else reject(error);
    };
    const onData = (part: Buffer): void => {
      bytes += part.byteLength;
      if (bytes > maxBytes) end(tooLong());
      else parts.push(part);
    };
    const onEnd = (): void => end();
    const onCut = (): void => end(refusal(400, 'body: cut off before its end'));
    const onAbort = (): void => {
      try {
        throwIfAborted(signal);
      } catch (error) {
        end(error);
      }
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    request.on('data', onData).on('end', onEnd).on('close', onCut).on('error', onCut);
    if (request.readableEnded) end();
    else if (request.destroyed) onCut();
  });
}

/** Answers with JSON. Not to be kept by anyone on the way. */
export function replyJson(response: ServerResponse, status: number, value: unknown): void {
  reply(response, status, 'application/json; charset=utf-8', JSON.stringify(value));
}

/** Answers with a line of text. */
export function replyText(response: ServerResponse, status: number, text: string): void {
  reply(response, status, 'text/plain; charset=utf-8', text);
}

/** What a route of the API answers: `{success, message, data}`. */
export function replyData(response: ServerResponse, status: number, message: string, data: unknown): void {
  replyJson(response, status, { success: true, message, data });
}

/**
 * Answers with the fitting status and, below /api/, `{success: false, message, data, code, hint?}`, elsewhere
 * `{error: {code, message}}`; cuts the connection off when an answer has begun. A bug shows nothing of itself.
 * `retryAfterSeconds`, `allow` and `data` of an error's details go into the answer.
 */
export function replyError(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const isKnown = isDisktroError(error);
  const code = isKnown ? error.code : 'E_UNEXPECTED';
  const message = isKnown ? error.message : 'unexpected: a bug of this node, see its log';
  const status = statusOf(error);
  const { retryAfterSeconds, allow, data = null } = (isKnown ? error.details : undefined) ?? {};
  if (typeof retryAfterSeconds === 'number') response.setHeader('retry-after', retryAfterSeconds);
  if (status === 405 && typeof allow === 'string') response.setHeader('allow', allow);
  if (status === 401) response.setHeader('www-authenticate', 'Bearer realm="disktro"');
  if (!/^\/api(\/|$)/.test(response.req.url ?? '')) {
    replyJson(response, status, { error: { code, message } });
    return;
  }
  const hint = isKnown && error.hint !== undefined ? { hint: error.hint } : {};
  replyJson(response, status, { success: false, message, data, code, ...hint });
}

function reply(response: ServerResponse, status: number, type: string, text: string): void {
  const body = Buffer.from(text);
  response.writeHead(status, {
    'content-type': type,
    'content-length': body.byteLength,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}
