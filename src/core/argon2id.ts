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
) => Uint8Array;

interface Addon {
  hashRawSync(password: Uint8Array, options: Readonly<Record<string, unknown>>): Buffer;
}

/** The addon's numbers for Argon2id and for version 1.3. */
const ALGORITHM_ARGON2ID = 2;
const VERSION_1_3 = 1;

let chosen: Argon2id | undefined;

/** Resolves when {@link argon2id} can be used: where the addon does not load, libsodium takes 40 ms. */
export async function loadArgon2id(): Promise<void> {
  chosen ??= nativeArgon2id() ?? (await loadPortable());
}

/** With whatever loads here; {@link loadArgon2id} must have been waited for. */
export const argon2id: Argon2id = (...input) => {
  if (chosen === undefined) throw new Error('Argon2id was not loaded');
  return chosen(...input);
};

async function loadPortable(): Promise<Argon2id> {
  const { loadSodium, portableArgon2id } = await import('./sodium.js');
  await loadSodium();
  return portableArgon2id;
}

/** undefined where the addon does not load. */
export function nativeArgon2id(): Argon2id | undefined {
  try {
    const addon = createRequire(import.meta.url)('@node-rs/argon2') as Addon;
    return (password, salt, passes, memoryBytes) =>
      addon.hashRawSync(password, {
        salt,
        algorithm: ALGORITHM_ARGON2ID,
        version: VERSION_1_3,
        timeCost: passes,
        memoryCost: Math.floor(memoryBytes / 1024),
        parallelism: 1,
        outputLen: 32,
      });
  } catch {
    return undefined;
  }
}
