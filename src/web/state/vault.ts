/**
 * Whether this page may see names and open files, and the question for the password, asked once for all who wait for it.
 * The password goes from the dialog to the server and is not kept.
 */

import { session } from '../api/access.js';
import { lock as askLock, unlock as askUnlock } from '../api/calls.js';
import { PageError } from '../api/page-error.js';
import { needsPassword } from '../api/request.js';
import { computed, signal } from '../preact.js';
import { tellError } from './notices.js';
import { serverStatus } from './server.js';

export const isUnlocked = computed(() => session.value !== undefined);
export const hasVault = computed(() => serverStatus.value?.vaultId !== null);

export interface Question {
  /** Why it is asked, as the end of "The password is needed to …". */
  readonly purpose: string;
  readonly answer: (isOpen: boolean) => void;
}

export const question = signal<Question | undefined>(undefined);

/** To be shown once, and written down; undefined most of the time. */
export const newRecoveryCode = signal<string | undefined>(undefined);

let pending: Promise<boolean> | undefined;

/** Asks for the password unless the vault is open. @returns false when it was not given */
export function ensureUnlocked(purpose: string): Promise<boolean> {
  if (isUnlocked.value) return Promise.resolve(true);
  pending ??= new Promise<boolean>((resolve) => {
    question.value = { purpose, answer: resolve };
  }).finally(() => {
    question.value = undefined;
    pending = undefined;
  });
  return pending;
}

/** @throws PageError on a wrong password, or when there were too many */
export async function unlockWith(password: string, create: boolean): Promise<void> {
  const opened = await askUnlock(password, create);
  session.value = opened.session;
  newRecoveryCode.value = opened.recoveryCode;
  question.value?.answer(true);
}

export async function lockNow(): Promise<void> {
  try {
    await askLock();
    session.value = undefined;
  } catch (error) {
    tellError('Locking failed', error);
  }
}

/**
 * Runs what needs the vault open; when the keys were wiped meanwhile, asks for the password and runs it once more.
 * @returns undefined when the password was not given
 */
export async function withVault<T>(purpose: string, run: () => Promise<T>): Promise<T | undefined> {
  if (!(await ensureUnlocked(purpose))) return undefined;
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof PageError && needsPassword(error))) throw error;
    if (!(await ensureUnlocked(purpose))) return undefined;
    return run();
  }
}
