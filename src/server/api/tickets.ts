/**
 * Links to a file's bytes that work without headers, because a browser's own download sends none. A ticket is for one
 * file and ten minutes; whoever has it can read that file and nothing else.
 */
import { randomBytes } from 'node:crypto';
import type { FileId } from '../../core/ids.js';
import type { Lease } from './vault-door.js';

export const TICKET_MS = 10 * 60_000;
const MOST_TICKETS = 100;

interface Ticket {
  readonly fileId: FileId;
  /** A link has to work when it is followed, so the vault stays open for it. */
  readonly lease: Lease;
  readonly timer: NodeJS.Timeout;
}

export class Tickets {
  readonly #tickets = new Map<string, Ticket>();

  /** @param lease is the ticket's from now on. @returns 64 hex digits */
  make(fileId: FileId, lease: Lease): string {
    const [oldest] = this.#tickets.keys();
    if (this.#tickets.size >= MOST_TICKETS && oldest !== undefined) this.#end(oldest);
    const id = randomBytes(32).toString('hex');
    const timer = setTimeout(() => this.#end(id), TICKET_MS);
    timer.unref();
    this.#tickets.set(id, { fileId, lease, timer });
    return id;
  }

  find(id: string): Pick<Ticket, 'fileId' | 'lease'> | undefined {
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
