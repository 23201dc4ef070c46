/** The options of commands that send to peers and fetch from them. Data only. */
import type { OptionSpec } from '../command-spec.js';
import { parseBytes } from '../option-values.js';

export const LIMIT_UPLOAD: OptionSpec = {
  flags: '--limit-upload <bytes>',
  help: 'most bytes per second to peers and buckets, such as 500K or 10M; 0 is no limit (default: limit_upload)',
  parse: parseBytes,
};

export const LIMIT_DOWNLOAD: OptionSpec = {
  flags: '--limit-download <bytes>',
  help: 'most bytes per second from peers and buckets, such as 500K or 10M; 0 is no limit (default: limit_download)',
  parse: parseBytes,
};
