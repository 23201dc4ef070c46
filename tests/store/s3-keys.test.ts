// Where access keys come from. Sources: src/store/s3-keys.ts, src/ops/holders/holder-access.ts.
import fs from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { KeyRing } from '../../src/ops/holders/holder-access.js';
import { nodeFileSystem } from '../../src/store/file-system.js';
import { keysOfAwsFiles, keysOfEnvironment } from '../../src/store/s3-keys.js';
import { scratchFolder } from '../ops/scratch-home.js';

const FILE = `
# comment
[work]
aws_access_key_id = WORKKEY
aws_secret_access_key=work/secret+=
[half]
aws_access_key_id = HALF
; comment
[ default ]
aws_access_key_id=DEFAULTKEY
aws_secret_access_key =   default-secret
aws_session_token = token
nonsense
`;

t.test('reads the environment, where both parts are there', async (t) => {
  t.equal(keysOfEnvironment({ AWS_ACCESS_KEY_ID: 'A' }), undefined);
  t.equal(keysOfEnvironment({ AWS_ACCESS_KEY_ID: 'A', AWS_SECRET_ACCESS_KEY: '' }), undefined);
  t.same(keysOfEnvironment({ AWS_ACCESS_KEY_ID: 'A', AWS_SECRET_ACCESS_KEY: 'B', AWS_SESSION_TOKEN: 'C' }), {
    accessKeyId: 'A',
    secretAccessKey: 'B',
    sessionToken: 'C',
  });
});

t.test('reads the credentials file of AWS tools, and chooses a profile', async (t) => {
  const home = scratchFolder(t);
  const read = (environment: Record<string, string>) =>
    keysOfAwsFiles(nodeFileSystem, { HOME: home, ...environment });
  t.same(await read({}), { chosen: undefined, all: [] }, 'there need not be one');
  fs.mkdirSync(path.join(home, '.aws'));
  fs.writeFileSync(path.join(home, '.aws', 'credentials'), FILE.replaceAll('\n', '\r\n'));
  const work = { accessKeyId: 'WORKKEY', secretAccessKey: 'work/secret+=' };
  const usual = { accessKeyId: 'DEFAULTKEY', secretAccessKey: 'default-secret', sessionToken: 'token' };
  const all = [work, usual];
  t.same(await read({}), { chosen: usual, all });
  t.same(await read({ AWS_PROFILE: '' }), { chosen: usual, all });
  t.same(await read({ AWS_PROFILE: 'work' }), { chosen: work, all });
  const other = path.join(home, 'elsewhere');
  fs.writeFileSync(other, '[one]\naws_access_key_id=X\naws_secret_access_key=Y');
  t.match(await read({ AWS_SHARED_CREDENTIALS_FILE: other }), { chosen: { accessKeyId: 'X' } });
});

t.test(
  'where AWS_PROFILE names a profile without keys, those of another account are not taken',
  async (t) => {
    const home = scratchFolder(t);
    fs.mkdirSync(path.join(home, '.aws'));
    fs.writeFileSync(path.join(home, '.aws', 'credentials'), FILE);
    for (const AWS_PROFILE of ['wrok', 'half']) {
      const ring = await KeyRing.read(nodeFileSystem, { HOME: home, AWS_PROFILE });
      t.equal(ring.find(undefined), undefined, AWS_PROFILE);
      t.match(ring.find('WORKKEY'), { keys: { accessKeyId: 'WORKKEY' }, isPassing: false });
      t.equal(ring.find('NONE'), undefined);
    }
  },
);

t.test('keys of the environment come first, where they are those that are meant', async (t) => {
  const home = scratchFolder(t);
  fs.mkdirSync(path.join(home, '.aws'));
  fs.writeFileSync(path.join(home, '.aws', 'credentials'), FILE);
  const own = { AWS_ACCESS_KEY_ID: 'A', AWS_SECRET_ACCESS_KEY: 'B' };
  const ring = await KeyRing.read(nodeFileSystem, { HOME: home, ...own });
  for (const id of [undefined, 'A']) {
    t.match(ring.find(id), { keys: { accessKeyId: 'A' }, isPassing: true });
  }
  t.match(ring.find('DEFAULTKEY'), { keys: { accessKeyId: 'DEFAULTKEY' }, isPassing: false });
});

t.test('files that cannot be read are told to who needs them', async (t) => {
  const home = scratchFolder(t);
  const own = { AWS_ACCESS_KEY_ID: 'A', AWS_SECRET_ACCESS_KEY: 'B' };
  const ring = await KeyRing.read(nodeFileSystem, { AWS_SHARED_CREDENTIALS_FILE: home, ...own });
  t.match(ring.find('A'), { isPassing: true });
  t.throws(() => ring.find('OTHER'), { code: 'E_CONFIG', message: `${home}: it is a folder` });
});
