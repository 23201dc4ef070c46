/** What a person hears when a bucket or folder cannot be used from here. */
import { DisktroError } from '../../errors.js';
import { formatStoreUrl, type StoreLocation } from '../../store/store-url.js';

export function noKeys(location: StoreLocation): DisktroError {
  return new DisktroError('E_CONFIG', `no access keys for ${formatStoreUrl(location)}`, {
    hint: 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write them into ~/.aws/credentials, where AWS_PROFILE says which profile',
  });
}

export function noCaKey(): DisktroError {
  return new DisktroError(
    'E_PEER_REFUSED',
    'this node may not add or change members: it does not hold the key of its cluster',
    { hint: 'run the command on the machine that the cluster began on' },
  );
}
