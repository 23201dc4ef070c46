/** What a slot looks like (docs/FORMAT.md, "Keys"), for those who list, read and write slots without opening them. */

export type SlotKind = 'password' | 'recovery';

export const SLOT_VERSION = 1;
export const SLOT_SALT_BYTES = 16;
export const SLOT_ID_BYTES = 8;
export const SLOT_CHECK_BYTES = 32;
export const SLOT_NONCE_BYTES = 24;
/** The master key and its tag. */
export const SLOT_WRAPPED_BYTES = 48;
/** What a slot's claim is long: an Ed25519 public key, or a value to look a recovery code up by. */
export const CLAIM_BYTES: Readonly<Record<SlotKind, number>> = { password: 32, recovery: 16 };

/** What the slot's two MACs bind: everything but `check`, `nonce`, `wrapped` and `claim`. */
export interface SlotHeader {
  readonly v: 1;
  /** 16 hex digits. */
  readonly id: string;
  readonly kind: SlotKind;
  readonly kdf: 'argon2id' | 'hkdf';
  /** 16 bytes, hex. */
  readonly salt: string;
  /** Argon2id passes; 0 for a recovery code. */
  readonly opslimit: number;
  /** Argon2id memory in bytes; 0 for a recovery code. */
  readonly memlimit: number;
  readonly label: string;
  /** ISO 8601, UTC. */
  readonly created: string;
}

/** What the Argon2id of a password slot needs, as a peer tells it. */
export type SlotCosts = Pick<SlotHeader, 'id' | 'salt' | 'opslimit' | 'memlimit'>;

export interface Slot extends SlotHeader {
  /** HMAC-SHA256(commit key, header), hex: tells a wrong password from damage before anything is opened. */
  readonly check: string;
  /** 24 bytes, hex. */
  readonly nonce: string;
  /** 32-byte master key + 16-byte tag, hex. */
  readonly wrapped: string;
  /**
   * How the holder of the secret shows it to a peer (docs/PROTOCOL.md, "Recovery"), hex. Slots that were made before
   * there were peers have none: they open the vault, but nothing is recovered by them.
   */
  readonly claim?: string;
}
