/**
 * Small marks of state: how many copies a file has, and how a machine is. Shape, number and words tell what colour tells.
 */
import type { ClusterNode, Copies, NodeStatus } from '../api/shapes.js';
import type { JSX } from '../preact.js';
import { copiesText, copiesTitle, safetyOf } from '../text/copies.js';
import { Icon, type IconName } from './icon.js';

const COPY_ICONS: Readonly<Record<ReturnType<typeof safetyOf>, IconName>> = {
  good: 'check',
  short: 'half',
  bad: 'alert',
};

export function CopiesBadge({ copies }: { readonly copies: Copies }): JSX.Element {
  const safety = safetyOf(copies);
  return (
    <span class={`badge ${safety}`} title={copiesTitle(copies)}>
      <Icon name={COPY_ICONS[safety]} />
      {copiesText(copies)}
      <span class="unseen"> copies</span>
    </span>
  );
}

export const STATUS_LOOKS: Readonly<Record<NodeStatus, 'good' | 'short' | 'bad'>> = {
  online: 'good',
  unreachable: 'short',
  draining: 'short',
  offline: 'bad',
  left: 'bad',
};

const STATUS_ICONS: Readonly<Record<NodeStatus, IconName>> = {
  online: 'check',
  unreachable: 'half',
  draining: 'half',
  offline: 'close',
  left: 'close',
};

export function StatusBadge({ node }: { readonly node: ClusterNode }): JSX.Element {
  return (
    <span class={`badge ${STATUS_LOOKS[node.status]}`}>
      <Icon name={STATUS_ICONS[node.status]} />
      {node.status}
    </span>
  );
}
