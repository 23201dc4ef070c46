/**
 * Shows the recovery code of a vault that was just made, this once.
 */
import { CopyButton } from '../parts/copy-text.js';
import { Dialog } from '../parts/dialog.js';
import { type JSX, useId, useSignal } from '../preact.js';
import { newRecoveryCode } from '../state/vault.js';

export function RecoveryDialog(): JSX.Element | null {
  const code = newRecoveryCode.value;
  return code === undefined ? null : <ShownCode code={code} />;
}

function ShownCode({ code }: { readonly code: string }): JSX.Element {
  const isWritten = useSignal(false);
  const boxId = useId();
  const close = (): void => {
    if (isWritten.value) newRecoveryCode.value = undefined;
  };
  return (
    <Dialog title="Write this code down" onClose={close} onSubmit={close}>
      <p>
        It opens the vault when the password is lost, also on a new machine. Keep it on paper, away from this
        machine. It is not shown again.
      </p>
      <output class="code-line large" aria-label="Recovery code">
        {code}
      </output>
      <CopyButton text={code} label="Copy the recovery code" />
      <label class="tick" for={boxId}>
        <input
          id={boxId}
          type="checkbox"
          checked={isWritten.value}
          onChange={(event) => {
            isWritten.value = event.currentTarget.checked;
          }}
        />
        I have written it down
      </label>
      <div class="buttons">
        <button type="submit" class="button primary" disabled={!isWritten.value}>
          Done
        </button>
      </div>
    </Dialog>
  );
}
