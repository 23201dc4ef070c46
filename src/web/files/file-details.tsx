/**
 * One file: what it is, where its chunks lie, and what can be done with it.
 */
import { getFile } from '../api/calls.js';
import { asPageError, isAbort } from '../api/page-error.js';
import type { FileInfo, PlacedFile } from '../api/shapes.js';
import { CopiesBadge } from '../parts/badge.js';
import { CopyButton } from '../parts/copy-text.js';
import { Icon, type IconName } from '../parts/icon.js';
import { type JSX, type Signal, useEffect, useRef, useSignal } from '../preact.js';
import { openFileId } from '../state/files.js';
import { openTab } from '../state/route.js';
import { ensureUnlocked } from '../state/vault.js';
import { copiesTitle } from '../text/copies.js';
import { whenText } from '../text/dates.js';
import { numberText, percentText, shortId, sizeText } from '../text/units.js';
import { check, download, fileQuestion, titleOf } from './file-actions.js';
import { Inside } from './inside.js';
import { PlacementStrip } from './placement-strip.js';

export function FileDetails({ file }: { readonly file: FileInfo }): JSX.Element {
  const placed = usePlaced(file);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus({ preventScroll: true }), [file.id]);
  return (
    <section class="details" aria-labelledby="details-title">
      <div class="details-top">
        <h2 id="details-title" tabIndex={-1} ref={heading}>
          {titleOf(file)}
        </h2>
        <button
          type="button"
          class="button quiet icon-only"
          aria-label="Close the details"
          onClick={() => {
            openFileId.value = '';
          }}
        >
          <Icon name="close" />
        </button>
      </div>
      <p class="details-copies">
        <CopiesBadge copies={file.copies} /> {copiesTitle(file.copies)}
      </p>
      <FileButtons file={file} />
      <Facts file={file} placed={placed.value} />
      {file.kind === 'tree' ? (
        <>
          <h3>What is inside</h3>
          <Inside file={file} />
        </>
      ) : null}
      <h3>Where its chunks are</h3>
      <PlacementPart placed={placed} />
    </section>
  );
}

type Placed = PlacedFile | { readonly error: string } | undefined;

/** Fetched when the file is opened, and again when its copies change. */
function usePlaced(file: FileInfo): Signal<Placed> {
  const placed = useSignal<Placed>(undefined);
  useEffect(() => {
    const stopper = new AbortController();
    getFile(file.id, stopper.signal).then(
      (told) => {
        placed.value = told;
      },
      (error: unknown) => {
        if (!isAbort(error)) placed.value = { error: asPageError(error).message };
      },
    );
    return () => stopper.abort();
  }, [file]);
  return placed;
}

function PlacementPart({ placed }: { readonly placed: Signal<Placed> }): JSX.Element {
  const told = placed.value;
  if (told === undefined) return <p class="muted">Asking…</p>;
  if ('error' in told) return <p class="problem">{told.error}</p>;
  if (told.placement.length === 0) return <p class="muted">An empty file has no chunks.</p>;
  return <PlacementStrip chunks={told.placement} />;
}

function FileButtons({ file }: { readonly file: FileInfo }): JSX.Element {
  const action = (icon: IconName, label: string, look: string, run: () => void): JSX.Element => (
    <button type="button" class={`button ${look}`} onClick={run}>
      <Icon name={icon} />
      {label}
    </button>
  );
  const askFor = async (kind: 'reassemble' | 'delete', purpose: string): Promise<void> => {
    if (await ensureUnlocked(purpose)) fileQuestion.value = { kind, file };
  };
  return (
    <div class="buttons start">
      {action(
        'download',
        file.kind === 'tree' ? 'Download .tar' : 'Download',
        'primary',
        () => void download(file),
      )}
      {action('write', 'Reassemble…', '', () => void askFor('reassemble', 'write a file back'))}
      {action('shield', 'Verify', '', () => void check(file))}
      {action('send', 'Send to…', '', () => openTab('upload'))}
      {action('trash', 'Delete…', 'danger-quiet', () => void askFor('delete', 'delete a file'))}
    </div>
  );
}

function Facts({ file, placed }: { readonly file: FileInfo; readonly placed: Placed }): JSX.Element {
  const stored = placed !== undefined && 'stored_bytes' in placed ? placed.stored_bytes : undefined;
  const size = file.size;
  return (
    <dl class="facts">
      <dt>Size</dt>
      <dd>{size === null ? 'hidden while locked' : `${sizeText(size)} (${numberText(size)} bytes)`}</dd>
      <dt>Stored as</dt>
      <dd>
        {stored === undefined ? '…' : sizeText(stored)}
        {stored !== undefined && size !== null && size > 0
          ? `, ${percentText(stored, size)} of its size`
          : ''}
      </dd>
      <dt>Stored on</dt>
      <dd>{whenText(file.created_at)}</dd>
      {file.tags !== null && file.tags.length > 0 ? (
        <>
          <dt>Tags</dt>
          <dd>{file.tags.join(', ')}</dd>
        </>
      ) : null}
      <dt>Id</dt>
      <dd class="with-button">
        <code title={file.id}>{shortId(file.id)}</code>
        <CopyButton text={file.id} label="Copy the whole id" />
      </dd>
    </dl>
  );
}
