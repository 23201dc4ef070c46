/**
 * Text that is safe to show a person: names come from other machines and may hold anything.
 * Pure; JSON output does not pass through here.
 */

/** C0 and C1 controls, line and paragraph separators, and the marks that reorder text on screen. */
const UNSAFE = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Control characters become `\n`, `\x1b` or `\u202e`; everything else stays as it is. */
export function escapeControls(text: string): string {
  return text.replace(UNSAFE, (character) => SHORT[character] ?? hexEscape(character.charCodeAt(0)));
}

function hexEscape(code: number): string {
  return code < 0x100
    ? `\\x${code.toString(16).padStart(2, '0')}`
    : `\\u${code.toString(16).padStart(4, '0')}`;
}
