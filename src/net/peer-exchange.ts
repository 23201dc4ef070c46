/**
 * One request to a peer and its answer, as events come in: times them, paces them, and makes one promise of them.
 * Knows no sockets and no library; peer-channel.ts feeds it.
 */
import { youngCollector } from '../core/young-collector.js';
import { abortedError, type DisktroError, isDisktroError, throwIfAborted } from '../errors.js';
import { MIB } from '../limits.js';
import { answerError, brokenAnswer, type PeerName, transportError } from './peer-errors.js';
import type { BandwidthLimit } from './rate-limit.js';

/** In ms. */
export interface PeerTimeouts {
  /** For one address. */
  readonly connectMs: number;
  /** From the end of the request to the headers of the answer. */
  readonly headersMs: number;
  /** Without a byte of a body, in either direction; over as long at least 1 KiB/s must come. */
  readonly progressMs: number;
}

export const PEER_TIMEOUTS: PeerTimeouts = { connectMs: 5000, headersMs: 10_000, progressMs: 30_000 };

const SLICE_BYTES = 64 * 1024;
/** TLS gives its bytes in buffers of their own. */
const noteReceived = youngCollector(4 * MIB);
const MIN_BYTES_PER_SECOND = 1024;
const MAX_ERROR_BODY_BYTES = 16 * 1024;

export interface Answer {
  readonly status: number;
  /** By lower-case name; several of one name are joined by commas. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Takes the body of an answer part by part; what it throws ends the exchange. A part is its own only for the call. */
export type TakePart = (part: Uint8Array) => void;

export interface ChannelRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  /** With the query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | undefined;
  /** Instead of `headersMs`, where the peer has work to do before it can answer. */
  readonly answerMs?: number;
  readonly signal?: AbortSignal | undefined;
  /**
   * Looks at an answer and says who takes its body. `undefined`: this answer was not asked for, and becomes the error
   * that its status and body tell of.
   */
  readonly onAnswer: (answer: Answer) => TakePart | undefined;
}

export interface ChannelOptions {
  readonly timeouts: PeerTimeouts;
  readonly uploadLimit: BandwidthLimit | undefined;
  readonly downloadLimit: BandwidthLimit | undefined;
  /** Ms since 1970. */
  readonly clock: () => number;
}

/** How the answer can be held up or broken off. */
export interface ExchangeControl {
  abort(reason: Error): void;
  pause(): void;
  resume(): void;
}

/** One request under way. */
export class PeerExchange {
  readonly answer: Promise<Answer>;
  readonly #request: ChannelRequest;
  readonly #options: ChannelOptions;
  readonly #name: () => PeerName;
  #resolve!: (answer: Answer) => void;
  #reject!: (error: unknown) => void;
  #controller: ExchangeControl | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failure: unknown;
  #isDone = false;
  #received: Answer | undefined;
  #takePart: TakePart | undefined;
  #errorBody: Buffer | undefined;
  #windowStartMs = 0;
  #windowBytes = 0;

  constructor(request: ChannelRequest, options: ChannelOptions, name: () => PeerName) {
    this.#request = request;
    this.#options = options;
    this.#name = name;
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    request.signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** The body in slices, so that progress is seen and limits are kept. */
  body(): AsyncIterable<Uint8Array> | undefined {
    const { body } = this.#request;
    return body === undefined || body.byteLength === 0 ? undefined : this.#slices(body);
  }

  async *#slices(body: Uint8Array): AsyncGenerator<Uint8Array> {
    const limit = this.#options.uploadLimit;
    for (let offset = 0; offset < body.byteLength && !this.#isDone; offset += SLICE_BYTES) {
      const slice = body.subarray(offset, offset + SLICE_BYTES);
      if (limit !== undefined) {
        this.#expectWithin(undefined);
        await limit.take(slice.byteLength, this.#request.signal);
      }
      this.#expectWithin(this.#options.timeouts.progressMs);
      yield slice;
    }
    if (this.#received === undefined) this.#expectWithin(this.#answerMs());
  }

  #answerMs(): number {
    return this.#request.answerMs ?? this.#options.timeouts.headersMs;
  }

  readonly #onAbort = (): void => {
    try {
      throwIfAborted(this.#request.signal);
    } catch (error) {
      this.#fail(error);
    }
  };

  onRequestStart(controller: ExchangeControl): void {
    this.#controller = controller;
    if (this.#isDone) controller.abort(abortedError());
    else
      this.#expectWithin(
        this.#request.body === undefined ? this.#answerMs() : this.#options.timeouts.progressMs,
      );
  }

  onResponseStart(_: ExchangeControl, status: number, headers: unknown): void {
    // Interim answers (1xx) gain no time.
    if (status < 200 || this.#isDone) return;
    this.#expectWithin(this.#options.timeouts.progressMs);
    this.#windowStartMs = performance.now();
    this.#received = { status, headers: plainHeaders(headers) };
    this.#guard(() => {
      this.#takePart = this.#request.onAnswer(this.#received as Answer);
      if (this.#takePart === undefined) this.#errorBody = Buffer.alloc(0);
    });
  }

  onResponseData(controller: ExchangeControl, part: Buffer): void {
    // After a pause the parser shows an empty part; pausing for that would go on for ever.
    if (this.#isDone || part.byteLength === 0) return;
    this.#timer?.refresh();
    noteReceived(part.byteLength);
    this.#guard(() => {
      this.#checkRate(part.byteLength);
      if (this.#errorBody === undefined) this.#takePart?.(part);
      else this.#takeErrorPart(part);
    });
    const limit = this.#options.downloadLimit;
    if (limit !== undefined && !this.#isDone) void this.#slowDown(controller, limit, part.byteLength);
  }

  onResponseEnd(): void {
    if (this.#isDone) return;
    if (this.#errorBody !== undefined) this.#failWithAnswer();
    else if (this.#received === undefined) this.#fail(brokenAnswer('no answer', this.#name()));
    else this.#settle(() => this.#resolve(this.#received as Answer));
  }

  onResponseError(_: unknown, error: Error): void {
    if (this.#isDone) return;
    // A peer that has refused may well close before all of its reasons are out.
    if (this.#errorBody !== undefined) this.#failWithAnswer();
    else this.#fail(transportError(error, this.#name()));
  }

  #takeErrorPart(part: Buffer): void {
    this.#errorBody = Buffer.concat([this.#errorBody ?? Buffer.alloc(0), part]);
    if (this.#errorBody.byteLength > MAX_ERROR_BODY_BYTES) this.#failWithAnswer();
  }

  #failWithAnswer(): void {
    const { status } = this.#received as Answer;
    this.#fail(answerError(status, this.#errorBody ?? Buffer.alloc(0), this.#name()));
  }

  #checkRate(bytes: number): void {
    this.#windowBytes += bytes;
    const { progressMs } = this.#options.timeouts;
    const now = performance.now();
    if (now - this.#windowStartMs < progressMs) return;
    if (this.#windowBytes < (progressMs / 1000) * MIN_BYTES_PER_SECOND) throw this.#tooSlow();
    this.#windowStartMs = now;
    this.#windowBytes = 0;
  }

  async #slowDown(controller: ExchangeControl, limit: BandwidthLimit, bytes: number): Promise<void> {
    controller.pause();
    this.#expectWithin(undefined);
    try {
      await limit.take(bytes, this.#request.signal);
    } catch {
      // The signal has ended this exchange already.
      return;
    }
    if (this.#isDone) return;
    this.#expectWithin(this.#options.timeouts.progressMs);
    // The peer is not to blame for the time that the limit took.
    this.#windowStartMs = performance.now();
    this.#windowBytes = 0;
    controller.resume();
  }

  /** From now on something has to happen within `ms`; undefined: whenever it likes. */
  #expectWithin(ms: number | undefined): void {
    clearTimeout(this.#timer);
    this.#timer =
      ms === undefined || this.#isDone ? undefined : setTimeout(() => this.#fail(this.#tooSlow()), ms);
  }

  #tooSlow(): DisktroError {
    return transportError({ name: 'TimeoutError' }, this.#name());
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#isDone) return;
    this.#failure = isDisktroError(error) ? error : transportError(error, this.#name());
    this.#settle(() => this.#reject(this.#failure));
    this.#controller?.abort(abortedError());
  }

  #settle(tell: () => void): void {
    this.#isDone = true;
    clearTimeout(this.#timer);
    this.#request.signal?.removeEventListener('abort', this.#onAbort);
    tell();
  }
}

function plainHeaders(headers: unknown): Record<string, string> {
  const plain: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries((headers ?? {}) as Record<string, string | string[]>)) {
    plain[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value;
  }
  return plain;
}
