/**
 * What an S3 engine refuses, as our errors with hints; and what is worth another try. Knows answers, no connections.
 * No message holds a key, a signature or a header.
 */
import { DisktroError, type ErrorOptions } from '../errors.js';

/** An answer that is no success. */
export interface S3Refusal {
  readonly status: number;
  /** `<Code>` of the body, empty where there is none: HEAD has no body. */
  readonly code: string;
  /** `<Message>` of the body, or `<Region>`, `<BucketName>`: for people. */
  readonly fields: Readonly<Record<string, string>>;
}

/** Of 5xx those that will be the same in a moment: not implemented, HTTP version, no room. */
const LASTING_STATUSES = new Set([501, 505, 507]);
const TRANSIENT_CODES = new Set([
  'ConditionalRequestConflict',
  'InternalError',
  'OperationAborted',
  'RequestTimeout',
  'ServiceUnavailable',
  'SlowDown',
  'ThrottlingException',
  'TooManyRequests',
]);
const NO_SPACE_CODES = new Set(['QuotaExceeded', 'ServiceQuotaExceeded', 'StorageQuotaExceeded']);
const WRONG_KEY_CODES = new Set([
  'ExpiredToken',
  'InvalidAccessKeyId',
  'InvalidToken',
  'SignatureDoesNotMatch',
]);
const WRONG_REGION_CODES = new Set([
  'AuthorizationHeaderMalformed',
  'PermanentRedirect',
  'TemporaryRedirect',
]);
const MAX_FIELD_LENGTH = 200;
/** They must not reach a terminal. */
const CONTROLS = /\p{Cc}/gu;

/** Reads the body of an error. Never throws for what it is given. */
export function readRefusal(status: number, body: Uint8Array): S3Refusal {
  const text = Buffer.from(body).toString('utf8');
  const fields: Record<string, string> = {};
  for (const name of ['Code', 'Message', 'Region']) {
    const value = new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1];
    if (value !== undefined) fields[name] = value.replace(CONTROLS, ' ').slice(0, MAX_FIELD_LENGTH);
  }
  return { status, code: fields.Code ?? '', fields };
}

/** Whether the same request may succeed a moment later. */
export function isTransient({ status, code }: S3Refusal): boolean {
  const isOfStatus = status === 408 || status === 429 || (status >= 500 && !LASTING_STATUSES.has(status));
  return isOfStatus || TRANSIENT_CODES.has(code);
}

/** @param doing what was tried, for the message; @param where the bucket, as a person knows it */
export function s3Error(refusal: S3Refusal, doing: string, where: string): DisktroError {
  const { status, code, fields } = refusal;
  const said = code === '' ? `status ${status}` : code;
  const fail = (kind: 'E_PEER_REFUSED' | 'E_PEER_UNREACHABLE' | 'E_NO_SPACE', why: string, hint?: string) =>
    new DisktroError(kind, `${where}: ${doing}: ${why}`, options(refusal, hint));
  if (isTransient(refusal)) {
    return fail('E_PEER_UNREACHABLE', `the store is not able to answer now (${said})`, 'try again later');
  }
  if (NO_SPACE_CODES.has(code) || status === 507) {
    return fail(
      'E_NO_SPACE',
      `the quota is used up (${said})`,
      'raise the quota, or free space in the bucket',
    );
  }
  if (code === 'RequestTimeTooSkewed') {
    return fail('E_PEER_REFUSED', 'the clocks differ too much', 'set the clock of this machine');
  }
  if (WRONG_KEY_CODES.has(code)) {
    return fail('E_PEER_REFUSED', `the access keys are wrong (${said})`, KEYS_HINT);
  }
  if (WRONG_REGION_CODES.has(code) || status === 301 || status === 307) {
    const region = fields.Region ?? '';
    const hint = region === '' ? 'give the region with ?region=' : `write ?region=${region} in its URL`;
    return fail('E_PEER_REFUSED', `the bucket is not in this region (${said})`, hint);
  }
  if (code === 'NoSuchBucket') {
    return fail('E_PEER_REFUSED', 'there is no such bucket', 'make the bucket first, or correct its name');
  }
  if (status === 401 || status === 403) {
    // An answer to HEAD does not say whether the keys are wrong or may too little.
    const hint = code === '' ? `${KEYS_HINT}; ${RIGHTS_HINT}` : RIGHTS_HINT;
    return fail('E_PEER_REFUSED', `not permitted (${said})`, hint);
  }
  const why = fields.Message === undefined ? said : `${said}: ${fields.Message}`;
  return fail('E_PEER_REFUSED', `refused (${why})`);
}

const KEYS_HINT =
  'check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or ~/.aws/credentials; for a member run `disktro peers add` again';
const RIGHTS_HINT =
  'the keys need s3:ListBucket, GetObject, PutObject and DeleteObject; the bucket may be read-only, or an object locked';

function options({ status, code }: S3Refusal, hint: string | undefined): ErrorOptions {
  return { details: { status, ...(code === '' ? {} : { code }) }, ...(hint === undefined ? {} : { hint }) };
}

/** A connection that could not be made, or broke. */
export function s3TransportError(error: unknown, doing: string, where: string): DisktroError {
  const { code, message } = error as { readonly code?: string; readonly message?: string };
  const isCertificate = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS/.test(code ?? '');
  const hint = isCertificate
    ? 'name the certificate of your own CA in NODE_EXTRA_CA_CERTS'
    : code === 'EPROTO' || code?.startsWith('ERR_SSL')
      ? 'what answers there speaks no TLS: for plain HTTP write ?tls=0 in its URL'
      : undefined;
  return new DisktroError('E_PEER_UNREACHABLE', `${where}: ${doing}: ${code ?? message ?? String(error)}`, {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}
