/**
 * Where files are dropped, with buttons that do the same. Tells names and files on, and does nothing with them.
 */
import { type JSX, useLayoutEffect, useRef, useSignal } from '../preact.js';
import { chosenFiles, droppedFiles } from '../state/dropped.js';
import { tellError } from '../state/notices.js';
import type { NamedFile } from '../state/upload-queue.js';
import { Icon } from './icon.js';

export interface DropZoneProps {
  readonly title: string;
  readonly hint: string;
  /** Without it, one file at a time. */
  readonly isMany: boolean;
  readonly onFiles: (files: readonly NamedFile[]) => void;
}

export function DropZone({ title, hint, isMany, onFiles }: DropZoneProps): JSX.Element {
  const isOver = useSignal(false);
  const take = (event: DragEvent): void => {
    event.preventDefault();
    isOver.value = false;
    if (event.dataTransfer === null) return;
    droppedFiles(event.dataTransfer).then(onFiles, (error: unknown) =>
      tellError('What was dropped could not be read', error),
    );
  };
  return (
    <section
      class={`drop-zone ${isOver.value ? 'is-over' : ''}`}
      aria-label={title}
      onDragOver={(event) => {
        event.preventDefault();
        isOver.value = true;
      }}
      onDragLeave={() => {
        isOver.value = false;
      }}
      onDrop={take}
    >
      <Icon name="upload" />
      <h2>{title}</h2>
      <p class="muted">{hint}</p>
      <div class="buttons">
        <ChooseButton label={isMany ? 'Choose files' : 'Choose a file'} isMany={isMany} onFiles={onFiles} />
        {isMany ? <ChooseButton label="Choose a folder" isMany isFolder onFiles={onFiles} /> : null}
      </div>
    </section>
  );
}

interface ChooseButtonProps {
  readonly label: string;
  readonly isMany: boolean;
  readonly isFolder?: boolean;
  readonly onFiles: (files: readonly NamedFile[]) => void;
}

function ChooseButton({ label, isMany, isFolder = false, onFiles }: ChooseButtonProps): JSX.Element {
  const input = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => void input.current?.toggleAttribute('webkitdirectory', isFolder), [isFolder]);
  return (
    <>
      <input
        ref={input}
        type="file"
        class="unseen"
        tabIndex={-1}
        aria-hidden="true"
        multiple={isMany}
        onChange={(event) => {
          const { currentTarget } = event;
          onFiles(chosenFiles(currentTarget.files));
          // The same file can be chosen again.
          currentTarget.value = '';
        }}
      />
      <button
        type="button"
        class={`button ${isFolder ? '' : 'primary'}`}
        onClick={() => input.current?.click()}
      >
        <Icon name={isFolder ? 'folder' : 'file'} />
        {label}
      </button>
    </>
  );
}
