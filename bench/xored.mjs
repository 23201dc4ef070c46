// @ts-check
/**
 * A copy of the bytes, each xored with the same value: as compressible as before, but with no chunk in common
 * with the original.
 *
 * @param {Buffer} bytes
 * @param {number} value one byte
 * @returns {Buffer}
 */
export function xored(bytes, value) {
  const result = Buffer.from(bytes);
  for (let i = 0; i < result.length; i++) result[i] = /** @type {number} */ (result[i]) ^ value;
  return result;
}
