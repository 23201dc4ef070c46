/**
 * The tab Upload: puts a file on one machine of choice, whatever the usual placement is.
 */

import type { ClusterNode, FileInfo } from '../api/shapes.js';
import { send } from '../api/transfer.js';
import { sendTo, titleOf } from '../files/file-actions.js';
import { StatusBadge } from '../parts/badge.js';
import { DropZone } from '../parts/drop-zone.js';
import { HintCard } from '../parts/hint-card.js';
import { Icon } from '../parts/icon.js';
import { type JSX, type Signal, signal, useId, useSignal } from '../preact.js';
import { openFile, openFileId, shownFiles } from '../state/files.js';
import { runJob } from '../state/jobs.js';
import { keptSignal } from '../state/kept.js';
import { tellDone, tellError } from '../state/notices.js';
import { openTab } from '../state/route.js';
import { nodes, others } from '../state/server.js';
import type { NamedFile } from '../state/upload-queue.js';
import { withVault } from '../state/vault.js';
import { whenText } from '../text/dates.js';
import { shortId, sizeText } from '../text/units.js';

const chosenPeer = keptSignal('peer', '');
/** The file for which the password is still missing. */
const chosen = signal<NamedFile | undefined>(undefined);

export function UploadTab(): JSX.Element {
  if (nodes.value === undefined) return <p class="empty muted">Asking for the machines…</p>;
  if (others.value.length === 0) return <NoPeers />;
  const peer = others.value.find(({ id }) => id === chosenPeer.value) ?? others.value[0];
  return (
    <div class="upload">
      {peer === undefined ? null : <Chosen peer={peer} />}
      <fieldset class="card">
        <legend>To which machine</legend>
        <div class="choices">
          {others.value.map((node) => (
            <PeerChoice key={node.id} node={node} isChosen={node === peer} />
          ))}
        </div>
      </fieldset>
      {peer === undefined ? null : (
        <div class="upload-ways">
          <StoredChoice peer={peer} />
          <DropZone
            title={`Or drop a file for ${peer.name}`}
            hint="It is stored on this machine too, and listed under Files."
            isMany={false}
            onFiles={([file]) => void sendNew(file, peer)}
          />
        </div>
      )}
    </div>
  );
}

function Chosen({ peer }: { readonly peer: ClusterNode }): JSX.Element | null {
  const file = chosen.value;
  if (file === undefined) return null;
  return (
    <HintCard
      actions={[
        { label: `Send it to ${peer.name}`, isPrimary: true, run: () => void sendNew(file, peer) },
        {
          label: 'Forget',
          run: () => {
            chosen.value = undefined;
          },
        },
      ]}
    >
      <strong>{file.name} is chosen</strong> and not stored yet: that takes the password.
    </HintCard>
  );
}

function NoPeers(): JSX.Element {
  return (
    <div class="empty">
      <Icon name="send" />
      <h2>No other machine yet</h2>
      <p>Here you put a file on one machine of your choice. Invite a first one on the next page.</p>
      <button type="button" class="button primary" onClick={() => openTab('network')}>
        Invite a machine
      </button>
    </div>
  );
}

function PeerChoice({
  node,
  isChosen,
}: {
  readonly node: ClusterNode;
  readonly isChosen: boolean;
}): JSX.Element {
  return (
    <label class={`choice ${isChosen ? 'is-chosen' : ''}`}>
      <input
        type="radio"
        name="peer"
        value={node.id}
        checked={isChosen}
        onChange={() => {
          chosenPeer.value = node.id;
        }}
      />
      <span class="choice-text">
        <strong>{node.name}</strong>
        <span class="muted">{sizeText(node.free)} free</span>
      </span>
      <StatusBadge node={node} />
    </label>
  );
}

function StoredChoice({ peer }: { readonly peer: ClusterNode }): JSX.Element {
  const typed = useSignal('');
  const fieldId = useId();
  const file = openFile.value;
  return (
    <section class="card" aria-label="A file that is here">
      <h2>A file that is here</h2>
      <label for={fieldId}>Find it by name</label>
      <input
        id={fieldId}
        class="field"
        type="search"
        autocomplete="off"
        placeholder="Search"
        value={typed.value}
        onInput={(event) => {
          typed.value = event.currentTarget.value;
        }}
      />
      <FoundFiles typed={typed} />
      <button
        type="button"
        class="button primary"
        disabled={file === undefined}
        onClick={() => file !== undefined && void sendTo(file, peer.id, peer.name)}
      >
        <Icon name="send" />
        {file === undefined ? 'Choose a file above' : `Send ${titleOf(file)} to ${peer.name}`}
      </button>
    </section>
  );
}

const FOUND = 6;

function FoundFiles({ typed }: { readonly typed: Signal<string> }): JSX.Element {
  const words = typed.value.toLowerCase();
  const found: FileInfo[] = openFile.value !== undefined && words === '' ? [openFile.value] : [];
  for (const file of shownFiles.value) {
    if (found.length >= FOUND) break;
    if (!found.includes(file) && titleOf(file).toLowerCase().includes(words)) found.push(file);
  }
  if (found.length === 0) return <p class="muted">No such file.</p>;
  return (
    <div class="choices" role="radiogroup" aria-label="Files">
      {found.map((file) => (
        <label key={file.id} class={`choice ${file.id === openFileId.value ? 'is-chosen' : ''}`}>
          <input
            type="radio"
            name="stored"
            checked={file.id === openFileId.value}
            onChange={() => {
              openFileId.value = file.id;
            }}
          />
          <span class="choice-text">
            <strong>{titleOf(file)}</strong>
            <span class="muted">{whichOf(file, found)}</span>
          </span>
        </label>
      ))}
    </div>
  );
}

/** What tells it from others of its name: when it was stored, and where that is the same too its id. */
function whichOf(file: FileInfo, found: readonly FileInfo[]): string {
  const when = whenText(file.created_at);
  const isAlike = (other: FileInfo): boolean =>
    other !== file && other.name === file.name && whenText(other.created_at) === when;
  const parts = [
    file.size === null ? '' : sizeText(file.size),
    when,
    found.some(isAlike) ? shortId(file.id) : '',
  ];
  return parts.filter(Boolean).join(' · ');
}

/** What was chosen stays so when the password is not given. */
async function sendNew(given: NamedFile | undefined, peer: ClusterNode): Promise<void> {
  if (given === undefined) return;
  const { name, file } = given;
  chosen.value = undefined;
  try {
    const sent = await withVault('store files', () =>
      runJob(`Uploading ${name} to ${peer.name}`, ({ task, signal }) =>
        send<FileInfo>({
          path: '/api/upload',
          file,
          fields: { peerAddress: peer.id, name },
          task,
          signal,
          onSent: () => {
            // How far it is comes with the server's events, which count what has been stored.
          },
        }),
      ),
    );
    if (sent === undefined) chosen.value = given;
    else tellDone(`${peer.name} holds all of ${name}`);
  } catch (error) {
    tellError(`${name} could not be put on ${peer.name}`, error);
  }
}
