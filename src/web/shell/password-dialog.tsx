/**
 * The question for the password; when there is no vault yet, the choice of one. What is typed goes to the server and is
 * forgotten with the dialog.
 */
import { asPageError, type PageError } from '../api/page-error.js';
import { Dialog } from '../parts/dialog.js';
import { type JSX, type Signal, useId, useSignal } from '../preact.js';
import { nowMs } from '../state/clock.js';
import { hasVault, type Question, question, unlockWith } from '../state/vault.js';
import { durationText } from '../text/units.js';

export function PasswordDialog(): JSX.Element | null {
  const asked = question.value;
  if (asked === undefined) return null;
  return hasVault.value ? <AskPassword asked={asked} /> : <ChoosePassword asked={asked} />;
}

interface Attempt {
  readonly error: Signal<PageError | undefined>;
  readonly isBusy: Signal<boolean>;
  readonly run: (password: string, create: boolean) => Promise<void>;
}

function useAttempt(): Attempt {
  const error = useSignal<PageError | undefined>(undefined);
  const isBusy = useSignal(false);
  const run = async (password: string, create: boolean): Promise<void> => {
    isBusy.value = true;
    error.value = undefined;
    try {
      await unlockWith(password, create);
    } catch (thrown) {
      error.value = asPageError(thrown);
    } finally {
      isBusy.value = false;
    }
  };
  return { error, isBusy, run };
}

function AskPassword({ asked }: { readonly asked: Question }): JSX.Element {
  const password = useSignal('');
  const { error, isBusy, run } = useAttempt();
  return (
    <Dialog
      title="Password"
      onClose={() => asked.answer(false)}
      onSubmit={() => void run(password.value, false)}
    >
      <p>It is needed to {asked.purpose}. This page keeps it open until ten minutes after the last use.</p>
      <PasswordField label="Password or recovery code" value={password} isNew={false} />
      <Problem error={error.value} />
      <DialogButtons label={isBusy.value ? 'Unlocking…' : 'Unlock'} isBusy={isBusy.value} asked={asked} />
    </Dialog>
  );
}

function ChoosePassword({ asked }: { readonly asked: Question }): JSX.Element {
  const password = useSignal('');
  const again = useSignal('');
  const isDifferent = useSignal(false);
  const { error, isBusy, run } = useAttempt();
  const submit = (): void => {
    isDifferent.value = password.value !== again.value;
    if (!isDifferent.value) void run(password.value, true);
  };
  return (
    <Dialog title="Choose a password" onClose={() => asked.answer(false)} onSubmit={submit}>
      <p>
        It encrypts all that you store here. Nobody can reset it: four or more words that only you would put
        together are good. A recovery code is shown next.
      </p>
      <PasswordField label="Password" value={password} isNew />
      <PasswordField label="The same again" value={again} isNew />
      {isDifferent.value ? (
        <p class="problem" role="alert">
          These are two different passwords.
        </p>
      ) : null}
      <Problem error={error.value} />
      <DialogButtons
        label={isBusy.value ? 'Making the vault…' : 'Make the vault'}
        isBusy={isBusy.value}
        asked={asked}
      />
    </Dialog>
  );
}

interface PasswordFieldProps {
  readonly label: string;
  readonly value: Signal<string>;
  readonly isNew: boolean;
}

function PasswordField({ label, value, isNew }: PasswordFieldProps): JSX.Element {
  const id = useId();
  return (
    <>
      <label for={id}>{label}</label>
      <input
        id={id}
        class="field"
        type="password"
        required
        autocomplete={isNew ? 'new-password' : 'current-password'}
        value={value.value}
        onInput={(event) => {
          value.value = event.currentTarget.value;
        }}
      />
    </>
  );
}

function Problem({ error }: { readonly error: PageError | undefined }): JSX.Element | null {
  if (error === undefined) return null;
  if (error.retryAtMs > 0) return <Wait untilMs={error.retryAtMs} />;
  return (
    <p class="problem" role="alert">
      <strong>{error.message}</strong> {error.hint}
    </p>
  );
}

/** The seconds stand outside of the alert, which would be read aloud with each of them. */
function Wait({ untilMs }: { readonly untilMs: number }): JSX.Element {
  const leftMs = untilMs - nowMs.value;
  return (
    <>
      <p class="problem" role="alert">
        <strong>Too many wrong passwords.</strong> The right one is not taken now either.
      </p>
      <p class="muted">Try again {leftMs <= 0 ? 'now' : `in ${durationText(leftMs / 1000)}`}.</p>
    </>
  );
}

interface DialogButtonsProps {
  readonly label: string;
  readonly isBusy: boolean;
  readonly asked: Question;
}

function DialogButtons({ label, isBusy, asked }: DialogButtonsProps): JSX.Element {
  return (
    <div class="buttons">
      <button type="button" class="button" onClick={() => asked.answer(false)}>
        Cancel
      </button>
      <button type="submit" class="button primary" disabled={isBusy}>
        {label}
      </button>
    </div>
  );
}
