/**
 * Keeps one stream of events open and opens it again when it breaks, after a pause that grows to ten seconds. Read with
 * fetch, because EventSource can send no token. What the events mean is for those who listen.
 */
import { signal } from '../preact.js';
import { accessHeaders, session, token } from './access.js';
import { EventReader, type StreamEvent } from './event-stream.js';
import { errorOf } from './request.js';

/** `connecting` only until the first answer; later breaks are `lost`. */
export type Link = 'connecting' | 'open' | 'lost';

export const link = signal<Link>('connecting');

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
/** The server sends a heartbeat every 15 seconds: three in a row that do not come mean that it is gone. */
const SILENCE_MS = 45_000;

let lastId = '';
let wake = (): void => {};
let breakOff = (): void => {};
let isRenewed = false;

/**
 * Runs until the token is refused.
 * @param onEvent is called for each event
 * @param onOpen is called each time the stream has opened; `isResumed` when nothing can have been missed
 */
export async function followEvents(
  onEvent: (event: StreamEvent) => void,
  onOpen: (isResumed: boolean) => void,
): Promise<void> {
  let pauseMs = FIRST_PAUSE_MS;
  addEventListener('online', () => wake());
  document.addEventListener('visibilitychange', () => document.hidden || wake());
  while (token.value !== '') {
    try {
      await readOnce(onEvent, () => {
        onOpen(lastId !== '');
        link.value = 'open';
        pauseMs = FIRST_PAUSE_MS;
      });
    } catch {
      // Whatever broke it, the answer is the same: try again.
    }
    if (!isRenewed) {
      if (link.value === 'open') link.value = 'lost';
      await pause(pauseMs);
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
    isRenewed = false;
  }
}

/** Tries again at once: somebody has pressed the button. */
export function reconnectNow(): void {
  wake();
}

/** Opens the stream anew under the session of now: what an event may tell depends on it. */
export function renewEvents(): void {
  isRenewed = true;
  breakOff();
  wake();
}

async function readOnce(onEvent: (event: StreamEvent) => void, onOpen: () => void): Promise<void> {
  const stop = new AbortController();
  breakOff = () => stop.abort();
  const silence = new Alarm(SILENCE_MS, () => stop.abort());
  const sentSession = session.value;
  try {
    const response = await fetch('/api/events', {
      headers: {
        ...accessHeaders(),
        Accept: 'text/event-stream',
        ...(lastId === '' ? {} : { 'Last-Event-ID': lastId }),
      },
      cache: 'no-store',
      signal: stop.signal,
    }).catch((error: unknown) => {
      if (link.value === 'connecting') link.value = 'lost';
      throw error;
    });
    if (!response.ok || response.body === null) throw errorOf(response.status, undefined, null, sentSession);
    onOpen();
    const reader = new EventReader();
    const texts = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let part = await texts.read(); !part.done; part = await texts.read()) {
      silence.restart();
      for (const event of reader.read(part.value)) {
        if (event.id !== '') lastId = event.id;
        onEvent(event);
      }
    }
  } finally {
    silence.end();
    stop.abort();
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    wake = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}

class Alarm {
  readonly #ms: number;
  readonly #ring: () => void;
  #timer = 0;

  constructor(ms: number, ring: () => void) {
    this.#ms = ms;
    this.#ring = ring;
    this.restart();
  }

  restart(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#ring, this.#ms);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}
