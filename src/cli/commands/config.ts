/** `disktro config`: each value and where it came from. */
import { CONFIG_KEYS } from '../config-keys.js';
import type { Context } from '../context.js';
import { escapeControls } from '../escape.js';
import { tableLines } from '../table.js';

export async function run({ output, resolved }: Context): Promise<void> {
  const { values, sources } = resolved;
  if (output.isJson) {
    for (const key of CONFIG_KEYS) output.record({ key, value: values[key], source: sources[key] });
    return;
  }
  const rows = CONFIG_KEYS.map((key) => [key, shown(values[key]), sources[key]].map(escapeControls));
  for (const line of tableLines(rows)) output.result(line);
}

const shown = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
