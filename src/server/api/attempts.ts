/**
 * Slows the guessing of passwords: one attempt at a time, each failure answered later than the one before, and after
 * five of them none for a minute. Whoever asks, and in whatever session: there is one count.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { DisktroError, isDisktroError } from '../../errors.js';
import { withStatus } from '../json-body.js';

export interface AttemptLimits {
  /** Failures in a row until attempts are refused. */
  readonly failures: number;
  readonly firstDelayMs: number;
  readonly blockMs: number;
  /** Attempts that wait for the one under way. */
  readonly waiting: number;
}

const LIMITS: AttemptLimits = { failures: 5, firstDelayMs: 250, blockMs: 60_000, waiting: 8 };

export class Attempts {
  readonly #limits: AttemptLimits;
  readonly #now: () => number;
  #failures = 0;
  #lastFailureMs = 0;
  #waiting = 0;
  #turn: Promise<unknown> = Promise.resolve();

  /** @param now ms of a clock that only goes forward */
  constructor(limits: Partial<AttemptLimits> = {}, now: () => number = () => performance.now()) {
    this.#limits = { ...LIMITS, ...limits };
    this.#now = now;
  }

  /**
   * To be asked before a password is looked at in any way: while attempts are refused, a right one must not stand out.
   * @throws 429 when there were too many, or too many wait
   */
  check(): void {
    this.#refuseTooMany();
    if (this.#waiting >= this.#limits.waiting) throw tooMany(1);
  }

  /** Makes one attempt in its turn. @throws as {@link check}; what the attempt throws */
  async run<T>(attempt: () => Promise<T>): Promise<T> {
    this.check();
    this.#waiting++;
    const mine = this.#turn.then(() => this.#try(attempt));
    this.#turn = mine.catch(() => {});
    try {
      return await mine;
    } finally {
      this.#waiting--;
    }
  }

  async #try<T>(attempt: () => Promise<T>): Promise<T> {
    this.#refuseTooMany();
    try {
      const result = await attempt();
      this.#failures = 0;
      return result;
    } catch (error) {
      if (!isDisktroError(error, 'E_WRONG_PASSWORD')) throw error;
      this.#failures++;
      this.#lastFailureMs = this.#now();
      const steps = Math.min(this.#failures, this.#limits.failures) - 1;
      await pause(this.#limits.firstDelayMs * 2 ** steps);
      throw error;
    }
  }

  #refuseTooMany(): void {
    if (this.#failures < this.#limits.failures) return;
    const leftMs = this.#lastFailureMs + this.#limits.blockMs - this.#now();
    if (leftMs > 0) throw tooMany(Math.ceil(leftMs / 1000));
  }
}

function tooMany(retryAfterSeconds: number): DisktroError {
  return withStatus(
    429,
    new DisktroError(
      'E_WRONG_PASSWORD',
      `too many wrong passwords: wait ${retryAfterSeconds} s before the next one`,
      { details: { retryAfterSeconds } },
    ),
  );
}
