/** `disktro serve`: a node until it is told to stop. Logs to stderr; the link to the page goes to stdout. */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { usageError } from '../../errors.js';
import type { LogLevel } from '../../server/log.js';
import type { Context } from '../context.js';
import { type LimitFlags, limitedContext, startNode } from '../node-context.js';
import { writeRemark } from '../output.js';

interface ServeFlags extends LimitFlags {
  readonly port?: number;
  readonly host?: string;
  readonly address?: readonly string[];
  readonly mdns: boolean;
  readonly outputDir?: string;
}

export async function run(given: Context, _operands: readonly string[], flags: ServeFlags): Promise<void> {
  const context = limitedContext(given, flags);
  const { output, signal, config } = context;
  const { createLog } = await import('../../server/log.js');
  const level: LogLevel = output.isQuiet ? 'ERROR' : output.verbosity > 0 ? 'DEBUG' : config.log_level;
  const log = createLog(level, output.isJson, writeRemark);
  const onWarning = ({ name, message }: Error): void => log.warning(`${name}: ${message}`);
  // Node would write lines of another form between those of the log.
  process.removeAllListeners('warning').on('warning', onWarning);
  const node = await startNode(context, log, {
    host: flags.host ?? config.host,
    port: flags.port ?? config.port,
    isPortFixed: flags.port !== undefined,
    addresses: flags.address ?? [],
    isMdnsOn: flags.mdns && config.mdns,
    outputDir: outputFolder(context.cwd, flags.outputDir),
  });
  const url = `http://localhost:${node.port}`;
  if (output.isJson) output.record({ node: node.id, port: node.port, url });
  else output.result(`${url}/#token=${node.apiToken}`);
  // The link is a key: it goes to a log only as the result that somebody sent there.
  if (process.stderr.isTTY && !process.stdout.isTTY) output.note(`the page: ${url}/#token=${node.apiToken}`);
  if (flags.port === undefined && config.port !== 0 && node.port !== config.port) {
    log.warning(`port ${config.port} is taken: listening on ${node.port}`);
  }
  log.info(`node ${node.id.slice(0, 8)} listens on ${flags.host ?? config.host}:${node.port}`);
  await stopAsked(signal);
  log.info('stopping');
  await node.close();
}

/** @throws E_USAGE when it is no folder */
function outputFolder(cwd: string, given = '.'): string {
  const folder = resolve(cwd, given);
  if (!(statSync(folder, { throwIfNoEntry: false })?.isDirectory() ?? false)) {
    throw usageError(`--output-dir: expected a folder, ${JSON.stringify(given)} is none`);
  }
  return folder;
}

function stopAsked(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
