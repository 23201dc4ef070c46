// An invite lets in one machine, also when several come at the same moment. Sources: src/ops/cluster/join.ts.
import t, { type Test } from 'tap';
import { type Credentials, createCertificateRequest } from '../../../src/net/certificates.js';
import { inviteIdOf, joinProof, parseInvite } from '../../../src/net/invite.js';
import { acceptJoin, foundCluster, makeInvite } from '../../../src/ops/cluster/join.js';
import { NodeFiles } from '../../../src/ops/cluster/node-files.js';
import { openNodeHome } from '../../../src/ops/home/home.js';
import { scratchFolder } from '../scratch-home.js';

async function nodeFiles(t: Test, name: string): Promise<NodeFiles> {
  const home = await openNodeHome({ home: `${scratchFolder(t)}/${name}` });
  t.teardown(() => home.close());
  return new NodeFiles(home);
}

t.test('three machines with one invite at once: one is let in', async (t) => {
  const files = await nodeFiles(t, 'inviting');
  const invite = parseInvite(await makeInvite(files, ['127.0.0.1:1'], Date.now()), Date.now());
  const invitingNodeId = (await files.read())?.id as never;
  const exporter = Buffer.alloc(32, 7);
  const requests = await Promise.all(
    ['one', 'two', 'three'].map(async (name) => {
      const { id, keyPem } = await (await nodeFiles(t, name)).ensure(name);
      const context = { joiningNodeId: id, invitingNodeId, exporter };
      return {
        invite: inviteIdOf(invite.secret),
        csr: await createCertificateRequest(keyPem),
        proof: joinProof(invite.secret, context),
      };
    }),
  );
  const outcomes = await Promise.allSettled(
    requests.map((request) => acceptJoin(files, request as never, exporter)),
  );
  t.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
  const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
  for (const reason of refused) t.match(reason, { code: 'E_PEER_REFUSED' });
});

t.test(
  'who had founded a cluster and joins another one does not sign with the key of the first',
  async (t) => {
    const [files, others] = [await nodeFiles(t, 'founder'), await nodeFiles(t, 'inviting')];
    await foundCluster(files, Date.now());
    t.ok((await files.read())?.caKeyPem);
    const { credentials } = await foundCluster(others, Date.now());
    await files.writeCredentials(credentials as Credentials);
    t.equal((await files.read())?.caKeyPem, undefined);
    await t.rejects(makeInvite(files, ['127.0.0.1:1'], Date.now()), { code: 'E_PEER_REFUSED' });
  },
);
