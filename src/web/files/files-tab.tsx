/**
 * The tab Files: how safe all of them are, the list, and beside it the one that is open.
 */
import { SegmentBar } from '../parts/bars.js';
import { Icon } from '../parts/icon.js';
import type { JSX } from '../preact.js';
import { files, openFile, totals } from '../state/files.js';
import { openTab } from '../state/route.js';
import { ensureUnlocked, hasVault } from '../state/vault.js';
import { countText, numberText, sizeText } from '../text/units.js';
import { FileDetails } from './file-details.js';
import { FileList, SearchField } from './file-list.js';

export function FilesTab(): JSX.Element {
  if (files.value === undefined) return <p class="empty muted">Reading the list of files…</p>;
  if (files.value.size === 0) return <NoFiles />;
  const open = openFile.value;
  return (
    <div class={`files ${open === undefined ? '' : 'has-details'}`}>
      <div class="files-main">
        <Overview />
        <SearchField />
        <FileList />
      </div>
      {open === undefined ? null : <FileDetails file={open} key={open.id} />}
    </div>
  );
}

function NoFiles(): JSX.Element {
  return (
    <div class="empty">
      <Icon name="folder" />
      <h2>No files yet</h2>
      <p>
        Drop a first file or folder on the next page. It is cut into chunks, encrypted on this machine, and
        copied to your other machines.{hasVault.value ? '' : ' You choose the password then.'}
      </p>
      <button type="button" class="button primary" onClick={() => openTab('chunk')}>
        Add files
      </button>
    </div>
  );
}

function Overview(): JSX.Element {
  const { count, bytes, good, short, bad, isLocked } = totals.value;
  return (
    <div class="overview">
      <p class="overview-text">
        <strong>{countText(count, 'file')}</strong>
        {isLocked ? null : <span class="muted"> · {sizeText(bytes)}</span>}
        {isLocked ? (
          <button type="button" class="link" onClick={() => void ensureUnlocked('see names')}>
            <Icon name="lock" />
            Unlock to see names
          </button>
        ) : null}
      </p>
      <SegmentBar
        label={`${good} with all copies, ${short} short of copies, ${bad} at risk`}
        segments={[
          { look: 'good', value: good },
          { look: 'short', value: short },
          { look: 'bad', value: bad },
        ]}
      />
      <ul class="legend">
        <li class="good">
          <Icon name="check" />
          {numberText(good)} with all copies
        </li>
        {short === 0 ? null : (
          <li class="short">
            <Icon name="half" />
            {numberText(short)} short of copies
          </li>
        )}
        {bad === 0 ? null : (
          <li class="bad">
            <Icon name="alert" />
            {numberText(bad)} at risk
          </li>
        )}
      </ul>
    </div>
  );
}
