/**
 * Links to a file's bytes that work without headers, because a browser's own download sends none. A ticket is for one
 * file, or one part of a tree, and ten minutes; whoever has it can read that and nothing else.
 */
import { randomBytes } from 'node:crypto';
import type { FoundPart } from '../../ops/read/inner-path.js';
import type { Lease } from './vault-door.js';

export const TICKET_MS = 10 * 60_000;
const MOST_TICKETS = 100;

interface Ticket {
  readonly part: FoundPart;
  /** A link has to work when it is followed, so the vault stays open for it. */
  readonly lease: Lease;
  readonly timer: NodeJS.Timeout;
}

export class Tickets {
  readonly #tickets = new Map<string, Ticket>();

  /** @param lease is the ticket's from now on. @returns 64 hex digits */
  make(part: FoundPart, lease: Lease): string {
    const [oldest] = this.#tickets.keys();
    if (this.#tickets.size >= MOST_TICKETS && oldest !== undefined) this.#end(oldest);
    const id = randomBytes(32).toString('hex');
    const timer = setTimeout(() => this.#end(id), TICKET_MS);
    timer.unref();
    this.#tickets.set(id, { part, lease, timer });
    return id;
  }

  find(id: string): Pick<Ticket, 'part' | 'lease'> | undefined {
    return this.#tickets.get(id);
  }

  /** All of them: nothing may be read any more. */
  clear(): void {
    for (const id of this.#tickets.keys()) this.#end(id);
  }

  #end(id: string): void {
    const ticket = this.#tickets.get(id);
    if (ticket === undefined) return;
    clearTimeout(ticket.timer);
    this.#tickets.delete(id);
    ticket.lease[Symbol.dispose]();
  }
}
