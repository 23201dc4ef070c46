/**
 * The whole page: header, the tab that is open, dialogs, and what has happened. Without a token it says where to find one.
 */
import { token } from '../api/access.js';
import { ChunkTab } from '../chunk/chunk-tab.js';
import { FileDialog } from '../files/file-dialogs.js';
import { FilesTab } from '../files/files-tab.js';
import { NetworkTab } from '../network/network-tab.js';
import type { JSX } from '../preact.js';
import { ServerTab } from '../server/server-tab.js';
import { type Tab, tab } from '../state/route.js';
import { UploadTab } from '../upload/upload-tab.js';
import { Header, LinkNotice } from './header.js';
import { Notices } from './notices.js';
import { PasswordDialog } from './password-dialog.js';
import { RecoveryDialog } from './recovery-dialog.js';

const PANELS: Readonly<Record<Tab, () => JSX.Element>> = {
  files: FilesTab,
  chunk: ChunkTab,
  upload: UploadTab,
  network: NetworkTab,
  server: ServerTab,
};

export function Page(): JSX.Element {
  if (token.value === '') return <NoToken />;
  const Panel = PANELS[tab.value];
  return (
    <div class="page">
      <Header />
      <LinkNotice />
      <main class="main">
        <div
          class={`panel ${tab.value}-panel`}
          id="panel"
          role="tabpanel"
          aria-labelledby={`tab-${tab.value}`}
        >
          <Panel key={tab.value} />
        </div>
      </main>
      <Notices />
      <FileDialog />
      <PasswordDialog />
      <RecoveryDialog />
    </div>
  );
}

function NoToken(): JSX.Element {
  return (
    <main class="no-token">
      <img src="/assets/icon.svg" alt="" width="48" height="48" />
      <h1>Open the link that serve prints</h1>
      <p>
        Only who can read this machine's files may use this page, so it opens with a link that has a key in
        it. Look where <code>disktro serve</code> runs; it printed a line such as
      </p>
      <p class="code-line">{location.origin}/#token=…</p>
      <p>
        Open that link in this browser. The key also lies in <code>api-token</code> in the home of disktro
        (usually <code>~/.disktro</code>).
      </p>
    </main>
  );
}
