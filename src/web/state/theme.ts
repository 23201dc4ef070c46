/**
 * Light or dark: as the system says, unless somebody has chosen.
 */
import { computed, effect, signal } from '../preact.js';
import { keptSignal } from './kept.js';

const chosen = keptSignal('theme', '', localStorage);
const system = matchMedia('(prefers-color-scheme: dark)');
const isSystemDark = signal(system.matches);

export const isDark = computed(() => (chosen.value === '' ? isSystemDark.value : chosen.value === 'dark'));

export function switchTheme(): void {
  const next = isDark.value ? 'light' : 'dark';
  // Back at what the system says, the page follows the system again.
  chosen.value = (next === 'dark') === isSystemDark.value ? '' : next;
}

export function watchTheme(): void {
  system.addEventListener('change', () => {
    isSystemDark.value = system.matches;
  });
  effect(() => {
    document.documentElement.dataset.theme = isDark.value ? 'dark' : 'light';
  });
}
