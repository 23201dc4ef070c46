/**
 * Reads one object from a peer into the caller's buffer, and goes on where it was when the connection breaks in the
 * middle. Copies each byte once; verifies nothing.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { StoreId } from '../core/ids.js';
import { maxObjectBytes } from '../core/object.js';
import { type DisktroError, integrityError, missingObject, throwIfAborted } from '../errors.js';
import { MAX_RAW_BYTES } from '../limits.js';
import type { PeerChannel } from './peer-channel.js';
import { brokenAnswer, isConnectionLoss } from './peer-errors.js';
import type { Answer, TakePart } from './peer-exchange.js';

const MAX_OBJECT_BYTES = maxObjectBytes(MAX_RAW_BYTES);
const MAX_RESUMES = 3;
const RESUME_DELAY_MS = 100;

export interface ObjectRange {
  readonly offset: number;
  /** What lies behind the end of the object is not there. */
  readonly length: number;
}

export interface DownloadOptions {
  readonly signal?: AbortSignal | undefined;
  readonly range?: ObjectRange | undefined;
  /** The most that may come; default: what an object may have. */
  readonly room?: number;
  /** Called once, when the length is known. */
  readonly allocate: (bytes: number) => Uint8Array;
}

export class ObjectDownload {
  readonly #channel: PeerChannel;
  readonly #id: StoreId;
  readonly #options: DownloadOptions;
  readonly #room: number;
  #target: Uint8Array | undefined;
  /** How many bytes come in all; known with the first answer. */
  #expected = 0;
  #got = 0;

  constructor(channel: PeerChannel, id: StoreId, options: DownloadOptions) {
    this.#channel = channel;
    this.#id = id;
    this.#options = options;
    this.#room = options.room ?? MAX_OBJECT_BYTES;
  }

  /** @returns the length of what was read */
  async run(): Promise<number> {
    const { signal, range } = this.#options;
    // HTTP knows no empty range: the first byte is asked for, only to know whether the object is there.
    const isEmptyRange = range?.length === 0;
    for (let resume = 0; ; resume++) {
      try {
        await this.#channel.exchange({
          method: isEmptyRange ? 'HEAD' : 'GET',
          path: `/chunk?id=${this.#id}`,
          headers: isEmptyRange ? {} : this.#rangeHeader(),
          signal,
          onAnswer: (answer) => (isEmptyRange ? this.#onHead(answer) : this.#onAnswer(answer)),
        });
        if (this.#got !== this.#expected) throw this.#broken('a body that ends early');
        return this.#got;
      } catch (error) {
        if (resume >= MAX_RESUMES || !isConnectionLoss(error)) throw error;
        await delay(
          RESUME_DELAY_MS * (resume + Math.random()),
          undefined,
          signal === undefined ? {} : { signal },
        ).catch(() => {});
        throwIfAborted(signal);
      }
    }
  }

  #rangeHeader(): Record<string, string> {
    const { range } = this.#options;
    if (range === undefined && this.#got === 0) return {};
    const first = (range?.offset ?? 0) + this.#got;
    const last = range === undefined ? '' : range.offset + range.length - 1;
    return { range: `bytes=${first}-${last}` };
  }

  #onHead({ status }: Answer): TakePart | undefined {
    if (status === 404) throw missingObject(this.#id);
    return status === 200 ? () => {} : undefined;
  }

  #onAnswer({ status, headers }: Answer): TakePart | undefined {
    const { range } = this.#options;
    const isPart = range !== undefined || this.#got > 0;
    if (status === 404) throw missingObject(this.#id);
    // The range lies behind the end.
    if (status === 416 && range !== undefined && this.#got === 0) return () => {};
    if (status !== (isPart ? 206 : 200)) {
      if (status === 200) throw this.#broken('the whole object where a range was asked for');
      return undefined;
    }
    const length = contentLength(headers);
    if (length === undefined) throw this.#broken('no content-length');
    if (isPart) this.#checkRange(headers['content-range'] ?? '', length);
    this.#expect(length);
    return (part) => this.#take(part);
  }

  #checkRange(text: string, length: number): void {
    const first = (this.#options.range?.offset ?? 0) + this.#got;
    const match = /^bytes (\d{1,15})-(\d{1,15})\/(?:\d{1,15}|\*)$/.exec(text);
    const isIt = match !== null && Number(match[1]) === first && Number(match[2]) === first + length - 1;
    if (!isIt) throw this.#broken('another range than was asked for');
  }

  #expect(length: number): void {
    if (this.#target !== undefined) {
      if (length !== this.#expected - this.#got) throw this.#broken('an object that has changed its length');
      return;
    }
    if (length > this.#room) {
      throw integrityError(
        'E_OBJECT_LENGTH',
        `object ${this.#id}: longer than the ${this.#room} bytes it may have`,
        { details: { id: this.#id, node: this.#channel.name.nodeId } },
      );
    }
    if (this.#options.range !== undefined && length > this.#options.range.length) {
      throw this.#broken('more than was asked for');
    }
    this.#target = this.#options.allocate(length);
    this.#expected = length;
  }

  #take(part: Uint8Array): void {
    if (this.#got + part.byteLength > this.#expected) throw this.#broken('more bytes than it announced');
    this.#target?.set(part, this.#got);
    this.#got += part.byteLength;
  }

  #broken(what: string): DisktroError {
    return brokenAnswer(what, this.#channel.name);
  }
}

function contentLength(headers: Answer['headers']): number | undefined {
  const text = headers['content-length'] ?? '';
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
