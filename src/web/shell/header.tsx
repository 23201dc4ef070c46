/**
 * The top of the page: whose machine it is, the tabs, whether the server answers, whether names are open, light or dark.
 */
import { link, reconnectNow } from '../api/live.js';
import { Icon } from '../parts/icon.js';
import type { JSX } from '../preact.js';
import { openTab, TABS, type Tab, tab } from '../state/route.js';
import { serverStatus } from '../state/server.js';
import { isDark, switchTheme } from '../state/theme.js';
import { openCount } from '../state/upload-queue.js';
import { ensureUnlocked, hasVault, isUnlocked, lockNow } from '../state/vault.js';

const TAB_NAMES: Readonly<Record<Tab, string>> = {
  files: 'Files',
  chunk: 'Chunk',
  upload: 'Upload',
  network: 'Network',
  server: 'Server',
};

export function Header(): JSX.Element {
  return (
    <header class="header">
      <div class="brand">
        <img src="/assets/icon.svg" alt="" width="26" height="26" />
        <h1>
          disktro
          <span class="unseen"> on </span>
          <span class="machine">{serverStatus.value?.name ?? ''}</span>
        </h1>
      </div>
      <TabList />
      <div class="header-end">
        <LockButton />
        <button
          type="button"
          class="button quiet icon-only"
          aria-label={isDark.value ? 'Light colours' : 'Dark colours'}
          title={isDark.value ? 'Light colours' : 'Dark colours'}
          onClick={switchTheme}
        >
          <Icon name={isDark.value ? 'sun' : 'moon'} />
        </button>
      </div>
    </header>
  );
}

function TabList(): JSX.Element {
  const onKeyDown = (event: KeyboardEvent): void => {
    const steps: Readonly<Record<string, number>> = {
      ArrowRight: 1,
      ArrowLeft: -1,
      Home: -TABS.indexOf(tab.value),
      End: -1 - TABS.indexOf(tab.value),
    };
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = TABS[(TABS.indexOf(tab.value) + step + TABS.length) % TABS.length] ?? 'files';
    openTab(next);
    document.getElementById(`tab-${next}`)?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label="Parts of the page" onKeyDown={onKeyDown}>
      {TABS.map((name) => (
        <button
          key={name}
          type="button"
          role="tab"
          class="tab"
          id={`tab-${name}`}
          aria-selected={tab.value === name}
          aria-controls="panel"
          tabIndex={tab.value === name ? 0 : -1}
          onClick={() => openTab(name)}
        >
          {TAB_NAMES[name]}
          {name === 'chunk' && openCount.value > 0 ? <span class="count">{openCount.value}</span> : null}
        </button>
      ))}
    </div>
  );
}

function LockButton(): JSX.Element | null {
  if (!hasVault.value || serverStatus.value === undefined) return null;
  const isOpen = isUnlocked.value;
  return (
    <button
      type="button"
      class="button quiet"
      title={isOpen ? 'Hide names and wipe the keys' : 'Give the password'}
      onClick={() => void (isOpen ? lockNow() : ensureUnlocked('see names and open files'))}
    >
      <Icon name={isOpen ? 'unlock' : 'lock'} />
      {isOpen ? 'Lock' : 'Unlock'}
    </button>
  );
}

/** Only while the server does not answer. */
export function LinkNotice(): JSX.Element | null {
  if (link.value !== 'lost') return null;
  return (
    <div class="link-lost" role="status">
      <Icon name="alert" />
      <span>
        No connection to <code>disktro serve</code>. What you see may be old; the page comes back by itself.
      </span>
      <button type="button" class="button small" onClick={reconnectNow}>
        Try now
      </button>
    </div>
  );
}
