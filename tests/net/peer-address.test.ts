// Where peers may be. Sources: src/net/peer-address.ts.
import t from 'tap';
import { formatAddress, isForbiddenIp, parseAddress, resolveAddress } from '../../src/net/peer-address.js';

t.test('reads one port from every spelling', async (t) => {
  const table: [string, string, number][] = [
    ['nas.local:8081', 'nas.local', 8081],
    ['http://nas.local:8081', 'nas.local', 8081],
    ['https://nas.local:8081/', 'nas.local', 8081],
    ['HTTPS://nas.local:1', 'nas.local', 1],
    ['192.0.2.7:65535', '192.0.2.7', 65_535],
    ['[fd00::7]:8081', 'fd00::7', 8081],
    ['http://[fd00::7]:8081', 'fd00::7', 8081],
    [' nas:8081 ', 'nas', 8081],
  ];
  for (const [text, host, port] of table) t.same(parseAddress(text), { host, port }, text);
  t.equal(formatAddress({ host: 'fd00::7', port: 1 }), '[fd00::7]:1');
  t.equal(formatAddress({ host: 'nas', port: 1 }), 'nas:1');
});

t.test('refuses everything else with E_USAGE', async (t) => {
  const texts = [
    '',
    'nas',
    'nas:',
    ':8081',
    'nas:0',
    'nas:65536',
    'nas:99999999',
    'nas:80x',
    'ftp://nas:21',
    'http://user@nas:80',
    'user:pw@nas:80',
    'nas:80/path',
    'nas:80?x',
    'fd00::7:8081',
    '[nas]:80',
    '[fd00::7]',
    'a b:80',
    'nas\n:80',
    'na%73:80',
    `${'a'.repeat(300)}:80`,
  ];
  for (const text of texts) t.throws(() => parseAddress(text), { code: 'E_USAGE' }, JSON.stringify(text));
});

t.test('never goes to metadata services, groups or nowhere', async (t) => {
  const forbidden = [
    '169.254.169.254',
    '169.254.0.1',
    '::ffff:169.254.169.254',
    '::ffff:a9fe:a9fe',
    '0.0.0.0',
    '0.1.2.3',
    '::',
    'fe80::1',
    'fe80::1%eth0',
    'febf::1',
    '224.0.0.1',
    '239.255.255.255',
    '255.255.255.255',
    'ff02::1',
    'fd00:ec2::254',
    'fd20:ce::254',
    '100.100.100.200',
    '192.0.0.192',
    '64:ff9b::a9fe:a9fe',
    'not an ip',
  ];
  for (const ip of forbidden) t.equal(isForbiddenIp(ip), true, ip);
  for (const ip of [
    '127.0.0.1',
    '::1',
    '10.0.0.1',
    '192.168.1.2',
    '100.64.0.1',
    '64:ff9b::a00:1',
    'fd00::7',
    'fec0::1',
    '2001:db8::1',
  ])
    t.equal(isForbiddenIp(ip), false, ip);
  await t.rejects(resolveAddress('169.254.169.254:80'), { code: 'E_PEER_REFUSED' });
  await t.rejects(resolveAddress('http://[::ffff:169.254.169.254]:80'), { code: 'E_PEER_REFUSED' });
  t.same(await resolveAddress('127.0.0.1:80'), [{ ip: '127.0.0.1', port: 80, address: '127.0.0.1:80' }]);
  t.ok((await resolveAddress('localhost:80')).every(({ ip }) => ip === '127.0.0.1' || ip === '::1'));
  await t.rejects(resolveAddress('no-such-host.invalid:80'), { code: 'E_PEER_UNREACHABLE' });
});
