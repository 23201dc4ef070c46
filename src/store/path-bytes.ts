/** Paths whose names may be no UTF-8: text where it is, bytes where it is not. Pure. */

export type PathLike = string | Buffer;

export function joinPath(folder: PathLike, name: PathLike): PathLike {
  if (typeof folder === 'string' && typeof name === 'string') return `${folder}/${name}`;
  return Buffer.concat([Buffer.from(folder), SLASH, Buffer.from(name)]);
}

const SLASH = Buffer.from('/');

/** Text when the bytes are UTF-8. */
export function pathText(bytes: Uint8Array): PathLike {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = buffer.toString('utf8');
  return buffer.equals(Buffer.from(text)) ? text : buffer;
}
