/**
 * A card above what a tab is for: something is left to be decided. A sentence, and buttons that settle it.
 */
import type { ComponentChildren, JSX } from '../preact.js';

export interface HintAction {
  readonly label: string;
  readonly isPrimary?: boolean;
  readonly run: () => void;
}

export function HintCard({
  children,
  actions,
}: {
  readonly children: ComponentChildren;
  readonly actions: readonly HintAction[];
}): JSX.Element {
  return (
    <div class="hint-card" role="status">
      <p>{children}</p>
      {actions.map(({ label, isPrimary = false, run }) => (
        <button key={label} type="button" class={`button small${isPrimary ? ' primary' : ''}`} onClick={run}>
          {label}
        </button>
      ))}
    </div>
  );
}
