/** `disktro key list`: the slots, without opening any. */
import { isatty } from 'node:tty';
import { listSlots, type SlotSummary } from '../../ops/home/slots.js';
import { type Context, openHome } from '../context.js';
import { escapeControls } from '../escape.js';
import { tableLines } from '../table.js';
import { formatLocalTime } from '../units.js';

const HEADING = ['SLOT', 'KIND', 'CREATED', 'STATE', 'LABEL'];

export async function run(context: Context): Promise<void> {
  const { output } = context;
  await using home = await openHome(context, { isReadOnly: true });
  const slots = await listSlots(home);
  if (output.isJson) {
    for (const slot of slots) output.record(slot);
    return;
  }
  const rows = slots.map(rowOf);
  for (const line of tableLines(isatty(1) ? [HEADING, ...rows] : rows)) output.result(line);
}

function rowOf({ id, kind, created, damaged, label }: SlotSummary): string[] {
  return [id, kind, formatLocalTime(created), damaged ? 'damaged' : 'good', escapeControls(label)];
}
