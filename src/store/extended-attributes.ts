/**
 * Extended attributes, ACLs among them, of files and folders: Node has no calls for them, an optional package has.
 * The only importer of fs-xattr. Its calls follow links, so links must not be asked. Knows nothing of entries.
 */

export interface ExtendedAttributes {
  /**
   * The attributes of a file or folder that are worth keeping; undefined when it has none.
   * @throws the system's error: ENOTSUP where the file system has none
   */
  read(path: string): ReadonlyMap<string, Buffer> | undefined;
  /** @throws the system's error */
  write(path: string, name: string, value: Uint8Array): void;
}

/** undefined where the package is not installed, or its binary does not load. */
export async function loadExtendedAttributes(): Promise<ExtendedAttributes | undefined> {
  try {
    const calls = await import('fs-xattr');
    return {
      read: (path) => readKept(calls, path),
      write: (path, name, value) => calls.setAttributeSync(path, name, Buffer.from(value)),
    };
  } catch {
    return undefined;
  }
}

/** What belongs to the file and not to this machine's bookkeeping: SELinux labels are set anew by the system. */
const KEPT = /^(?:user\.|trusted\.|system\.posix_acl_(?:access|default)$|security\.capability$)/;

function isKept(name: string): boolean {
  return process.platform === 'linux' ? KEPT.test(name) : true;
}

function readKept(calls: typeof import('fs-xattr'), path: string): ReadonlyMap<string, Buffer> | undefined {
  const names = calls.listAttributesSync(path);
  if (names.length === 0) return undefined;
  const found = new Map<string, Buffer>();
  for (const name of names) {
    if (isKept(name)) found.set(name, calls.getAttributeSync(path, name));
  }
  return found.size === 0 ? undefined : found;
}
