/**
 * The rules for a path inside a manifest: relative, `/`-separated, no empty part, no `.` or `..`, no NUL.
 * They hold before anything is written, so that nothing restored can land outside its folder.
 */
import { integrityError } from '../errors.js';
import { MAX_PATH_BYTES } from '../limits.js';

const SLASH = 0x2f;

/** @throws E_MANIFEST_PATH */
export function checkEntryPath(path: string | Uint8Array): void {
  const bytes = typeof path === 'string' ? Buffer.from(path, 'utf8') : Buffer.from(path);
  const fail = (why: string): never => {
    throw integrityError(
      'E_MANIFEST_PATH',
      `path ${JSON.stringify(bytes.toString('utf8').slice(0, 200))}: ${why}`,
    );
  };
  if (bytes.byteLength === 0 || bytes.byteLength > MAX_PATH_BYTES) {
    fail(`expected 1 to ${MAX_PATH_BYTES} bytes, got ${bytes.byteLength}`);
  }
  if (bytes.includes(0)) fail('expected no NUL byte');
  if (bytes[0] === SLASH) fail('expected a relative path');
  for (const part of bytes.toString('latin1').split('/')) {
    if (part === '') fail('expected no empty part');
    if (part === '.' || part === '..') fail('expected no "." or ".." part');
  }
}
