/**
 * What went wrong, in the words of the server, and what a person can do about it. Knows statuses and codes only to find
 * the advice.
 */

/** A request that failed. `status` is 0 when the server could not be reached. */
export class PageError extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string;
  /** When trying again makes sense, in ms since 1970; 0: at once. */
  readonly retryAtMs: number;

  constructor(
    message: string,
    told: { status: number; code?: string; hint?: string; retryAfterSeconds?: number },
  ) {
    super(message);
    this.status = told.status;
    this.code = told.code ?? '';
    // Hints of the server speak to those who write requests; what is known here speaks to those who look at the page.
    this.hint = ADVICE_BY_CODE[this.code] ?? told.hint ?? adviceFor(told.status);
    const { retryAfterSeconds = 0 } = told;
    this.retryAtMs = retryAfterSeconds > 0 ? Date.now() + retryAfterSeconds * 1000 : 0;
  }
}

/** @returns true when somebody stopped it on purpose */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

/** Any thrown value as one that can be shown. */
export function asPageError(error: unknown): PageError {
  if (error instanceof PageError) return error;
  if (isAbort(error)) return new PageError('stopped', { status: 0, code: 'E_ABORTED', hint: '' });
  return new PageError(error instanceof Error ? error.message : String(error), { status: 0 });
}

const ADVICE_BY_CODE: Readonly<Record<string, string>> = {
  E_WRONG_PASSWORD: 'Check capitals and the keyboard layout. The recovery code works too.',
  E_NO_SPACE: 'Free some space on the disk of this machine, then try again.',
  E_LOCKED: 'Another disktro process holds the home. Wait until it is done, then try again.',
  E_OBJECT_MISSING: 'Some chunks are on machines that are off. Start them, then try again.',
  E_CORRUPT:
    'A damaged chunk is fetched again from a machine that holds a good copy. Verify again in a minute.',
  E_OUTPUT_EXISTS: 'Choose another name: an existing file is never overwritten.',
  E_TOO_FEW_COPIES: 'The file is stored here. Copies are made as soon as more machines are up.',
  E_PEER_UNREACHABLE: 'Is that machine on, and `disktro serve` running there?',
};

function adviceFor(status: number): string {
  if (status === 0) return 'Is `disktro serve` still running on this machine? The page comes back by itself.';
  if (status === 401) return 'Open the link that `disktro serve` prints: it carries a fresh token.';
  if (status === 404) return 'It may have been deleted meanwhile, on another page or machine.';
  if (status === 413) return 'The request is larger than this machine takes at once.';
  if (status === 429) return 'Too many tries. Wait a moment, then try again.';
  if (status === 507) return 'Free some space on the disk of this machine, then try again.';
  if (status >= 500) return 'The log on the Server tab may say more.';
  return '';
}
