// Where access keys come from. Sources: src/store/s3-keys.ts.
import fs from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { nodeFileSystem } from '../../src/store/file-system.js';
import { chooseKeys, keysOfAwsFiles, keysOfEnvironment } from '../../src/store/s3-keys.js';
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

t.test('reads the credentials file of AWS tools, the chosen profile first', async (t) => {
  const home = scratchFolder(t);
  t.same(await keysOfAwsFiles(nodeFileSystem, { HOME: home }), [], 'there need not be one');
  fs.mkdirSync(path.join(home, '.aws'));
  fs.writeFileSync(path.join(home, '.aws', 'credentials'), FILE.replaceAll('\n', '\r\n'));
  const work = { accessKeyId: 'WORKKEY', secretAccessKey: 'work/secret+=' };
  const usual = { accessKeyId: 'DEFAULTKEY', secretAccessKey: 'default-secret', sessionToken: 'token' };
  const keys = await keysOfAwsFiles(nodeFileSystem, { HOME: home });
  t.same(keys, [usual, work]);
  t.same(await keysOfAwsFiles(nodeFileSystem, { HOME: home, AWS_PROFILE: 'work' }), [work, usual]);
  t.same(
    [chooseKeys(keys, undefined), chooseKeys(keys, 'WORKKEY'), chooseKeys(keys, 'NONE')],
    [usual, work, undefined],
  );
  const other = path.join(home, 'elsewhere');
  fs.writeFileSync(other, '[default]\naws_access_key_id=X\naws_secret_access_key=Y');
  t.match(await keysOfAwsFiles(nodeFileSystem, { HOME: home, AWS_SHARED_CREDENTIALS_FILE: other }), [
    { accessKeyId: 'X' },
  ]);
});
