/**
 * One request to the JSON API and its envelope. Knows how to say who asks, and nothing of what is asked.
 */
import { accessHeaders, forgetToken, session } from './access.js';
import { PageError } from './page-error.js';

const NEEDS_PASSWORD = 'E_PASSWORD_NEEDED';

export interface Envelope {
  readonly success: boolean;
  readonly message: string;
  readonly data: unknown;
  readonly code?: string;
  readonly hint?: string;
}

export interface Asked {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/**
 * Asks the API. @returns the `data` of the envelope
 * @throws PageError with the server's message; an AbortError when `signal` fires
 */
export async function ask<T>(
  path: string,
  { method = 'GET', body, headers, signal }: Asked = {},
): Promise<T> {
  const sentSession = session.value;
  const response = await fetch(path, {
    method,
    headers: {
      ...accessHeaders(),
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...headers,
    },
    cache: 'no-store',
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  }).catch((error: unknown) => {
    if (signal?.aborted) throw new DOMException('stopped', 'AbortError');
    throw unreachable(error);
  });
  const envelope = (await response.json().catch(() => undefined)) as Envelope | undefined;
  if (response.ok && envelope?.success) return envelope.data as T;
  throw errorOf(response.status, envelope, response.headers.get('Retry-After'), sentSession);
}

export function unreachable(cause: unknown): PageError {
  const error = new PageError('the server does not answer', { status: 0, code: 'E_UNREACHABLE' });
  error.cause = cause;
  return error;
}

/** The error that an answer stands for; a refused token or session is forgotten. */
export function errorOf(
  status: number,
  envelope: Envelope | undefined,
  retryAfter: string | null,
  sentSession: string | undefined,
): PageError {
  if (status === 401 && envelope?.code !== NEEDS_PASSWORD) forgetToken();
  const error = new PageError(envelope?.message ?? `the server answered ${status}`, {
    status,
    ...(envelope?.code === undefined ? {} : { code: envelope.code }),
    ...(envelope?.hint === undefined ? {} : { hint: envelope.hint }),
    ...(retryAfter === null ? {} : { retryAfterSeconds: Number(retryAfter) || 0 }),
  });
  if (needsPassword(error) && session.value === sentSession) session.value = undefined;
  return error;
}

/** True when the same request would do with a password. */
export function needsPassword({ code }: PageError): boolean {
  return code === NEEDS_PASSWORD;
}
