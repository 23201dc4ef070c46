/** The subcommands about other machines: serving, joining, sending. Data only. */
import type { CommandSpec } from '../command-spec.js';
import { nonEmpty, parseBytes, parseSeconds, parseSince, wholeNumber } from '../option-values.js';
import { LIMIT_DOWNLOAD, LIMIT_UPLOAD } from './limits.js';

const NODE_HELP = 'NODE is a node id, a unique prefix of 6 or more of its letters, or a name.';
const JOIN_EXITS = ['usage', 'noVault', 'locked', 'corrupt', 'unreachable', 'refused', 'noSpace'] as const;

const UPLOAD_EXITS = [
  'usage',
  'inputs',
  'notFound',
  'noVault',
  'locked',
  'wrongPassword',
  'corrupt',
  'missing',
  'unreachable',
  'refused',
  'noSpace',
] as const;

const SERVE: CommandSpec = {
  name: 'serve',
  summary: 'hold objects for this cluster, find its nodes, and heal what is lost',
  details:
    'Needs no vault and no password: it makes home and identity itself. Without --port, a busy port moves on to the ' +
    'next free one and says so. Stops cleanly on SIGTERM and Ctrl-C, with status 0.',
  options: [
    {
      flags: '--port <port>',
      help: 'where to listen; 0 takes any free port (default: port)',
      parse: wholeNumber(0, 65_535),
    },
    { flags: '--host <host>', help: 'the address to listen on (default: host)', parse: nonEmpty },
    {
      flags: '--address <host:port>',
      help: 'how others reach this node; may be repeated',
      parse: nonEmpty,
      isRepeatable: true,
    },
    { flags: '--no-mdns', help: 'do not look for peers on the local network' },
    {
      flags: '--output-dir <folder>',
      help: 'what the API may write files below (default: the working folder)',
      parse: nonEmpty,
    },
    LIMIT_UPLOAD,
    LIMIT_DOWNLOAD,
  ],
  examples: [
    'disktro serve',
    'disktro serve --port 8081',
    'disktro --home /srv/disktro serve --host 192.168.1.5',
  ],
  exits: ['usage', 'noVault', 'locked', 'corrupt', 'noSpace'],
  load: () => import('../commands/serve.js'),
};

const UPLOAD: CommandSpec = {
  name: 'upload',
  operands: '<what> <peer>',
  takesPaths: true,
  summary: 'put a file on one peer',
  details:
    'WHAT is a path, which is stored here first, or the id of a stored file. PEER is a node id, a name or an address ' +
    'such as http://localhost:8081. Prints the file id.',
  options: [LIMIT_UPLOAD, LIMIT_DOWNLOAD],
  examples: ['disktro upload report.pdf nas', 'disktro upload $id http://localhost:8081'],
  exits: UPLOAD_EXITS,
  load: () => import('../commands/upload.js'),
};

const COPY: CommandSpec = {
  name: 'copy',
  operands: '[id...]',
  summary: 'put stored files on one member, besides where they are',
  details: `Without ids, all files. ${NODE_HELP} What is there already is not sent again.`,
  options: [
    { flags: '--to <node>', help: 'a node, a bucket or a folder', parse: nonEmpty },
    {
      flags: '--since <time>',
      help: 'only files stored since then: 7d, 24h, or a date such as 2026-11-01',
      parse: parseSince,
    },
    LIMIT_UPLOAD,
    LIMIT_DOWNLOAD,
  ],
  examples: [
    'disktro copy --to usb',
    'disktro copy --to my-bucket --since 7d',
    'disktro copy photos.tar --to nas',
  ],
  exits: UPLOAD_EXITS,
  load: () => import('../commands/copy.js'),
};

const PEERS: CommandSpec = {
  name: 'peers',
  summary: 'the machines of the cluster',
  examples: ['disktro peers', 'disktro peers invite'],
  exits: ['usage', 'noVault', 'locked', 'corrupt', 'refused'],
  isListing: true,
  load: () => import('../commands/peers-list.js'),
  subcommands: [
    {
      name: 'list',
      summary: 'list the nodes of the cluster, this one last',
      details: 'Columns: node, name, address, status, last seen.',
      examples: ['disktro peers list', 'disktro peers list --json'],
      exits: ['usage', 'noVault', 'locked', 'corrupt', 'refused'],
      isListing: true,
      load: () => import('../commands/peers-list.js'),
    },
    {
      name: 'invite',
      summary: 'print a line that lets one machine join',
      details:
        'The line is good for an hour and for one machine. The first invite founds the cluster. It needs no password; where ' +
        'one is set, the vault is told to the cluster as well, so that the other machines can give it back.',
      options: [
        {
          flags: '--address <host:port>',
          help: 'how the other machine reaches this node; may be repeated (default: its addresses)',
          parse: nonEmpty,
          isRepeatable: true,
        },
      ],
      examples: ['disktro peers invite', 'disktro peers invite --address nas.local:8080'],
      exits: JOIN_EXITS,
      load: () => import('../commands/peers-invite.js'),
    },
    {
      name: 'join',
      operands: '<invite>',
      summary: 'join the cluster that an invite comes from',
      details: 'Needs no password. A running `disktro serve` notices by itself.',
      examples: ['disktro peers join disktro-invite-1:eyJhIjpb...'],
      exits: JOIN_EXITS,
      load: () => import('../commands/peers-join.js'),
    },
    {
      name: 'add',
      operands: '<address>',
      summary: 'add a bucket or folder, or tell where a member can be reached',
      details:
        's3://KEY@host[:port]/bucket/prefix?region=REGION&style=path|host&tls=0 or file:///folder becomes a member that ' +
        'holds copies; keys come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or ~/.aws/credentials, never from the URL. ' +
        'The same command on another machine lets that one use it as well. A host:port is that of a member whose address ' +
        'has changed while nobody could hear of it. Prints the node id.',
      options: [
        { flags: '--name <name>', help: 'what to call the bucket or folder', parse: nonEmpty },
        {
          flags: '--zone <zone>',
          help: 'where it is, such as cloud: copies go to distinct zones first',
          parse: nonEmpty,
        },
        {
          flags: '--capacity <bytes>',
          help: 'how much it shall hold beside the others (default: its disk, or as the largest node)',
          parse: parseBytes,
        },
        {
          flags: '--role <role>',
          help: 'its share of the copies, or everything beside them (default: share)',
          choices: ['share', 'mirror'],
        },
      ],
      examples: [
        'disktro peers add s3://s3.eu-central-1.amazonaws.com/my-bucket/disktro --zone cloud',
        'disktro peers add file:///mnt/usb --role mirror',
        'disktro peers add 192.168.1.20:8080',
      ],
      exits: [...JOIN_EXITS, 'notFound'],
      load: () => import('../commands/peers-add.js'),
    },
    {
      name: 'remove',
      operands: '<node>',
      summary: 'take a node out of the cluster, after moving its copies',
      details: `${NODE_HELP} Returns when every object it held has its copies elsewhere; at once, with status 3, when too few others are up.`,
      options: [
        { flags: '--force', help: 'the node is dead: do not wait for it' },
        {
          flags: '--timeout <seconds>',
          help: 'how long to wait for the copies (default: 1h)',
          parse: parseSeconds,
        },
      ],
      examples: ['disktro peers remove old-laptop', 'disktro peers remove k5q2m7xa --force'],
      exits: [...JOIN_EXITS, 'notFound', 'inputs'],
      load: () => import('../commands/peers-remove.js'),
    },
    {
      name: 'ping',
      operands: '[node]',
      summary: 'ask whether nodes are there',
      details: `${NODE_HELP} Without one, all are asked. Status 20 when one does not answer, 21 when this node was removed.`,
      examples: ['disktro peers ping', 'disktro peers ping nas'],
      exits: [...JOIN_EXITS, 'notFound'],
      load: () => import('../commands/peers-ping.js'),
    },
  ],
};

const RECOVER: CommandSpec = {
  name: 'recover',
  summary: 'get everything back from peers, on a new machine',
  details:
    'The recovery code, or the password together with --vault, comes from where passwords come from. Afterwards `ls` ' +
    'lists every file, `reassemble` fetches what it needs, and `serve` gets the rest in time. Run again, it goes on.',
  options: [
    {
      flags: '--from <address>',
      help: 'any machine of the cluster, as host:port, or a bucket or folder, as s3://… or file:///…',
      parse: nonEmpty,
    },
    { flags: '--vault <id>', help: 'which vault: needed with a password', parse: nonEmpty },
  ],
  examples: [
    'disktro recover --from 192.168.1.20:8080',
    'disktro --password-file code.txt recover --from nas.local:8080',
    'disktro recover --from s3://s3.eu-central-1.amazonaws.com/my-bucket/disktro',
    'disktro recover --from nas.local:8080 --vault 50e763b84c5799ed2f6d11d54a22d370',
  ],
  exits: [...JOIN_EXITS, 'notFound', 'wrongPassword', 'missing'],
  load: () => import('../commands/recover.js'),
};

export const PEER_COMMANDS: readonly CommandSpec[] = [SERVE, UPLOAD, COPY, PEERS, RECOVER];
