/** Where the API may write files: below one folder, whatever the path that is asked for says or its links lead to. */
import { lstat, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { refusal } from '../json-body.js';

/**
 * The path to write, checked against the real paths of the folders that are there.
 * @param folder absolute; has to exist
 * @param kind what is written, once it is known: only a tree may be given a folder that is there, and no link to one
 * @throws 400 for one that leads elsewhere, and when its folder does not exist
 */
export async function pathBelow(folder: string, asked: string, kind?: 'file' | 'tree'): Promise<string> {
  if (asked.includes('\0')) throw refusal(400, 'outputPath: expected no NUL character');
  // Also where it would lead back in: nobody needs it, and it is how one begins to look around.
  if (asked.split(/[/\\]/).includes('..')) throw refusal(400, 'outputPath: expected no ..');
  const target = path.resolve(folder, asked);
  const root = await realpath(folder);
  const parent = await realpath(path.dirname(target)).catch(() => undefined);
  // What is outside is told the same way whether it exists or not.
  const isInside = isBelow(folder, target) || isBelow(root, target);
  if (!isInside || (parent !== undefined && parent !== root && !isBelow(root, parent))) {
    throw refusal(400, `outputPath: expected a path below ${folder}`);
  }
  const isFolder = parent !== undefined && (await stat(parent)).isDirectory();
  if (!isFolder) throw refusal(400, 'outputPath: its folder does not exist');
  if (kind === 'file' && (await stat(target).catch(() => undefined))?.isDirectory() === true)
    throw refusal(400, 'outputPath: expected a file, this is a folder');
  if (kind === 'tree' && (await lstat(target).catch(() => undefined))?.isSymbolicLink() === true)
    throw refusal(400, 'outputPath: expected a folder, this is a link');
  // The real folder: a link that is put there from now on changes nothing.
  return path.join(parent, path.basename(target));
}

function isBelow(folder: string, target: string): boolean {
  const relative = path.relative(folder, target);
  return (
    relative !== '' &&
    relative !== '..' &&
    !relative.startsWith(`..${path.sep}`) &&
    !path.isAbsolute(relative)
  );
}
