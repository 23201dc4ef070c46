// What an error of the command looks like, on stderr and in its exit status.
import type { Test } from 'tap';
import { type Outcome, oneJson } from './command.js';

interface ExpectedError {
  readonly status: number;
  readonly code: string;
  /** Of the message. */
  readonly message?: RegExp;
  readonly hint?: RegExp;
  readonly details?: object;
}

/** Asserts that a run with `--json` ended in this error, told as one line on stderr, and gave no result. */
export function expectJsonError(test: Test, outcome: Outcome, expected: ExpectedError, title: string): void {
  const { status, code, message, hint, details } = expected;
  test.equal(outcome.status, status, `${title}: exit ${status}`);
  test.equal(outcome.stdout, '', `${title}: nothing on stdout`);
  const { error, ...others } = oneJson(outcome.stderr) as { error: Record<string, unknown> };
  test.same(others, {}, `${title}: the error is the only key`);
  const known = new Set(['code', 'message', 'hint', 'details']);
  test.same(
    Object.keys(error).filter((key) => !known.has(key)),
    [],
    `${title}: no unknown field`,
  );
  test.match(
    error,
    { code, message: message ?? /^[^A-Z\n]/, ...(hint ? { hint } : {}), ...(details ? { details } : {}) },
    title,
  );
}

/** Asserts that a run ended in an error told as `disktro: error: …`, with a hint when one is expected. */
export function expectError(
  test: Test,
  outcome: Outcome,
  expected: Pick<ExpectedError, 'status'> & { readonly message: RegExp; readonly hint?: RegExp },
  title: string,
): void {
  test.equal(outcome.status, expected.status, `${title}: exit ${expected.status}`);
  const [first = '', ...rest] = outcome.stderr
    .trimEnd()
    .split('\n')
    .filter((line) => !line.startsWith('disktro: warning:'));
  test.match(first, /^disktro: error: [^\n]+[^.\n]$/, `${title}: one line without a full stop`);
  test.match(first.replace('disktro: error: ', ''), expected.message, title);
  test.ok(
    rest.every((line) => line.startsWith('disktro: hint: ')),
    `${title}: then only hints`,
  );
  if (expected.hint !== undefined)
    test.match(rest[0]?.replace('disktro: hint: ', ''), expected.hint, `${title}: hint`);
}
