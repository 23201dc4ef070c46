/**
 * Which tab is shown, by the hash of the address, so that Back works and a tab can be linked to.
 */
import { signal } from '../preact.js';

export const TABS = ['files', 'chunk', 'upload', 'network', 'server'] as const;
export type Tab = (typeof TABS)[number];

export const tab = signal<Tab>(tabOf(location.hash) ?? lastTab());

function tabOf(hash: string): Tab | undefined {
  return TABS.find((name) => hash === `#${name}`);
}

/** The link with the token has no tab in it: then it is the one that was open last. */
function lastTab(): Tab {
  return tabOf(`#${sessionStorage.getItem('disktro-tab')}`) ?? 'files';
}

/** Shows the tab and enters it in the history. */
export function openTab(name: Tab): void {
  if (location.hash !== `#${name}`) location.hash = name;
  tab.value = name;
}

export function watchRoute(): void {
  const follow = (): void => {
    tab.value = tabOf(location.hash) ?? tab.value;
    sessionStorage.setItem('disktro-tab', tab.value);
    if (location.hash !== `#${tab.value}`) history.replaceState(null, '', `#${tab.value}`);
  };
  addEventListener('hashchange', follow);
  follow();
}
