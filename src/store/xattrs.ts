/** Extended attributes, which Node has no calls for. The one importer of fs-xattr, which need not be there. */

export interface Xattrs {
  /** All of a file's, following links. @throws the system's error */
  read(path: string): ReadonlyMap<string, Uint8Array>;
  /** Follows links. @throws the system's error */
  set(path: string, name: string, value: Uint8Array): void;
}

export type XattrSetter = Xattrs['set'];

/** undefined where there is no binary of the package for this platform. */
export async function loadXattrs(): Promise<Xattrs | undefined> {
  const module = await import('fs-xattr').catch(() => undefined);
  if (module === undefined) return undefined;
  return {
    read: (path) =>
      new Map(module.listAttributesSync(path).map((name) => [name, module.getAttributeSync(path, name)])),
    set: (path, name, value) => module.setAttributeSync(path, name, Buffer.from(value)),
  };
}
