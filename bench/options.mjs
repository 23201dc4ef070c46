// @ts-check
/** Options of a bench's command line: `--help` prints how it is called, and so does one that there is not. */
import { parseArgs } from 'node:util';

/**
 * Ends the process when it is not to go on: with 0 after `--help`, with 2 after what cannot be understood.
 *
 * @template {NonNullable<import('node:util').ParseArgsConfig['options']>} Options
 * @param {string} usage
 * @param {Options} options
 */
export function readOptions(usage, options) {
  try {
    const asked = /** @type {const} */ ({
      ...options,
      help: { type: 'boolean', short: 'h', default: false },
    });
    const { values } = parseArgs({ allowNegative: true, options: asked });
    if (/** @type {{help?: boolean}} */ (values).help !== true) return values;
    process.stdout.write(usage);
    process.exit(0);
  } catch (error) {
    process.stderr.write(`bench: ${error instanceof Error ? error.message : error}\n${usage}`);
    process.exit(2);
  }
}
