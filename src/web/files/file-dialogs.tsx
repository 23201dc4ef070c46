/**
 * The questions before a file is written back or deleted.
 */

import type { FileInfo } from '../api/shapes.js';
import { Dialog } from '../parts/dialog.js';
import { type JSX, useId, useSignal } from '../preact.js';
import { serverStatus } from '../state/server.js';
import { sizeText } from '../text/units.js';
import { fileQuestion, remove, titleOf, writeBack } from './file-actions.js';

const close = (): void => {
  fileQuestion.value = undefined;
};

export function FileDialog(): JSX.Element | null {
  const asked = fileQuestion.value;
  if (asked === undefined) return null;
  return asked.kind === 'delete' ? <DeleteDialog file={asked.file} /> : <WriteDialog file={asked.file} />;
}

function DeleteDialog({ file }: { readonly file: FileInfo }): JSX.Element {
  const submit = (): void => {
    close();
    void remove(file);
  };
  return (
    <Dialog title={`Delete ${titleOf(file)}?`} onClose={close} onSubmit={submit}>
      <p>
        {file.size === null ? 'It' : `${sizeText(file.size)} that`} can no longer be brought back once its
        space is freed. Chunks that other files share stay.
      </p>
      <div class="buttons">
        <button type="button" class="button" onClick={close}>
          Keep it
        </button>
        <button type="submit" class="button danger">
          Delete
        </button>
      </div>
    </Dialog>
  );
}

function WriteDialog({ file }: { readonly file: FileInfo }): JSX.Element {
  const path = useSignal(file.name?.split('/').at(-1) ?? '');
  const fieldId = useId();
  const noun = file.kind === 'tree' ? 'folder' : 'file';
  const submit = (): void => {
    close();
    void writeBack(file, path.value);
  };
  return (
    <Dialog title={`Reassemble ${titleOf(file)}`} onClose={close} onSubmit={submit}>
      <p>
        The {noun} is written on{' '}
        <strong>{serverStatus.value?.name ?? 'the machine that serves this page'}</strong>, below{' '}
        <code>{serverStatus.value?.outputDir ?? 'its output folder'}</code>. What is there is never
        overwritten.
      </p>
      <label for={fieldId}>{noun === 'folder' ? 'Folder name' : 'File name'}</label>
      <input
        id={fieldId}
        class="field"
        required
        autocomplete="off"
        spellcheck={false}
        value={path.value}
        onInput={(event) => {
          path.value = event.currentTarget.value;
        }}
      />
      <div class="buttons">
        <button type="button" class="button" onClick={close}>
          Cancel
        </button>
        <button type="submit" class="button primary">
          Write it
        </button>
      </div>
    </Dialog>
  );
}
