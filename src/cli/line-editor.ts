/**
 * What keys do to a hidden line: a state machine over characters, with no terminal in it.
 */

export type LineEvent = { readonly kind: 'line'; readonly text: string } | { readonly kind: 'abort' };

export interface LineEditor {
  /** Takes what was typed; returns the first line or abort it holds. The rest waits for `take` of the next line. */
  feed(typed: string): LineEvent | undefined;
}

const BACKSPACES = new Set(['\x7f', '\b']);
const ERASE_LINE = '\x15'; // Ctrl-U
const ABORT = '\x03'; // Ctrl-C
const END = '\x04'; // Ctrl-D
const LINE_ENDS = new Set(['\r', '\n']);
/** Arrow keys, function keys, the marks around a bracketed paste: none of them is part of a password. */
const ESCAPE = '\x1b';
const AFTER_ESCAPE = /^(?:\[[0-?]*[ -/]*[@-~]|O[ -~]|[^[O])/;

/** Keys typed ahead, such as a paste of two lines, are kept for the next line. */
export function createLineEditor(): LineEditor {
  let waiting = '';
  let line: string[] = [];
  const finish = (event: LineEvent): LineEvent => {
    line = [];
    return event;
  };
  const press = (key: string): LineEvent | undefined => {
    if (key === ABORT || (key === END && line.length === 0)) return finish({ kind: 'abort' });
    if (LINE_ENDS.has(key) || key === END) return finish({ kind: 'line', text: line.join('') });
    if (BACKSPACES.has(key)) line.pop();
    else if (key === ERASE_LINE) line = [];
    else if (key >= ' ') line.push(key);
    return undefined;
  };
  return {
    feed(typed) {
      waiting += typed;
      while (waiting !== '') {
        const isEscape = waiting.startsWith(ESCAPE);
        const key = isEscape ? escapeSequence(waiting) : String.fromCodePoint(waiting.codePointAt(0) ?? 0);
        if (key === undefined) return undefined; // the rest of the sequence has not come yet
        waiting = waiting.slice(key.length);
        const event = isEscape ? undefined : press(key);
        if (event !== undefined) return event;
      }
      return undefined;
    },
  };
}

function escapeSequence(text: string): string | undefined {
  const rest = AFTER_ESCAPE.exec(text.slice(ESCAPE.length));
  return rest === null ? undefined : ESCAPE + rest[0];
}
