/**
 * The time of now, once a second while anybody looks: for "3 min ago", rates and uptimes.
 */
import { signal } from '../preact.js';

export const nowMs = signal(Date.now());

export function startClock(): void {
  setInterval(() => {
    if (!document.hidden) nowMs.value = Date.now();
  }, 1000);
}
