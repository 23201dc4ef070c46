/**
 * Requests to one bucket, with second tries: what a busy or restarting engine refuses is asked again, later each time
 * and never at the same moment by all (jitter). A wrong clock is corrected by the engine's. Knows no objects.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { DisktroError, isDisktroError, throwIfAborted } from '../errors.js';
import type { S3Answer, S3Request } from './s3-connection.js';
import { S3Connection } from './s3-connection.js';
import { isTransient, readRefusal, type S3Refusal, s3Error, s3TransportError } from './s3-errors.js';
import type { S3Keys } from './s3-keys.js';
import { type BucketLocation, formatStoreUrl } from './store-url.js';

export interface S3Patience {
  /** After this no further try is begun but the second one, ms. */
  readonly retryForMs: number;
  /** The first pause is drawn from half of it up, ms; each next one from twice as much. */
  readonly firstPauseMs: number;
  readonly mostPauseMs: number;
  /** Without a byte in either direction, ms. */
  readonly silenceMs: number;
}

/** As long as an engine takes to restart: who asks has other holders, and what is lacking is made good later. */
const S3_PATIENCE: S3Patience = {
  retryForMs: 8_000,
  firstPauseMs: 100,
  mostPauseMs: 5_000,
  silenceMs: 20_000,
};

export interface S3Call extends S3Request {
  /** For messages, such as `reading object …`. */
  readonly doing: string;
  /** Statuses that are an answer and no error, besides 2xx. */
  readonly alsoFine?: readonly number[];
}

export class S3Client {
  /** The bucket, as a person knows it: without keys. */
  readonly where: string;
  readonly #connection: S3Connection;
  readonly #patience: S3Patience;

  constructor(location: BucketLocation, keys: S3Keys, patience: Partial<S3Patience> = {}) {
    this.where = formatStoreUrl(location);
    this.#patience = { ...S3_PATIENCE, ...patience };
    this.#connection = new S3Connection(location, keys, this.#patience.silenceMs);
  }

  /** @throws E_PEER_UNREACHABLE, E_PEER_REFUSED, E_NO_SPACE, E_OBJECT_LENGTH, E_ABORTED */
  async call(call: S3Call): Promise<S3Answer> {
    const endMs = performance.now() + this.#patience.retryForMs;
    let isClockSet = false;
    for (let attempt = 0; ; attempt++) {
      throwIfAborted(call.signal);
      const outcome = await this.#once(call);
      if ('answer' in outcome) return outcome.answer;
      if (outcome.isClockWrong && !isClockSet) {
        isClockSet = true;
        continue;
      }
      const waitMs = this.#pauseMs(attempt, outcome.afterMs);
      // One more try there is in any case: a silence alone is longer than the time for tries.
      const isOver = attempt > 0 && performance.now() + waitMs > endMs;
      if (!outcome.isWorthAnother || isOver) throw outcome.error;
      await pause(waitMs, undefined, call.signal === undefined ? {} : { signal: call.signal }).catch(
        () => {},
      );
    }
  }

  /** An answer that was taken as fine and is not. */
  refusal(status: number, body: Uint8Array, doing: string): DisktroError {
    return s3Error(readRefusal(status, body), doing, this.where);
  }

  close(): void {
    this.#connection.close();
  }

  async #once(call: S3Call): Promise<{ readonly answer: S3Answer } | Failure> {
    let answer: S3Answer;
    try {
      answer = await this.#connection.exchange(call);
    } catch (error) {
      if (isDisktroError(error)) throw error;
      return { error: s3TransportError(error, call.doing, this.where), isWorthAnother: isWorthIt(error) };
    }
    const { status, headers } = answer;
    if ((status >= 200 && status < 300) || call.alsoFine?.includes(status) === true) return { answer };
    const refusal = withHeaders(readRefusal(status, answer.body), headers);
    return {
      error: s3Error(refusal, call.doing, this.where),
      isWorthAnother: isTransient(refusal),
      isClockWrong: this.#setClock(refusal, headers.date),
      afterMs: 1000 * Number(headers['retry-after'] ?? 0),
    };
  }

  /** Engines take 15 minutes; what they say the time is counts for signatures to them, and for nothing else. */
  #setClock({ code, status }: S3Refusal, date: string | undefined): boolean {
    const theirMs = Date.parse(date ?? '');
    const offsetMs = theirMs - Date.now();
    const isSkewed = code === 'RequestTimeTooSkewed' || (status === 403 && Math.abs(offsetMs) > SKEW_MS);
    if (!isSkewed || Number.isNaN(offsetMs)) return false;
    this.#connection.clockOffsetMs = offsetMs;
    return true;
  }

  #pauseMs(attempt: number, afterMs = 0): number {
    const { firstPauseMs, mostPauseMs } = this.#patience;
    const most = Math.min(mostPauseMs, firstPauseMs * 2 ** attempt);
    const wanted = Number.isFinite(afterMs) ? Math.min(afterMs, mostPauseMs) : 0;
    return Math.max(wanted, most * (0.5 + Math.random() / 2));
  }
}

interface Failure {
  readonly error: DisktroError;
  readonly isWorthAnother: boolean;
  readonly isClockWrong?: boolean;
  readonly afterMs?: number;
}

const SKEW_MS = 5 * 60_000;

/** A name that is not known, or a certificate that does not fit, will not be better in a moment. */
function isWorthIt(error: unknown): boolean {
  const { code = '' } = error as { readonly code?: string };
  return !/ENOTFOUND|CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS|ERR_SSL|EPROTO/.test(code);
}

function withHeaders(refusal: S3Refusal, headers: S3Answer['headers']): S3Refusal {
  const region = headers['x-amz-bucket-region'];
  if (typeof region !== 'string' || !/^[a-z0-9-]{1,60}$/.test(region)) return refusal;
  return { ...refusal, fields: { Region: region, ...refusal.fields } };
}

/** What an engine answered and should not have. */
export function brokenStore(where: string, what: string): DisktroError {
  return new DisktroError('E_PEER_REFUSED', `${where}: answered with ${what}`);
}
