/**
 * Whether the page is shown on something as narrow as a telephone.
 */
import { signal } from '../preact.js';

const query = matchMedia('(max-width: 720px)');

export const isNarrow = signal(query.matches);

export function watchScreen(): void {
  query.addEventListener('change', () => {
    isNarrow.value = query.matches;
  });
}
