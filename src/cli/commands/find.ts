/** `disktro find`: paths in all stored files and trees. */
import { isatty } from 'node:tty';
import type { DisktroError } from '../../errors.js';
import { isDisktroError } from '../../errors.js';
import { findEntries } from '../../ops/read/tree-listing.js';
import type { Context } from '../context.js';
import { escapeControls } from '../escape.js';
import { openToRead } from '../fetching.js';
import { formatBytes, formatLocalTime } from '../units.js';

const SHORT_ID_DIGITS = 12;

export async function run(context: Context, patterns: readonly string[]): Promise<void> {
  const { output, signal } = context;
  await using doors = await openToRead(context);
  const { vault, source } = doors;
  const isForPeople = isatty(1);
  let unreadable: DisktroError | undefined;
  let count = 0;
  const found = findEntries(vault, patterns, {
    signal,
    source,
    onUnreadable: (id, error) => {
      unreadable ??= error;
      output.warning(`${id.slice(0, SHORT_ID_DIGITS)}: ${error.message}`);
    },
  });
  for await (const entry of found) {
    count++;
    if (output.isJson) {
      output.record(entry);
      continue;
    }
    const { id, name, path, type, size, mtime } = entry;
    const shownId = isForPeople ? id.slice(0, SHORT_ID_DIGITS) : id;
    const shownPath = escapeControls(`${name}:${path}`) + (type === 'directory' ? '/' : '');
    output.result(`${shownId}  ${formatBytes(size).padStart(8)}  ${formatLocalTime(mtime)}  ${shownPath}`);
  }
  if (count === 0) output.note('nothing matches');
  if (isDisktroError(unreadable)) throw unreadable;
}
