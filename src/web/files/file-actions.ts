/**
 * What a person can do with one stored file, each from the question for the password to the message at the end.
 */
import { makeTicket, reassemble, removeFile, uploadStored, verify } from '../api/calls.js';
import type { FileInfo } from '../api/shapes.js';
import { signal } from '../preact.js';
import { openFileId } from '../state/files.js';
import { runJob } from '../state/jobs.js';
import { tellDone, tellError } from '../state/notices.js';
import { withVault } from '../state/vault.js';
import { countText, shortId, sizeText } from '../text/units.js';

/** A question about a file that is open now. */
export interface FileQuestion {
  readonly kind: 'reassemble' | 'delete';
  readonly file: FileInfo;
}

export const fileQuestion = signal<FileQuestion | undefined>(undefined);

export const titleOf = (file: FileInfo): string => file.name ?? shortId(file.id);

/**
 * The browser saves it where it saves everything; it shows the progress and can cancel.
 * @param path of a file or folder inside a stored folder; empty for all of it. Folders come as tar archives
 */
export async function download(file: FileInfo, path = ''): Promise<void> {
  const title = path === '' ? titleOf(file) : path;
  try {
    const ticket = await withVault('download a file', () => makeTicket(file.id, path));
    if (ticket === undefined) return;
    const anchor = document.createElement('a');
    anchor.href = ticket.url;
    anchor.download = '';
    anchor.click();
    tellDone(`Download of ${title} has begun`, 'Your browser shows how far it is.');
  } catch (error) {
    tellError(`${title} could not be downloaded`, error);
  }
}

export async function writeBack(file: FileInfo, outputPath: string): Promise<void> {
  try {
    const written = await withVault('write a file back', () =>
      runJob(`Reassembling ${titleOf(file)}`, (watched) => reassemble(file.id, outputPath, watched)),
    );
    if (written === undefined) return;
    const fetched = written.fetchedFromPeers;
    const from = fetched === 0 ? '' : `, ${countText(fetched, 'chunk')} from other machines`;
    tellDone(`${titleOf(file)} is back: ${sizeText(written.bytes)}${from}`, `Written to ${written.path}`);
  } catch (error) {
    tellError(`${titleOf(file)} could not be written`, error);
  }
}

export async function check(file: FileInfo): Promise<void> {
  try {
    const found = await withVault('verify a file', () =>
      runJob(`Verifying ${titleOf(file)}`, (watched) => verify(file.id, watched)),
    );
    if (found === undefined) return;
    tellDone(`${titleOf(file)} is whole: ${countText(found.ok, 'object')} read and compared`);
  } catch (error) {
    tellError(`${titleOf(file)} is not whole`, error);
  }
}

export async function remove(file: FileInfo): Promise<void> {
  try {
    const done = await withVault('delete a file', () => removeFile(file.id));
    if (done === undefined) return;
    if (openFileId.value === file.id) openFileId.value = '';
    tellDone(
      `${titleOf(file)} is deleted`,
      'Its space is freed by `disktro gc`, a day later at the earliest.',
    );
  } catch (error) {
    tellError(`${titleOf(file)} could not be deleted`, error);
  }
}

/** @param peer the id of the node */
export async function sendTo(file: FileInfo, peer: string, peerName: string): Promise<void> {
  try {
    const sent = await withVault('send a file', () =>
      runJob(`Sending ${titleOf(file)} to ${peerName}`, (watched) => uploadStored(file.id, peer, watched)),
    );
    if (sent === undefined) return;
    tellDone(
      `${peerName} holds all of ${titleOf(file)}`,
      `${sizeText(sent.sentBytes)} went over the network.`,
    );
  } catch (error) {
    tellError(`${titleOf(file)} could not be sent to ${peerName}`, error);
  }
}
