/** How a member is called where people read it: by its name, and by a part of its id where others have the same name. */
import type { NodeId } from '../core/ids.js';
import { shortNodeId } from './node-id.js';

interface Named {
  readonly id: NodeId;
  readonly name: string;
}

/** A name that no other member has. Unchecked text of another machine: to be escaped where it is shown. */
export function distinctName(members: readonly Named[], id: NodeId): string {
  const name = members.find((member) => member.id === id)?.name ?? '';
  const isUnique = members.filter((member) => member.name === name).length === 1;
  return isUnique && name !== '' ? name : `${name} ${shortNodeId(id)}`.trim();
}
