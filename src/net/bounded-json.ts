/**
 * JSON from another machine: its size and depth are known before JSON.parse sees it, and no `__proto__` comes out of it.
 * Says nothing of what the JSON should hold. docs/PROTOCOL.md, "Routes".
 */
import { MIB } from '../limits.js';

export const MAX_JSON_BYTES = MIB;
export const MAX_EXCHANGE_BYTES = 8 * MIB;
/** As deep as any JSON of the protocol may be. */
export const MAX_JSON_DEPTH = 32;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Why {@link parseBoundedJson} gave up, in a few words: not an error of this program. */
export class JsonRefusal extends Error {
  override readonly name = 'JsonRefusal';
}

/**
 * Parses UTF-8 JSON of at most `maxDepth` levels: `[]` has one. Properties named `__proto__` are left out.
 * @throws JsonRefusal when it is deeper, no UTF-8, or no JSON
 */
export function parseBoundedJson(bytes: Uint8Array, maxDepth: number = MAX_JSON_DEPTH): unknown {
  if (isDeeperThan(bytes, maxDepth)) throw new JsonRefusal(`JSON of more than ${maxDepth} levels`);
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    throw new JsonRefusal('text that is not UTF-8');
  }
  // An escape could spell the name as well. The reviver is slow, so only a text that may need it pays for it.
  const mayHoldProto = text.includes('__proto__') || /\\u005f/i.test(text);
  try {
    return mayHoldProto ? JSON.parse(text, dropProto) : JSON.parse(text);
  } catch {
    throw new JsonRefusal('text that is not JSON');
  }
}

/** Looks at brackets outside strings only: cheap, without recursion, and right for all that JSON.parse accepts. */
function isDeeperThan(bytes: Uint8Array, maxDepth: number): boolean {
  let depth = 0;
  let isInString = false;
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index];
    if (isInString) {
      if (byte === BACKSLASH) index++;
      else if (byte === QUOTE) isInString = false;
    } else if (byte === QUOTE) {
      isInString = true;
    } else if (byte === 0x5b || byte === 0x7b) {
      if (++depth > maxDepth) return true;
    } else if (byte === 0x5d || byte === 0x7d) {
      depth--;
    }
  }
  return false;
}

const dropProto = (key: string, value: unknown): unknown => (key === '__proto__' ? undefined : value);
