/** JSON to and from a peer over its channel: bounded while it comes, measured before it is parsed. Knows no route. */
import { JsonRefusal, MAX_JSON_BYTES, parseBoundedJson } from './bounded-json.js';
import { AnswerShape } from './peer-answers.js';
import type { PeerChannel } from './peer-channel.js';
import { brokenAnswer, type PeerName } from './peer-errors.js';

export interface JsonExchangeOptions {
  readonly maxBytes?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Sends `body`, undefined for none; any status of success is fine.
 * @returns the answer, undefined when it is empty
 * @throws E_PEER_REFUSED when it is too long, too deep or no JSON
 */
export async function exchangeJson(
  channel: PeerChannel,
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  body: unknown,
  { maxBytes = MAX_JSON_BYTES, signal }: JsonExchangeOptions,
): Promise<unknown> {
  const parts: Buffer[] = [];
  let bytes = 0;
  const tooLong = () => brokenAnswer(`an answer of more than ${maxBytes} bytes`, channel.name);
  await channel.exchange({
    method,
    path,
    headers: {
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    body: body === undefined ? undefined : Buffer.from(JSON.stringify(body)),
    signal,
    onAnswer: ({ status, headers }) => {
      if (status < 200 || status > 299) return undefined;
      if (Number(headers['content-length'] ?? 0) > maxBytes) throw tooLong();
      return (part) => {
        bytes += part.byteLength;
        if (bytes > maxBytes) throw tooLong();
        parts.push(Buffer.from(part));
      };
    },
  });
  if (bytes === 0) return undefined;
  try {
    return parseBoundedJson(Buffer.concat(parts, bytes));
  } catch (error) {
    if (!(error instanceof JsonRefusal)) throw error;
    throw brokenAnswer(error.message, channel.name, error);
  }
}

/** Runs one of the readers of peer-answers.ts. @throws E_PEER_REFUSED when the answer has another shape */
export function readShape<T>(read: () => T, name: PeerName): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof AnswerShape)) throw error;
    throw brokenAnswer(error.message, name, error);
  }
}
