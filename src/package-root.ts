/**
 * Where the package lies: `package.json`, `dist/web` and the WebAssembly in `dist/src` are found from here. The one file
 * of src/ that is compiled to dist/src and bundled into dist/bin, both two folders below the root, so that it holds for
 * the library and for the command.
 */

/** A file: URL that ends with a slash. */
export const PACKAGE_ROOT = new URL('../../', import.meta.url);
