/**
 * A question in front of the page. The browser keeps the focus inside, closes it on Escape and gives the focus back.
 */
import { type ComponentChildren, type JSX, useId, useLayoutEffect, useRef } from '../preact.js';

export interface DialogProps {
  readonly title: string;
  /** Escape, or the button. */
  readonly onClose: () => void;
  /** What the form's submit button does. */
  readonly onSubmit: () => void;
  readonly children: ComponentChildren;
}

export function Dialog({ title, onClose, onSubmit, children }: DialogProps): JSX.Element {
  const box = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useLayoutEffect(() => {
    const dialog = box.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={box}
      class="dialog"
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onSubmit();
        }}
      >
        <h2 id={titleId}>{title}</h2>
        {children}
      </form>
    </dialog>
  );
}
