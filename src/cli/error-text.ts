/** How an error reads: lines for people, an object for programs. Writes nothing. */
import { DisktroError } from '../errors.js';
import { escapeControls } from './escape.js';
import type { Style } from './style.js';

const UNEXPECTED_HINT = 'this is a bug in disktro; run the command again with -vv and report what it prints';

/** `disktro: error: …`, then `disktro: hint: …` where one helps, then with `isVerbose` stack and causes. */
export function errorLines(error: unknown, style: Style, isVerbose: boolean): string[] {
  const { message, hint } = errorFacts(error);
  const lines = [`disktro: ${style.error('error:')} ${escapeControls(message)}`];
  if (hint !== undefined) lines.push(`disktro: ${style.warning('hint:')} ${escapeControls(hint)}`);
  if (isVerbose) lines.push(...stackLines(error).map((line) => style.faint(line)));
  return lines;
}

/** `{"error":{"code","message","hint"?,"details"?}}`; with `isVerbose` also `stack`, a list of lines. */
export function errorRecord(error: unknown, isVerbose: boolean): object {
  const { code, message, hint, details } = errorFacts(error);
  return {
    error: {
      code,
      message,
      ...(hint === undefined ? {} : { hint }),
      ...(details === undefined ? {} : { details }),
      ...(isVerbose ? { stack: stackLines(error) } : {}),
    },
  };
}

interface ErrorFacts {
  readonly code: string;
  readonly message: string;
  readonly hint: string | undefined;
  readonly details: object | undefined;
}

function errorFacts(error: unknown): ErrorFacts {
  if (error instanceof DisktroError) return error;
  const message = `unexpected: ${error instanceof Error ? error.message : String(error)}`;
  return { code: 'E_UNEXPECTED', message, hint: UNEXPECTED_HINT, details: undefined };
}

function stackLines(error: unknown): string[] {
  const lines: string[] = [];
  const seen = new Set<unknown>();
  for (let current = error; current instanceof Error && !seen.has(current); current = current.cause) {
    seen.add(current);
    const code = (current as { code?: unknown }).code;
    const prefix = `${seen.size === 1 ? '' : 'caused by '}${typeof code === 'string' ? `[${code}] ` : ''}`;
    lines.push(...`${prefix}${current.stack ?? current.message}`.split('\n').map(escapeControls));
  }
  return lines;
}
