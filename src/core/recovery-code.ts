/**
 * The recovery code: 128 random bits for paper. Crockford base32 (26 symbols) and two check digits, 7 groups of 4.
 * The check digits are the number modulo 1021 in base 32: they find every single wrong symbol and every swap of two.
 */

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const DATA_SYMBOLS = 26;
const CHECK_SYMBOLS = 2;
const CHECK_MODULUS = 1021n;
export const RECOVERY_CODE_BYTES = 16;

/** 16 bytes as `XXXX-XXXX-XXXX-XXXX-XXXX-XXXX-XXXX`. */
export function formatRecoveryCode(bytes: Uint8Array): string {
  if (bytes.byteLength !== RECOVERY_CODE_BYTES) {
    throw new RangeError(`recovery code: expected ${RECOVERY_CODE_BYTES} bytes, got ${bytes.byteLength}`);
  }
  const value = BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
  const symbols = toSymbols(value, DATA_SYMBOLS) + toSymbols(value % CHECK_MODULUS, CHECK_SYMBOLS);
  return symbols.replace(/.{4}(?=.)/g, '$&-');
}

/**
 * Reads a code as a person types it: any case, spaces and dashes anywhere, O for 0, I and L for 1.
 * @returns 16 bytes, or undefined when it is no recovery code or a digit is wrong
 */
export function parseRecoveryCode(text: string): Buffer | undefined {
  const symbols = text.toUpperCase().replace(/[\s-]/g, '').replace(/O/g, '0').replace(/[IL]/g, '1');
  if (symbols.length !== DATA_SYMBOLS + CHECK_SYMBOLS) return undefined;
  const value = fromSymbols(symbols.slice(0, DATA_SYMBOLS));
  const check = fromSymbols(symbols.slice(DATA_SYMBOLS));
  if (value === undefined || check === undefined) return undefined;
  if (value >> 128n !== 0n || value % CHECK_MODULUS !== check) return undefined;
  return Buffer.from(value.toString(16).padStart(RECOVERY_CODE_BYTES * 2, '0'), 'hex');
}

/** Whether this has the digits and dashes of a code, and is none: a digit is wrong. */
export function isMistypedCode(text: string): boolean {
  return CODE_FORM.test(text) && parseRecoveryCode(text) === undefined;
}

const CODE_FORM = /^[\s-]*(?:[0-9A-Z][\s-]*){28}$/i;

function toSymbols(value: bigint, count: number): string {
  let symbols = '';
  for (let shift = BigInt(count - 1) * 5n; shift >= 0n; shift -= 5n) {
    symbols += ALPHABET[Number((value >> shift) & 31n)] ?? '';
  }
  return symbols;
}

function fromSymbols(symbols: string): bigint | undefined {
  let value = 0n;
  for (const symbol of symbols) {
    const digit = ALPHABET.indexOf(symbol);
    if (digit < 0) return undefined;
    value = value * 32n + BigInt(digit);
  }
  return value;
}
