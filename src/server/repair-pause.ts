/**
 * While files are being stored and copied, here or by another member, the nodes differ in what is just on its way:
 * comparing then finds what comes anyway, and sends it a second time. So repair waits, though not for ever.
 */
import { liveSessions } from '../catalog/sessions.js';
import type { OpenHome } from '../ops/home/home.js';

/** Beats from the last fresh object on until repair goes on. */
const QUIET_BEATS = 2;
/** Beats by which a round is put off at most. */
const LONGEST_BEATS = 20;

export class RepairPause {
  readonly #home: OpenHome;
  readonly #beatMs: number;
  readonly #nowMs: () => number;
  #freshMs = Number.NEGATIVE_INFINITY;
  #sinceMs: number | undefined;

  /** @param nowMs a monotonic clock */
  constructor(home: OpenHome, beatSeconds: number, nowMs: () => number = () => performance.now()) {
    this.#home = home;
    this.#beatMs = beatSeconds * 1000;
    this.#nowMs = nowMs;
  }

  /** An object has come from whoever has just made it. */
  noteFresh(): void {
    this.#freshMs = this.#nowMs();
  }

  /** Whether the round that is due is left out. */
  isOn(): boolean {
    const nowMs = this.#nowMs();
    if (nowMs - this.#freshMs >= QUIET_BEATS * this.#beatMs && !this.#isStoring()) {
      this.#sinceMs = undefined;
      return false;
    }
    this.#sinceMs ??= nowMs;
    if (nowMs - this.#sinceMs < LONGEST_BEATS * this.#beatMs) return true;
    this.#sinceMs = nowMs;
    return false;
  }

  /** Whether a process of this machine is adding objects. */
  #isStoring(): boolean {
    return liveSessions(this.#home.catalog, this.#home.paths.temporary).length > 0;
  }
}
