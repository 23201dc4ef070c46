/** Folders with all above them. Knows no layout. */
import fs from 'node:fs';
import path from 'node:path';

/**
 * Makes a folder and those above it that are missing. Node's own recursive mkdir tries for ever where the system says
 * ENOENT although the folder above is there, as /proc does.
 * @throws the error of the system
 */
export function makeFolders(folder: string, mode: number): void {
  try {
    makeOne(folder, mode);
  } catch (error) {
    const above = path.dirname(folder);
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || fs.existsSync(above)) throw error;
    makeFolders(above, mode);
    makeOne(folder, mode);
  }
}

function makeOne(folder: string, mode: number): void {
  try {
    fs.mkdirSync(folder, { mode });
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST' && fs.statSync(folder).isDirectory();
    if (!isThere) throw error;
  }
}
