/**
 * "What if I lose this machine": which are marked as lost, and what would become of the files. Nothing is changed by it.
 */
import { getBuckets, whatIf } from '../api/calls.js';
import { asPageError, isAbort } from '../api/page-error.js';
import type { Buckets, WhatIf } from '../api/shapes.js';
import { Icon } from '../parts/icon.js';
import { effect, type JSX, signal } from '../preact.js';
import { files } from '../state/files.js';
import { nodeNames, nodes } from '../state/server.js';
import { countText } from '../text/units.js';

export const lostNodes = signal<ReadonlySet<string>>(new Set());

/** Copies without them; undefined while none is marked. */
export const lossBuckets = signal<Buckets | undefined>(undefined);

const answer = signal<WhatIf | { readonly error: string } | undefined>(undefined);

export function toggleLost(id: string): void {
  const next = new Set(lostNodes.value);
  if (!next.delete(id)) next.add(id);
  lostNodes.value = next;
}

/** Asks anew whenever the machines, the files or the marks change. @returns what ends that */
export function askWhatIf(): () => void {
  return effect(() => {
    const lost = [...lostNodes.value];
    // Read so that a change of theirs asks again.
    void nodes.value;
    void files.value;
    if (lost.length === 0) {
      answer.value = undefined;
      lossBuckets.value = undefined;
      return undefined;
    }
    const stopper = new AbortController();
    whatIf(lost, stopper.signal).then(
      (told) => {
        answer.value = told;
      },
      (error: unknown) => {
        if (!isAbort(error)) answer.value = { error: asPageError(error).message };
      },
    );
    getBuckets(lost, stopper.signal).then(
      (told) => {
        lossBuckets.value = told;
      },
      () => {
        // What cannot be asked is said once, with the answer above.
      },
    );
    return () => stopper.abort();
  });
}

export function WhatIfResult(): JSX.Element {
  const told = answer.value;
  const names = [...lostNodes.value].map((id) => nodeNames.value.get(id) ?? id).join(' and ');
  return (
    <div role="status" class="what-if-place">
      {lostNodes.value.size === 0 || told === undefined ? null : (
        <div class={`what-if ${lookOf(told)}`}>
          <Icon name={lookOf(told) === 'good' ? 'check' : 'alert'} />
          <p>
            <strong>Without {names}: </strong>
            {sentenceOf(told)}
          </p>
        </div>
      )}
    </div>
  );
}

function lookOf(told: WhatIf | { readonly error: string }): 'good' | 'short' | 'bad' {
  if ('error' in told || told.lost.length > 0) return 'bad';
  return told.degraded.length > 0 ? 'short' : 'good';
}

function sentenceOf(told: WhatIf | { readonly error: string }): string {
  if ('error' in told) return told.error;
  const { lost, degraded, safe, unreachable } = told;
  const asked =
    unreachable.length === 0
      ? ''
      : ` ${countText(unreachable.length, 'machine')} could not be asked and counts as last known.`;
  if (lost.length === 0 && degraded.length === 0)
    return `all ${countText(safe, 'file')} keep all their copies.${asked}`;
  const parts = [
    lost.length === 0 ? 'nothing is lost' : `${countText(lost.length, 'file')} would be lost`,
    degraded.length === 0 ? '' : `${countText(degraded.length, 'file')} would be short of copies`,
    safe === 0 ? '' : `${countText(safe, 'file')} would keep all copies`,
  ];
  return `${parts.filter(Boolean).join(', ')}.${asked}`;
}
