/**
 * What changes, told to whoever listens (server-sent events, WHATWG HTML 9.2). Keeps the last thousand events for those
 * who come back. Each listener gets at most ten messages a second, of several with one key the newest; one that does
 * not read is cut off, so that nobody costs more than a bounded amount of memory.
 */
import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';

/** What an event says, for a listener with or without an open session. */
export type EventData = (hasNames: boolean) => unknown;

interface Entry {
  readonly number: number;
  readonly event: string;
  readonly key: string;
  readonly data: EventData;
}

export interface EventLimits {
  readonly kept: number;
  readonly perSecond: number;
  readonly beatMs: number;
  /** Of one listener, unread. */
  readonly bufferBytes: number;
}

const LIMITS: EventLimits = { kept: 1_000, perSecond: 10, beatMs: 15_000, bufferBytes: 1024 * 1024 };

export interface Listening {
  /** `Last-Event-ID`, if it has been here before. */
  readonly lastId: string | undefined;
  /** Asked for each event. */
  hasNames(): boolean;
}

export class Events {
  readonly #limits: EventLimits;
  readonly #listeners = new Set<Listener>();
  #kept: Entry[] = [];
  #epoch = newEpoch();
  #number = 0;
  /** When the last listener left, in ms. */
  #leftMs = Number.NEGATIVE_INFINITY;

  constructor(limits: Partial<EventLimits> = {}) {
    this.#limits = { ...LIMITS, ...limits };
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  /** Whether somebody listens, or may come back and ask for what was missed. */
  isHeard(forMs: number): boolean {
    return this.#listeners.size > 0 || performance.now() - this.#leftMs < forMs;
  }

  /** Somebody is about to listen. */
  expectListener(): void {
    this.#leftMs = performance.now();
  }

  /** @param key events that replace one another have the same; default: none replaces this one */
  tell(event: string, data: EventData, key?: string): void {
    const number = ++this.#number;
    const entry = { number, event, key: key ?? `#${number}`, data };
    this.#kept.push(entry);
    if (this.#kept.length > this.#limits.kept) this.#kept.shift();
    for (const listener of this.#listeners) listener.add(entry);
  }

  /** From now on nobody can come back to an earlier event. */
  forget(): void {
    this.#kept = [];
    this.#epoch = newEpoch();
  }

  /** Answers with the stream; resolves when it has ended. @param first told to who is new */
  async serve(
    response: ServerResponse,
    listening: Listening,
    first: readonly [string, EventData][],
  ): Promise<void> {
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    if (response.req.method === 'HEAD') {
      response.end();
      return;
    }
    const listener = new Listener(response, listening, this.#limits, (number) => `${this.#epoch}-${number}`);
    this.#begin(listener, listening.lastId, first);
    this.#listeners.add(listener);
    await new Promise<void>((resolve) => response.once('close', resolve));
    this.#listeners.delete(listener);
    this.#leftMs = performance.now();
    listener.close();
  }

  /** Ends all streams. */
  close(): void {
    for (const listener of this.#listeners) listener.end();
  }

  #begin(listener: Listener, lastId: string | undefined, first: readonly [string, EventData][]): void {
    const [epoch, text] = lastId?.split('-') ?? [];
    const last = Number(text);
    const oldest = this.#kept[0]?.number ?? this.#number + 1;
    const canResume = epoch === this.#epoch && last <= this.#number && last >= oldest - 1;
    if (lastId !== undefined && canResume) {
      for (const entry of this.#kept) if (entry.number > last) listener.add(entry);
      return;
    }
    const number = this.#number;
    if (lastId !== undefined) listener.add({ number, event: 'reset', key: 'reset', data: () => ({}) });
    for (const [event, data] of first) listener.add({ number, event, key: event, data });
  }
}

class Listener {
  readonly #response: ServerResponse;
  readonly #listening: Listening;
  readonly #limits: EventLimits;
  readonly #idOf: (number: number) => string;
  readonly #pending = new Map<string, Entry>();
  readonly #beat: NodeJS.Timeout;
  #timer: NodeJS.Timeout | undefined;
  #nextMs = 0;

  constructor(
    response: ServerResponse,
    listening: Listening,
    limits: EventLimits,
    idOf: (number: number) => string,
  ) {
    this.#response = response;
    this.#listening = listening;
    this.#limits = limits;
    this.#idOf = idOf;
    this.#beat = setInterval(() => this.#write(': beat\n\n'), limits.beatMs);
    this.#write(': hello\n\n');
  }

  add(entry: Entry): void {
    // The newest stands last, so that ids only grow.
    this.#pending.delete(entry.key);
    this.#pending.set(entry.key, entry);
    if (this.#pending.size > this.#limits.kept) {
      const reset = { number: entry.number, event: 'reset', key: 'reset', data: () => ({}) };
      this.#pending.clear();
      this.#pending.set(reset.key, reset);
    }
    this.#plan();
  }

  end(): void {
    this.close();
    this.#response.end();
  }

  close(): void {
    clearInterval(this.#beat);
    clearTimeout(this.#timer);
    this.#pending.clear();
  }

  #plan(): void {
    if (this.#timer !== undefined || this.#pending.size === 0) return;
    const inMs = Math.max(0, this.#nextMs - performance.now());
    this.#timer = setTimeout(() => this.#sendOne(), inMs);
  }

  #sendOne(): void {
    this.#timer = undefined;
    this.#nextMs = performance.now() + 1000 / this.#limits.perSecond;
    const [entry] = this.#pending.values();
    if (entry === undefined) return;
    this.#pending.delete(entry.key);
    const { number, event, data } = entry;
    const json = JSON.stringify(data(this.#listening.hasNames()));
    this.#write(`id: ${this.#idOf(number)}\nevent: ${event}\ndata: ${json}\n\n`);
    this.#plan();
  }

  #write(text: string): void {
    if (this.#response.destroyed) return;
    this.#response.write(text);
    if (this.#response.writableLength > this.#limits.bufferBytes) this.#response.destroy();
  }
}

const newEpoch = (): string => randomBytes(6).toString('hex');
