/**
 * Argon2id (RFC 9106), version 1.3, parallelism 1: 32 bytes from a password of any length and a 16-byte salt.
 * The native addon does it in half the time of libsodium's WebAssembly, which always works. Both give the same bytes.
 */
import { createRequire } from 'node:module';

/**
 * @param passes 1 or more iterations
 * @param memoryBytes at least 8 KiB; counted in whole KiB
 */
export type Argon2id = (
  password: Uint8Array,
  salt: Uint8Array,
  passes: number,
  memoryBytes: number,
) => Promise<Uint8Array>;

interface Addon {
  hashRaw(password: Uint8Array, options: Readonly<Record<string, unknown>>): Promise<Buffer>;
}

/** The addon's numbers for Argon2id and for version 1.3. */
const ALGORITHM_ARGON2ID = 2;
const VERSION_1_3 = 1;

/** null: looked for, and there is none. */
let native: Argon2id | null | undefined;

/** With whatever loads here. The addon works on a thread of libuv, libsodium on the caller's. */
export const argon2id: Argon2id = async (...input) => {
  const hash = nativeArgon2id();
  if (hash !== undefined) return hash(...input);
  const { portableArgon2id } = await import('./sodium.js');
  return portableArgon2id(...input);
};

/** Loads what {@link argon2id} will use. */
export async function loadArgon2id(): Promise<void> {
  if (nativeArgon2id() === undefined) await (await import('./sodium.js')).loadSodium();
}

/** undefined where the addon does not load. */
export function nativeArgon2id(): Argon2id | undefined {
  if (native === undefined) native = loadAddon();
  return native ?? undefined;
}

function loadAddon(): Argon2id | null {
  try {
    const addon = createRequire(import.meta.url)('@node-rs/argon2') as Addon;
    return (password, salt, passes, memoryBytes) =>
      addon.hashRaw(password, {
        salt,
        algorithm: ALGORITHM_ARGON2ID,
        version: VERSION_1_3,
        timeCost: passes,
        memoryCost: Math.floor(memoryBytes / 1024),
        parallelism: 1,
        outputLen: 32,
      });
  } catch {
    return null;
  }
}
