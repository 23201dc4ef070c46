/**
 * Whether one member is there, as seen from this node: what its pings said, and since when nothing was heard of it.
 * Times are milliseconds of the caller's clock.
 */

/** Since the last answer no ping failed, one or two did, three or more did. */
export type MemberStatus = 'online' | 'unreachable' | 'offline';

const OFFLINE_FAILURES = 3;

export class Liveness {
  #lastSeenMs: number | undefined;
  #failedPings = 0;
  /** Means something while pings fail: when the first one did, or when others had newer news of the member. */
  #absentSinceMs = 0;

  /** Who was never tried is taken to be there. */
  get status(): MemberStatus {
    if (this.#failedPings === 0) return 'online';
    return this.#failedPings < OFFLINE_FAILURES ? 'unreachable' : 'offline';
  }

  /** Undefined for who was never seen by this node itself. */
  get lastSeenMs(): number | undefined {
    return this.#lastSeenMs;
  }

  /** It has answered, or has spoken to this node by itself. */
  noteSeen(atMs: number): void {
    this.#lastSeenMs = atMs;
    this.#failedPings = 0;
  }

  notePingFailed(atMs: number): void {
    if (this.#failedPings === 0) this.#absentSinceMs = atMs;
    this.#failedPings++;
  }

  /** Someone else has heard from it lately: it is not gone, even if this node cannot reach it. */
  noteNews(atMs: number): void {
    this.#absentSinceMs = atMs;
  }

  /** True if it has been offline, and nothing was heard of it, for longer than the grace. */
  isGone(nowMs: number, graceMs: number): boolean {
    return this.status === 'offline' && nowMs - this.#absentSinceMs > graceMs;
  }
}
