/**
 * A text that is to be taken elsewhere, and the button that takes it.
 */
import { type JSX, useSignal } from '../preact.js';
import { Icon } from './icon.js';

const SHOWN_MS = 2_000;

export interface CopyButtonProps {
  readonly text: string;
  /** What it copies, as `Copy the id`. */
  readonly label: string;
}

export function CopyButton({ text, label }: CopyButtonProps): JSX.Element {
  const isDone = useSignal(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    isDone.value = true;
    setTimeout(() => {
      isDone.value = false;
    }, SHOWN_MS);
  };
  return (
    <button type="button" class="button quiet small" aria-label={label} onClick={() => void copy()}>
      <Icon name={isDone.value ? 'check' : 'copy'} />
      <span aria-live="polite">{isDone.value ? 'Copied' : 'Copy'}</span>
    </button>
  );
}
