/**
 * Who the page is to the server: the token out of the link, kept for this browser tab, and the session that a password
 * has opened, kept in memory only, so that a reload asks again. The password itself is never kept.
 */
import { signal } from '../preact.js';

const TOKEN_KEY = 'disktro-token';

/** Empty when the page was opened without its link. */
export const token = signal(takeToken());

/** undefined while locked. */
export const session = signal<string | undefined>(undefined);

/** Headers of every request to the API. */
export function accessHeaders(): Record<string, string> {
  const headers: Record<string, string> = { Authorization: `Bearer ${token.value}` };
  if (session.value !== undefined) headers['X-Disktro-Session'] = session.value;
  return headers;
}

/** Takes the token out of the address, where it would stay in the history, and keeps it for this tab. */
function takeToken(): string {
  const given = /^#token=([0-9a-f]{64})$/.exec(location.hash)?.[1];
  if (given === undefined) return sessionStorage.getItem(TOKEN_KEY) ?? '';
  sessionStorage.setItem(TOKEN_KEY, given);
  history.replaceState(null, '', location.pathname);
  return given;
}

/** When the link is opened in a tab that shows the page already, only the hash changes. */
export function watchForToken(): void {
  addEventListener('hashchange', () => {
    const given = takeToken();
    if (given !== '') token.value = given;
  });
}

/** The server no longer takes the token: it was made anew. */
export function forgetToken(): void {
  sessionStorage.removeItem(TOKEN_KEY);
  token.value = '';
}
