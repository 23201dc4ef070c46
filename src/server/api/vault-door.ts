/**
 * The open vault of a running node: one for all sessions, wiped when the last session has ended and nobody works with
 * it. Knows passwords only while it tries them, and later by a keyed hash that goes with the vault; holds no key itself.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { DisktroError } from '../../errors.js';
import type { Vault } from '../../ops/home/vault.js';
import { checkPassword, createVault, openedHome, openVault } from '../../ops/home/vault.js';
import { refusal } from '../json-body.js';
import { Attempts } from './attempts.js';

export interface DoorOptions {
  readonly home: string;
  readonly averageChunkBytes: number;
  readonly onNotice: (message: string) => void;
  readonly idleMs?: number;
  readonly attempts?: Attempts;
}

/** What a request shows: a session, or the password itself. */
export interface Credentials {
  readonly session?: string | undefined;
  readonly password?: string | undefined;
}

/** The vault for as long as one piece of work takes. */
export interface Lease {
  readonly vault: Vault;
  /** Another one, which no session stands behind. */
  fork(): Lease;
  [Symbol.dispose](): void;
}

export interface OpenedSession {
  readonly session: string;
  /** Of a vault that was just made. */
  readonly recoveryCode?: string;
}

const IDLE_MS = 10 * 60_000;
const SWEEPS_PER_IDLE = 40;
const MOST_SESSIONS = 1_000;

export class VaultDoor {
  readonly idleMs: number;
  readonly #options: DoorOptions;
  readonly #attempts: Attempts;
  readonly #timer: NodeJS.Timeout;
  /** When each session, and each password by its hash, was used last. */
  readonly #lastUsedMs = new Map<string, number>();
  /** How many leases each of them has. */
  readonly #inUse = new Map<string, number>();
  readonly #trying = new Map<string, Promise<void>>();
  #hashKey = randomBytes(32);
  #vault: Vault | undefined;
  #leases = 0;
  #closing: Promise<void> = Promise.resolve();
  #onIdle = (): void => {};

  constructor(options: DoorOptions) {
    this.#options = options;
    this.idleMs = options.idleMs ?? IDLE_MS;
    this.#attempts = options.attempts ?? new Attempts();
    this.#timer = setInterval(() => this.#sweep(), this.idleMs / SWEEPS_PER_IDLE);
    this.#timer.unref();
  }

  get isOpen(): boolean {
    return this.#vault !== undefined;
  }

  get sessions(): number {
    return [...this.#lastUsedMs.keys()].filter((key) => !key.startsWith('password ')).length;
  }

  /**
   * Opens a session. @param isNew makes a vault when there is none
   * @throws E_WRONG_PASSWORD (403, then 429), E_NO_VAULT, E_VAULT_EXISTS, what opening a vault throws
   */
  async unlock(password: string, isNew: boolean): Promise<OpenedSession> {
    const { home, averageChunkBytes } = this.#options;
    const made = isNew ? await createVault({ home, password, averageChunkBytes }) : undefined;
    await this.#admit(password);
    const session = randomBytes(32).toString('hex');
    this.#touch(session);
    return { session, ...(made === undefined ? {} : { recoveryCode: made.recoveryCode }) };
  }

  /** @throws E_PASSWORD_NEEDED when neither is good any more, what {@link unlock} throws */
  async lease(credentials: Credentials): Promise<Lease> {
    const { password } = credentials;
    const key = password === undefined ? credentials.session : await this.#admit(password);
    const vault = this.#vault;
    if (vault === undefined || key === undefined || !this.#isFresh(key)) throw passwordNeeded();
    this.#touch(key);
    return this.#lend(vault, key);
  }

  /** The vault for a look that does not count as use; undefined when the session is over. */
  peek(session: string | undefined): Vault | undefined {
    return session !== undefined && this.#isFresh(session) ? this.#vault : undefined;
  }

  /** The vault, if it is open: only for what is then kept from those without a session. */
  any(): Vault | undefined {
    return this.#vault;
  }

  /** Ends one session, or all. The keys are wiped with the last one, when nobody works with them any more. */
  async lock(session: string | undefined): Promise<void> {
    if (session === undefined) this.#lastUsedMs.clear();
    else this.#lastUsedMs.delete(session);
    if (this.sessions === 0) this.#lastUsedMs.clear();
    this.#sweep();
    await this.#closing;
  }

  /** Ends everything; waits for those who still work. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    if (this.#leases > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    await this.lock(undefined);
  }

  /** @returns the key under which this password's last use stands */
  async #admit(password: string): Promise<string> {
    if (password === '') throw refusal(400, 'password: expected one, got nothing');
    this.#attempts.check();
    const key = this.#keyOf(password);
    if (!(this.#vault !== undefined && this.#isFresh(key))) {
      // Requests that come at once with the same password are one attempt.
      let trying = this.#trying.get(key);
      if (trying === undefined) {
        trying = this.#attempts.run(() => this.#open(password)).finally(() => this.#trying.delete(key));
        this.#trying.set(key, trying);
      }
      await trying;
    }
    this.#touch(this.#keyOf(password));
    return this.#keyOf(password);
  }

  async #open(password: string): Promise<void> {
    await this.#closing;
    const { home, onNotice } = this.#options;
    if (this.#vault !== undefined) await checkPassword({ home, password });
    else this.#vault = await openVault({ home, password, onNotice });
    this.#touch(this.#keyOf(password));
  }

  #keyOf(password: string): string {
    return `password ${createHmac('sha256', this.#hashKey).update(password).digest('hex')}`;
  }

  #isFresh(key: string): boolean {
    const usedMs = this.#lastUsedMs.get(key);
    return usedMs !== undefined && (this.#inUse.has(key) || performance.now() - usedMs < this.idleMs);
  }

  #touch(key: string): void {
    this.#lastUsedMs.delete(key);
    this.#lastUsedMs.set(key, performance.now());
    const [oldest] = this.#lastUsedMs.keys();
    if (this.#lastUsedMs.size > MOST_SESSIONS && oldest !== undefined) this.#lastUsedMs.delete(oldest);
  }

  #lend(vault: Vault, key: string | undefined): Lease {
    this.#leases++;
    if (key !== undefined) this.#inUse.set(key, (this.#inUse.get(key) ?? 0) + 1);
    let isOver = false;
    return {
      vault,
      fork: () => this.#lend(vault, undefined),
      [Symbol.dispose]: () => {
        if (isOver) return;
        isOver = true;
        if (key !== undefined) this.#noteEnd(key);
        this.#endLease(vault);
      },
    };
  }

  #noteEnd(key: string): void {
    const left = (this.#inUse.get(key) ?? 1) - 1;
    if (left > 0) this.#inUse.set(key, left);
    else this.#inUse.delete(key);
    // A session that was locked meanwhile stays so.
    if (this.#lastUsedMs.has(key)) this.#touch(key);
  }

  #endLease(vault: Vault): void {
    this.#leases--;
    if (this.#leases > 0) return;
    // `gc` of another process need not wait for a vault that merely is open.
    openedHome(vault).endSession();
    this.#sweep();
    this.#onIdle();
  }

  #sweep(): void {
    for (const key of this.#lastUsedMs.keys()) if (!this.#isFresh(key)) this.#lastUsedMs.delete(key);
    const vault = this.#vault;
    if (vault === undefined || this.#lastUsedMs.size > 0 || this.#leases > 0) return;
    this.#vault = undefined;
    this.#hashKey = randomBytes(32);
    this.#closing = vault
      .close()
      .catch((error: unknown) => this.#options.onNotice(`closing the vault: ${String(error)}`));
  }
}

const passwordNeeded = (): DisktroError =>
  new DisktroError('E_PASSWORD_NEEDED', 'the vault is locked: expected a session or a password', {
    hint: 'POST /api/unlock with the password, then send X-Disktro-Session; or send X-Disktro-Password',
  });
